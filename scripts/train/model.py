"""The trunk (BERT, post-LayerNorm) and the ten heads, in plain PyTorch with Hugging Face parameter names."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from .heads import HEADS

HIDDEN, LAYERS, ATTENTION_HEADS, FFN = 384, 6, 12, 1536
VOCABULARY, POSITIONS, EPSILON = 30522, 512, 1e-12
#: A usual scale in the file, over the one that makes an output's largest weight 127 (see `quantize.quantize_linear`).
_WIDENED = 1.5


@dataclass(frozen=True)
class Shape:
    """What differs between the models of one pipeline."""

    #: The encoder's family: "minilm", or "mpnet" for a teacher.
    family: str = "minilm"
    layers: int = LAYERS
    #: Width of a stored word row, projected to the hidden size; 0 stores whole rows.
    rank: int = 0
    #: Numbers of layers after which a verdict can be given, besides all of them.
    exits: tuple[int, ...] = ()

    @staticmethod
    def of(settings: dict) -> "Shape":
        """From a configuration or checkpoint."""
        return Shape(**{**settings, "exits": tuple(settings.get("exits", ()))})


class Embeddings(nn.Module):
    """Word, position and token-type rows, summed and normalized."""

    def __init__(self, dropout: float, rank: int = 0):
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, rank or HIDDEN)
        self.projection = nn.Linear(rank, HIDDEN, bias=False) if rank else None
        self.position_embeddings = nn.Embedding(POSITIONS, HIDDEN)
        self.token_type_embeddings = nn.Embedding(2, HIDDEN)
        self.LayerNorm = nn.LayerNorm(HIDDEN, EPSILON)
        self.dropout = dropout

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """`ids` [batch, tokens] to [batch, tokens, hidden]."""
        position = self.position_embeddings.weight[: ids.shape[1]] + self.token_type_embeddings.weight[0]
        words = self.word_embeddings(ids)
        summed = (self.projection(words) if self.projection else words) + position
        return functional.dropout(self.LayerNorm(summed), self.dropout, self.training)


class Rounded(torch.autograd.Function):
    """A value rounded on the way forward, its gradient passed on as it is (Bengio et al. 2013, arXiv 1308.3432)."""

    @staticmethod
    def forward(_, value: torch.Tensor) -> torch.Tensor:
        return value.round()

    @staticmethod
    def backward(_, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


def as_int8(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    """The linear on weights rounded to int8, a scale an output, and inputs rounded to u8, a scale a token."""
    rounded, x = Rounded.apply, x.float()
    scale = linear.weight.detach().abs().amax(1, keepdim=True) * (_WIDENED / 127)
    weight = rounded(linear.weight / scale) * scale
    low = x.detach().amin(-1, keepdim=True).clamp(max=0)
    high = x.detach().amax(-1, keepdim=True).clamp(min=0)
    step = ((high - low) / 255).clamp(min=1e-30)
    return functional.linear(rounded(x / step) * step, weight, linear.bias)


class Layer(nn.Module):
    """One encoder layer."""

    def __init__(self, dropout: float):
        super().__init__()
        self.attention = nn.ModuleDict({
            "self": nn.ModuleDict({name: nn.Linear(HIDDEN, HIDDEN) for name in ("query", "key", "value")}),
            "output": nn.ModuleDict({"dense": nn.Linear(HIDDEN, HIDDEN), "LayerNorm": nn.LayerNorm(HIDDEN, EPSILON)}),
        })
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(HIDDEN, FFN)})
        self.output = nn.ModuleDict({"dense": nn.Linear(FFN, HIDDEN), "LayerNorm": nn.LayerNorm(HIDDEN, EPSILON)})
        self.dropout = dropout
        #: While training: whether linears compute on rounded weights and inputs.
        self.int8 = False

    def _drop(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, self.dropout, self.training)

    def _linear(self, linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        return as_int8(linear, x) if self.int8 and self.training else linear(x)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`mask` [batch, 1, 1, tokens] is true where a token is."""
        batch, tokens, _ = x.shape
        query, key, value = (
            self._linear(self.attention["self"][name], x).view(batch, tokens, ATTENTION_HEADS, -1).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(batch, tokens, HIDDEN)
        attended = self.attention["output"]
        x = attended["LayerNorm"](x + self._drop(self._linear(attended["dense"], mixed)))
        inner = functional.gelu(self._linear(self.intermediate["dense"], x))
        return self.output["LayerNorm"](x + self._drop(self._linear(self.output["dense"], inner)))


class Trunk(nn.Module):
    """Token ids to hidden states."""

    hidden = HIDDEN

    def __init__(self, shape: Shape, dropout: float = 0.0):
        super().__init__()
        self.embeddings = Embeddings(dropout, shape.rank)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(dropout) for _ in range(shape.layers))})

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        """`ids` and boolean `mask` [batch, tokens] to the states [batch, tokens, hidden] after each layer."""
        x = self.embeddings(ids)
        wide = mask[:, None, None, :]
        states = []
        for layer in self.encoder["layer"]:
            x = layer(x, wide)
            states.append(x)
        return states


