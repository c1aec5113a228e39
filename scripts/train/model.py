"""The trunk (BERT, post-LayerNorm) and the ten heads, in plain PyTorch with Hugging Face parameter names."""

import math
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from .heads import HEADS

HIDDEN, LAYERS, ATTENTION_HEADS, FFN = 384, 6, 12, 1536
VOCABULARY, POSITIONS, EPSILON = 30522, 512, 1e-12


class Embeddings(nn.Module):
    """Word, position and token-type rows, summed and normalized."""

    def __init__(self, dropout: float):
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, HIDDEN)
        self.position_embeddings = nn.Embedding(POSITIONS, HIDDEN)
        self.token_type_embeddings = nn.Embedding(2, HIDDEN)
        self.LayerNorm = nn.LayerNorm(HIDDEN, EPSILON)
        self.dropout = dropout

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """`ids` [batch, tokens] to [batch, tokens, hidden]."""
        position = self.position_embeddings.weight[: ids.shape[1]] + self.token_type_embeddings.weight[0]
        summed = self.word_embeddings(ids) + position
        return functional.dropout(self.LayerNorm(summed), self.dropout, self.training)


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

    def _drop(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, self.dropout, self.training)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`mask` [batch, 1, 1, tokens] is true where a token is."""
        batch, tokens, _ = x.shape
        query, key, value = (
            self.attention["self"][name](x).view(batch, tokens, ATTENTION_HEADS, -1).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(batch, tokens, HIDDEN)
        attended = self.attention["output"]
        x = attended["LayerNorm"](x + self._drop(attended["dense"](mixed)))
        inner = functional.gelu(self.intermediate["dense"](x))
        return self.output["LayerNorm"](x + self._drop(self.output["dense"](inner)))


class Trunk(nn.Module):
    """Token ids to final hidden states."""

    def __init__(self, dropout: float = 0.0):
        super().__init__()
        self.embeddings = Embeddings(dropout)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(dropout) for _ in range(LAYERS))})

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`ids` and boolean `mask` [batch, tokens] to [batch, tokens, hidden]."""
        x = self.embeddings(ids)
        wide = mask[:, None, None, :]
        for layer in self.encoder["layer"]:
            x = layer(x, wide)
        return x


class Heads(nn.Module):
    """Per head: attention pooling with its own query, plus the mean of the tokens."""

    def __init__(self, seed: int = 0):
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        count = len(HEADS)
        self.query = nn.Parameter(torch.randn(count, HIDDEN, generator=draw) * 0.02)
        self.weight = nn.Parameter(torch.randn(count, HIDDEN, generator=draw) / math.sqrt(HIDDEN) * 0.5)
        self.mean_weight = nn.Parameter(torch.randn(count, HIDDEN, generator=draw) / math.sqrt(HIDDEN) * 0.5)
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
    """Trunk and heads."""

    def __init__(self, dropout: float = 0.0, seed: int = 0):
        super().__init__()
        self.trunk = Trunk(dropout)
        self.heads = Heads(seed)
        self.dropout = dropout

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [batch, heads] and pooled output [batch, hidden]."""
        states = functional.dropout(self.trunk(ids, mask), self.dropout, self.training)
        return self.heads(states, mask)


def load_trunk(guard: Guard, folder: Path) -> None:
    """Loads Hugging Face-named trunk weights, with or without a `bert.` prefix."""
    known = guard.trunk.state_dict()
    found = {name.removeprefix("bert."): tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    missing = known.keys() - found.keys()
    if missing:
        raise SystemExit(f"trunk {folder} lacks {sorted(missing)[:3]} and {len(missing)} tensors in all")
    guard.trunk.load_state_dict({name: found[name].float() for name in known})
