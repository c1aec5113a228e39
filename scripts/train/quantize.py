"""Weights to int8: symmetric, one scale an output channel (a row, for embeddings), rounded for least error."""

import numpy as np
import torch

from .layout import pack, unpack
from .model import HIDDEN, LAYERS, Guard

LEVELS = 127
_CLIPS = np.linspace(1.0, 0.7, 13)
_HEAD_WIDTH = 32
#: Share of the mean second moment added to the diagonal, so that rarely used inputs stay stable.
_DAMPING = 0.01


def quantize_rows(matrix: np.ndarray, importance: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """int8 [n, k] and scales [n] of least squared error among a few clip ratios.

    `importance` [k] weighs the error of each input by the mean square of its activations.
    """
    largest = np.maximum(np.abs(matrix).max(1), 1e-12)
    best = np.full(len(matrix), np.inf)
    chosen_q, chosen_scale = np.zeros(matrix.shape, np.int8), np.zeros(len(matrix), np.float32)
    for clip in _CLIPS:
        scale = (largest * clip / LEVELS).astype(np.float32)
        q = np.clip(np.rint(matrix / scale[:, None]), -LEVELS, LEVELS)
        error = (q * scale[:, None] - matrix) ** 2
        total = error.sum(1) if importance is None else error @ importance
        better = total < best
        best[better] = total[better]
        chosen_q[better], chosen_scale[better] = q[better].astype(np.int8), scale[better]
    return chosen_q, chosen_scale


def round_together(matrix: np.ndarray, scale: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """int8 [n, k] whose rounding errors cancel over typical inputs, for fixed scales [n].

    `moments` [k, k] is the mean of x xᵀ. Inputs are rounded one by one, the strongest first, and the error of each is
    made good by the inputs still open (GPTQ: Frantar et al. 2022, arXiv 2210.17323).
    """
    k = len(moments)
    order = np.argsort(-np.diag(moments), kind="stable")
    damped = moments[np.ix_(order, order)] + np.eye(k) * _DAMPING * np.mean(np.diag(moments))
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    open_weights = matrix[:, order].copy()
    q = np.zeros(matrix.shape, np.int8)
    for place in range(k):
        column = open_weights[:, place]
        rounded = np.clip(np.rint(column / scale), -LEVELS, LEVELS)
        q[:, order[place]] = rounded.astype(np.int8)
        error = (column - rounded * scale) / upper[place, place]
        open_weights[:, place + 1 :] -= error[:, None] * upper[place, place + 1 :]
    return q


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()


def linears(guard: Guard) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Weight [n, k] and bias [n] of every linear under its name in the file.

    The attention scale 1/sqrt(32) is folded into the query third of `qkv`.
    """
    found = {}
    for number in range(LAYERS):
        layer = guard.trunk.encoder["layer"][number]
        parts = layer.attention["self"]
        weights, biases = [], []
        for name in ("query", "key", "value"):
            factor = _HEAD_WIDTH**-0.5 if name == "query" else 1.0
            weights.append(_array(parts[name].weight) * factor)
            biases.append(_array(parts[name].bias) * factor)
        found[f"layers.{number}.qkv"] = (np.concatenate(weights), np.concatenate(biases))
        for name, module in (("attention_output", layer.attention["output"]["dense"]),
                             ("ffn_input", layer.intermediate["dense"]), ("ffn_output", layer.output["dense"])):
            found[f"layers.{number}.{name}"] = (_array(module.weight), _array(module.bias))
    return found


def tensors(guard: Guard, moments: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every tensor of the int8 file; `moments` holds the mean of x xᵀ at the input of each linear."""
    result: dict[str, np.ndarray] = {}
    embeddings = guard.trunk.embeddings
    position = _array(embeddings.position_embeddings.weight) + _array(embeddings.token_type_embeddings.weight)[0]
    for name, matrix in (("word", _array(embeddings.word_embeddings.weight)), ("position", position)):
        result[f"embeddings.{name}.q"], result[f"embeddings.{name}.scale"] = quantize_rows(matrix)
    result |= _norm("embeddings.norm", embeddings.LayerNorm)
    for name, (weight, bias) in linears(guard).items():
        _, scale = quantize_rows(weight, np.diag(moments[name]))
        q = round_together(weight, scale.astype(np.float64), moments[name])
        result |= {f"{name}.q": pack(q), f"{name}.scale": scale, f"{name}.bias": bias.astype(np.float32),
                   f"{name}.sum": q.astype(np.int32).sum(1, dtype=np.int32)}
    for number in range(LAYERS):
        layer = guard.trunk.encoder["layer"][number]
        result |= _norm(f"layers.{number}.attention_norm", layer.attention["output"]["LayerNorm"])
        result |= _norm(f"layers.{number}.ffn_norm", layer.output["LayerNorm"])
    for name in ("query", "weight", "mean_weight", "bias"):
        result[f"heads.{name}"] = _array(getattr(guard.heads, name)).astype(np.float32)
    return result


def _norm(name: str, module: torch.nn.LayerNorm) -> dict[str, np.ndarray]:
    return {f"{name}.weight": _array(module.weight).astype(np.float32),
            f"{name}.bias": _array(module.bias).astype(np.float32)}


def dequantized(guard: Guard, file: dict[str, np.ndarray]) -> Guard:
    """An f32 model that holds what the int8 file says."""
    copy = Guard()
    copy.load_state_dict(guard.state_dict())
    state = copy.state_dict()

    def put(name: str, value: np.ndarray) -> None:
        state[name].copy_(torch.from_numpy(np.ascontiguousarray(value, np.float32)))

    for name, key in (("word", "word_embeddings"), ("position", "position_embeddings")):
        put(f"trunk.embeddings.{key}.weight",
            file[f"embeddings.{name}.q"].astype(np.float32) * file[f"embeddings.{name}.scale"][:, None])
    state["trunk.embeddings.token_type_embeddings.weight"].zero_()
    for number in range(LAYERS):
        base, prefix = f"trunk.encoder.layer.{number}", f"layers.{number}"
        weight = unpack(file[f"{prefix}.qkv.q"]).astype(np.float32) * file[f"{prefix}.qkv.scale"][:, None]
        bias = file[f"{prefix}.qkv.bias"]
        for part, name in enumerate(("query", "key", "value")):
            factor = np.float32(_HEAD_WIDTH**0.5) if part == 0 else np.float32(1)
            rows = slice(part * HIDDEN, (part + 1) * HIDDEN)
            put(f"{base}.attention.self.{name}.weight", weight[rows] * factor)
            put(f"{base}.attention.self.{name}.bias", bias[rows] * factor)
        for name, key in (("attention_output", "attention.output.dense"), ("ffn_input", "intermediate.dense"),
                          ("ffn_output", "output.dense")):
            put(f"{base}.{key}.weight", unpack(file[f"{prefix}.{name}.q"]).astype(np.float32)
                * file[f"{prefix}.{name}.scale"][:, None])
            put(f"{base}.{key}.bias", file[f"{prefix}.{name}.bias"])
    return copy.eval()


class Int8Linear(torch.nn.Module):
    """A linear as the runtime computes it: u8 activations per token, integer sums, one f32 epilogue."""

    def __init__(self, linear: torch.nn.Linear, q: np.ndarray, scale: np.ndarray):
        super().__init__()
        # float32 rounds the largest integer sums in their last bits: a forecast, not the runtime's arithmetic.
        self.q = torch.from_numpy(q.astype(np.float32))
        self.scale = torch.from_numpy(scale.astype(np.float32))
        self.bias = linear.bias.detach()
        self.sum = self.q.sum(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[.., k] to [.., n]."""
        low = x.amin(-1, keepdim=True).clamp(max=0)
        high = x.amax(-1, keepdim=True).clamp(min=0)
        scale = ((high - low) / 255).clamp(min=1e-30)
        zero = (-low / scale).round().clamp(0, 255)
        u8 = ((x / scale).round() + zero).clamp(0, 255)
        return (u8 @ self.q.T - zero * self.sum) * (scale * self.scale) + self.bias


def simulated(dequantized_guard: Guard, file: dict[str, np.ndarray]) -> Guard:
    """The dequantized model with every linear replaced by its int8 form, to foresee the runtime's accuracy."""
    copy = Guard()
    copy.load_state_dict(dequantized_guard.state_dict())
    for number in range(LAYERS):
        layer, prefix = copy.trunk.encoder["layer"][number], f"layers.{number}"
        q, scale = unpack(file[f"{prefix}.qkv.q"]), file[f"{prefix}.qkv.scale"]
        for part, name in enumerate(("query", "key", "value")):
            rows = slice(part * HIDDEN, (part + 1) * HIDDEN)
            factor = np.float32(_HEAD_WIDTH**0.5) if part == 0 else np.float32(1)
            layer.attention["self"][name] = Int8Linear(layer.attention["self"][name], q[rows], scale[rows] * factor)
        for name, owner in (("attention_output", layer.attention["output"]), ("ffn_input", layer.intermediate),
                            ("ffn_output", layer.output)):
            owner["dense"] = Int8Linear(owner["dense"], unpack(file[f"{prefix}.{name}.q"]), file[f"{prefix}.{name}.scale"])
    return copy.eval()
