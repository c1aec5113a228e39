"""MPNet as a teacher, in plain PyTorch with Hugging Face parameter names. It reads the ids of the student's vocabulary."""

import torch
from torch import nn
from torch.nn import functional

from .model import Shape

HIDDEN, ATTENTION_HEADS, FFN = 768, 12, 3072
VOCABULARY, POSITIONS, EPSILON = 30527, 514, 1e-5
#: MPNet's vocabulary is BERT's behind four entries of its own, and positions start after the padding's.
_SHIFT, _FIRST_POSITION = 4, 2
#: BERT's [PAD], [CLS], [SEP], and what MPNet has for them.
_SPECIAL = {0: 1, 101: 0, 102: 2}
_BUCKETS, _FARTHEST = 32, 128


class Norm(nn.LayerNorm):
    """Normalizes in the numbers that it is given, also where `torch.autocast` would widen them: sums are in 32 bits anyway."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return functional.layer_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)


def narrowed(x: torch.Tensor) -> torch.Tensor:
    """In the numbers of `torch.autocast`, where that is on."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


class Embeddings(nn.Module):
    """Word and position rows, summed and normalized."""

    def __init__(self, dropout: float):
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, HIDDEN)
        self.position_embeddings = nn.Embedding(POSITIONS, HIDDEN)
        self.LayerNorm = Norm(HIDDEN, EPSILON)
        self.dropout = dropout

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The student's `ids` [batch, tokens] to [batch, tokens, hidden]."""
        own = ids + _SHIFT
        for bert, mpnet in _SPECIAL.items():
            own = own.masked_fill(ids == bert, mpnet)
        position = self.position_embeddings.weight[_FIRST_POSITION : _FIRST_POSITION + ids.shape[1]]
        return functional.dropout(self.LayerNorm(self.word_embeddings(own) + position), self.dropout, self.training)


class Layer(nn.Module):
    """One encoder layer."""

    def __init__(self, dropout: float):
        super().__init__()
        self.attention = nn.ModuleDict({
            "attn": nn.ModuleDict({name: nn.Linear(HIDDEN, HIDDEN) for name in "qkvo"}),
            "LayerNorm": Norm(HIDDEN, EPSILON),
        })
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(HIDDEN, FFN)})
        self.output = nn.ModuleDict({"dense": nn.Linear(FFN, HIDDEN), "LayerNorm": Norm(HIDDEN, EPSILON)})
        self.dropout = dropout

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """`bias` [batch, heads, tokens, tokens] is added to the attention scores."""
        batch, tokens, _ = x.shape
        linear = self.attention["attn"]
        query, key, value = (linear[name](x).view(batch, tokens, ATTENTION_HEADS, -1).transpose(1, 2) for name in "qkv")
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        mixed = linear["o"](mixed.transpose(1, 2).reshape(batch, tokens, HIDDEN))
        x = self.attention["LayerNorm"](x + functional.dropout(mixed, self.dropout, self.training))
        inner = self.output["dense"](functional.gelu(self.intermediate["dense"](x)))
        return self.output["LayerNorm"](x + functional.dropout(inner, self.dropout, self.training))


def buckets(tokens: int, device: torch.device) -> torch.Tensor:
    """Bucket of the distance from each query to each key [tokens, tokens] (Raffel et al. 2020, both directions)."""
    place = torch.arange(tokens, device=device)
    distance = place[:, None] - place[None, :]
    half = _BUCKETS // 2
    exact = half // 2
    far = distance.abs().clamp(min=1).float()
    spread = exact + (torch.log(far / exact) / torch.log(torch.tensor(_FARTHEST / exact)) * (half - exact)).long()
    near = torch.where(distance.abs() < exact, distance.abs(), spread.clamp(max=half - 1))
    return near + half * (distance < 0)


class Teacher(nn.Module):
    """Token ids to hidden states, with a relative position bias that all layers share."""

    hidden = HIDDEN

    def __init__(self, shape: Shape, dropout: float = 0.0):
        super().__init__()
        self.embeddings = Embeddings(dropout)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(dropout) for _ in range(shape.layers)),
                                      "relative_attention_bias": nn.Embedding(_BUCKETS, ATTENTION_HEADS)})

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        """`ids` and boolean `mask` [batch, tokens] to the states [batch, tokens, hidden] after each layer."""
        x = narrowed(self.embeddings(ids))
        bias = self.encoder["relative_attention_bias"](buckets(ids.shape[1], ids.device)).permute(2, 0, 1)
        bias = narrowed(bias).masked_fill(~mask[:, None, None, :], -1e4)
        states = []
        for layer in self.encoder["layer"]:
            x = layer(x, bias)
            states.append(x)
        return states
