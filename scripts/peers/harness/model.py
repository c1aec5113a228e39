"""The model as numpy has it: what is shared by every export, and the f32 reference that judges them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from .checkpoint import ATTENTION_HEADS

EPSILON = 1e-12


@dataclass
class Model:
    """Tensors under their checkpoint names, and texts as token ids for peers that calibrate."""

    tensors: dict[str, np.ndarray]
    calibration: list[list[int]]

    @property
    def hidden(self) -> int:
        """Width of a token's state."""
        return len(self.tensors["embeddings.LayerNorm.weight"])

    @property
    def layers(self) -> int:
        """Encoder layers."""
        return sum(name.endswith("intermediate.dense.weight") for name in self.tensors)

    @property
    def position(self) -> np.ndarray:
        """Position rows, the first token type added."""
        return (self.tensors["embeddings.position_embeddings.weight"]
                + self.tensors["embeddings.token_type_embeddings.weight"][0])

    def linear(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Weight [n, k] and bias [n]."""
        return self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    """Softmax along an axis."""
    power = np.exp(x - x.max(axis, keepdims=True))
    return power / power.sum(axis, keepdims=True)


def heads(tensors: dict[str, np.ndarray], states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits [heads] and pooled output [hidden] of one sequence's final states [tokens, hidden]."""
    pooled = states.mean(0)
    focused = softmax(states @ tensors["heads.query"].T, 0).T @ states
    logits = ((focused * tensors["heads.weight"]).sum(-1) + tensors["heads.mean_weight"] @ pooled
              + tensors["heads.bias"])
    return logits, pooled


def forward(model: Model, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Logits and pooled output of one sequence in f32."""
    tokens, hidden = len(ids), model.hidden

    def linear(name: str, x: np.ndarray) -> np.ndarray:
        weight, bias = model.linear(name)
        return x @ weight.T + bias

    def norm(name: str, x: np.ndarray) -> np.ndarray:
        weight, bias = model.linear(name)
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * weight + bias

    x = model.tensors["embeddings.word_embeddings.weight"][ids] + model.position[:tokens]
    x = norm("embeddings.LayerNorm", x)
    for number in range(model.layers):
        base = f"encoder.layer.{number}"
        query, key, value = (
            linear(f"{base}.attention.self.{part}", x).reshape(tokens, ATTENTION_HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(hidden // ATTENTION_HEADS))
        mixed = (softmax(scores, -1) @ value).transpose(1, 0, 2).reshape(tokens, hidden)
        x = norm(f"{base}.attention.output.LayerNorm", x + linear(f"{base}.attention.output.dense", mixed))
        inner = linear(f"{base}.intermediate.dense", x)
        inner = inner * (1 + erf(inner / np.float32(np.sqrt(2)))) / 2
        x = norm(f"{base}.output.LayerNorm", x + linear(f"{base}.output.dense", inner))
    return heads(model.tensors, x)