class Heads(nn.Module):
    """Per head: attention pooling with its own query, plus the mean of the tokens."""

    def __init__(self, seed: int = 0, hidden: int = HIDDEN):
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        count = len(HEADS)
        self.query = nn.Parameter(torch.randn(count, hidden, generator=draw) * 0.02)
        self.weight = nn.Parameter(torch.randn(count, hidden, generator=draw) / math.sqrt(hidden) * 0.5)
        self.mean_weight = nn.Parameter(torch.randn(count, hidden, generator=draw) / math.sqrt(hidden) * 0.5)
        self.bias = nn.Parameter(torch.zeros(count))

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [batch, heads] and the pooled output [batch, hidden]."""
        kept = mask.to(states.dtype)
        pooled = (states * kept[:, :, None]).sum(1) / kept.sum(1, keepdim=True)
        attention = (states @ self.query.T).masked_fill(~mask[:, :, None], float("-inf")).softmax(1)
        focused = attention.transpose(1, 2) @ states
        logits = (focused * self.weight).sum(-1) + pooled @ self.mean_weight.T + self.bias
        return logits, pooled


class Guard(nn.Module):
    """Trunk, heads, and the heads of earlier exits."""

    def __init__(self, shape: Shape = Shape(), dropout: float = 0.0, seed: int = 0):
        super().__init__()
        from .teacher import Teacher

        self.shape, self.dropout = shape, dropout
        self.trunk = (Teacher if shape.family == "mpnet" else Trunk)(shape, dropout)
        self.heads = Heads(seed, self.trunk.hidden)
        self.exits = nn.ModuleDict({str(after): Heads(seed + after, self.trunk.hidden) for after in shape.exits})

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [batch, heads] and pooled output [batch, hidden]."""
        states = functional.dropout(self.trunk(ids, mask)[-1], self.dropout, self.training)
        return self.heads(states.float(), mask)

    def every_exit(self, ids: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        """Logits of each exit, in order, the last those of the whole model."""
        states = self.trunk(ids, mask)
        chosen = [(states[after - 1], self.exits[str(after)]) for after in self.shape.exits]
        return [heads(functional.dropout(after, self.dropout, self.training).float(), mask)[0]
                for after, heads in (*chosen, (states[-1], self.heads))]


def load_trunk(guard: Guard, path: Path) -> None:
    """Loads Hugging Face-named trunk weights, with or without a `bert.` prefix; a lower trunk takes every other layer."""
    known = guard.trunk.state_dict()
    found = {name.removeprefix("bert.").removeprefix("mpnet."): tensor.float()
             for name, tensor in load_file(path).items()}
    shrink(guard.shape, found)
    missing = known.keys() - found.keys()
    if missing:
        raise SystemExit(f"{path} lacks {sorted(missing)[:3]} and {len(missing)} tensors in all")
    guard.trunk.load_state_dict({name: found[name] for name in known})


def shrink(shape: Shape, found: dict[str, torch.Tensor]) -> None:
    """Makes the tensors of a taller trunk fit: every n-th layer, and the word rows' leading singular directions."""
    numbers = [int(name.split(".layer.")[1].split(".")[0]) for name in found if ".layer." in name]
    step = (max(numbers) + 1) // shape.layers
    kept = {}
    for name in [name for name in found if ".layer." in name]:
        before, after = name.split(".layer.")
        number, rest = after.split(".", 1)
        tensor = found.pop(name)
        if int(number) % step == 0:
            kept[f"{before}.layer.{int(number) // step}.{rest}"] = tensor
    found |= kept
    words = found["embeddings.word_embeddings.weight"]
    if shape.rank and shape.rank != words.shape[1]:
        _, values, directions = torch.linalg.svd(words.double(), full_matrices=False)
        directions = directions[: shape.rank]
        # Rows and projection share the singular values' size.
        scale = values[: shape.rank].sqrt() / values[: shape.rank].sqrt().mean()
        found["embeddings.word_embeddings.weight"] = (words.double() @ directions.T / scale).float()
        found["embeddings.projection.weight"] = (directions.T * scale).float()
