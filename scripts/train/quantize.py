"""Weights to int8: symmetric, one scale an output channel (a row, for embeddings), rounded for least error."""

import numpy as np
import torch

from . import layout
from .layout import pack
from .model import HIDDEN, Guard, Shape

LEVELS = 127
_CLIPS = np.linspace(1.0, 0.7, 13)
_HEAD_WIDTH = 32
#: Share of the mean second moment added to the diagonal, so that rarely used inputs stay stable.
_DAMPING = 0.01
#: What the codes of one sign in a quad sum to at most: 255 times as much fits 16 bits.
QUAD_BOUND = 128
#: Scales tried for each output, over the one that makes its largest weight 127.
_WIDENINGS = np.linspace(1.15, 2.35, 9)
#: How far sizes of inputs are evened out, from 0 (not) to 1 (wholly). More costs the weights more than it saves.
_EVENING = {"qkv": 0.4, "attention_output": 0.0, "ffn_input": 0.6, "ffn_output": 0.0}
#: Inputs rounded before the open ones are made good for them.
_BLOCK = 64


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
    made good by the inputs still open (GPTQ: Frantar et al. 2022, arXiv 2210.17323). Codes keep to the bound: of each
    quad, those of one sign sum to at most `QUAD_BOUND`.
    """
    k = len(moments)
    quad = quads(k)
    order = np.argsort(-np.diag(moments), kind="stable")
    damped = moments[np.ix_(order, order)] + np.eye(k) * _DAMPING * np.mean(np.diag(moments))
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    open_weights = matrix[:, order].copy()
    q = np.zeros(matrix.shape, np.int8)
    positive, negative = np.zeros((2, len(matrix), quad.max() + 1))
    for start in range(0, k, _BLOCK):
        end = min(start + _BLOCK, k)
        errors = np.empty((len(matrix), end - start))
        for place in range(start, end):
            column, mine = open_weights[:, place], quad[order[place]]
            rounded = np.clip(np.rint(column / scale), np.maximum(-LEVELS, negative[:, mine] - QUAD_BOUND),
                              np.minimum(LEVELS, QUAD_BOUND - positive[:, mine]))
            positive[:, mine] += np.maximum(rounded, 0)
            negative[:, mine] -= np.minimum(rounded, 0)
            q[:, order[place]] = rounded.astype(np.int8)
            errors[:, place - start] = error = (column - rounded * scale) / upper[place, place]
            open_weights[:, place + 1 : end] -= error[:, None] * upper[place, place + 1 : end]
        open_weights[:, end:] -= errors @ upper[start:end, end:]
    return q


def quads(k: int) -> np.ndarray:
    """The number of each input's quad: of a run of eight inputs, four share a 16-bit sum on AVX2 (see kernels/DESIGN.md)."""
    inputs = np.arange(k)
    return inputs // 8 * 2 + inputs % 4 // 2


def quantize_linear(matrix: np.ndarray, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 [n, k] within the bound and scales [n]: for each output the scale that leaves the least error on typical inputs.

    A large scale rounds coarsely; under a small one large codes fill up their quads. Which weighs more depends on how a
    row's large weights fall together.
    """
    largest = np.maximum(np.abs(matrix).max(1), 1e-12)
    best = np.full(len(matrix), np.inf)
    chosen_q, chosen_scale = np.zeros(matrix.shape, np.int8), np.zeros(len(matrix), np.float32)
    for widening in _WIDENINGS:
        scale = (largest * widening / LEVELS).astype(np.float32)
        q = round_together(matrix, scale.astype(np.float64), moments)
        error = q * scale[:, None].astype(np.float64) - matrix
        total = ((error @ moments) * error).sum(1)
        better = total < best
        best[better] = total[better]
        chosen_q[better], chosen_scale[better] = q[better], scale[better]
    return chosen_q, chosen_scale


def input_scales(name: str, moments: np.ndarray) -> np.ndarray:
    """What each input [k] of a linear is multiplied by before it is quantized, and its weights divided by.

    A few inputs are far larger than the rest and would set every row's scale (SmoothQuant: Xiao et al. 2023, arXiv
    2211.10438).
    """
    size = np.sqrt(np.diag(moments))
    size = np.maximum(size, size.max() * 1e-6)
    return ((size / np.exp(np.log(size).mean())) ** -_EVENING[name.rsplit(".", 1)[1]]).astype(np.float32)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()


def linears(guard: Guard) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Weight [n, k] and bias [n] of every linear under its name in the file.

    The attention scale 1/sqrt(32) is folded into the query third of `qkv`.
    """
    found = {}
    for number in range(guard.shape.layers):
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
        even = input_scales(name, moments[name])
        q, scale = quantize_linear(weight / even, moments[name] * np.outer(even, even))
        result |= {f"{name}.q": pack(q), f"{name}.scale": scale, f"{name}.bias": bias.astype(np.float32),
                   f"{name}.sum": q.astype(np.int32).sum(1, dtype=np.int32), f"{name}.input": even}
    for number in range(guard.shape.layers):
        layer = guard.trunk.encoder["layer"][number]
        result |= _norm(f"layers.{number}.attention_norm", layer.attention["output"]["LayerNorm"])
        result |= _norm(f"layers.{number}.ffn_norm", layer.output["LayerNorm"])
    if embeddings.projection:
        result["embeddings.projection"] = _array(embeddings.projection.weight).T.astype(np.float32)
    for prefix, heads in [("heads", guard.heads), *((f"exits.{after}", heads) for after, heads in guard.exits.items())]:
        for name in ("query", "weight", "mean_weight", "bias"):
            result[f"{prefix}.{name}"] = _array(getattr(heads, name)).astype(np.float32)
    return result


def _norm(name: str, module: torch.nn.LayerNorm) -> dict[str, np.ndarray]:
    return {f"{name}.weight": _array(module.weight).astype(np.float32),
            f"{name}.bias": _array(module.bias).astype(np.float32)}


def linear_weights(file: dict[str, np.ndarray], name: str) -> np.ndarray:
    """The weights [n, k] that the file gives a linear."""
    # Files of version 1 have no input scales.
    even = file.get(f"{name}.input", np.float32(1))
    return layout.unpack(file[f"{name}.q"]).astype(np.float32) * file[f"{name}.scale"][:, None] * even


def shape_of(file: dict[str, np.ndarray]) -> Shape:
    """The shape of the model that a file holds."""
    return Shape(layers=sum(name.endswith(".qkv.q") for name in file),
                 rank=len(file["embeddings.projection"]) if "embeddings.projection" in file else 0,
                 exits=tuple(int(name.split(".")[1]) for name in sorted(file) if name.startswith("exits.") and name.endswith(".bias")))


def dequantized(file: dict[str, np.ndarray]) -> Guard:
    """An f32 model that holds what the int8 file says."""
    copy = Guard(shape_of(file))
    state = copy.state_dict()

    def put(name: str, value: np.ndarray) -> None:
        state[name].copy_(torch.from_numpy(np.ascontiguousarray(value, np.float32)))

    def put_norm(name: str, key: str) -> None:
        put(f"{name}.weight", file[f"{key}.weight"])
        put(f"{name}.bias", file[f"{key}.bias"])

    for name in ("word", "position"):
        put(f"trunk.embeddings.{name}_embeddings.weight",
            file[f"embeddings.{name}.q"].astype(np.float32) * file[f"embeddings.{name}.scale"][:, None])
    state["trunk.embeddings.token_type_embeddings.weight"].zero_()
    put_norm("trunk.embeddings.LayerNorm", "embeddings.norm")
    for number in range(copy.shape.layers):
        base, prefix = f"trunk.encoder.layer.{number}", f"layers.{number}"
        weight, bias = linear_weights(file, f"{prefix}.qkv"), file[f"{prefix}.qkv.bias"]
        for part, name in enumerate(("query", "key", "value")):
            factor = np.float32(_HEAD_WIDTH**0.5) if part == 0 else np.float32(1)
            rows = slice(part * HIDDEN, (part + 1) * HIDDEN)
            put(f"{base}.attention.self.{name}.weight", weight[rows] * factor)
            put(f"{base}.attention.self.{name}.bias", bias[rows] * factor)
        for name, key in (("attention_output", "attention.output.dense"), ("ffn_input", "intermediate.dense"),
                          ("ffn_output", "output.dense")):
            put(f"{base}.{key}.weight", linear_weights(file, f"{prefix}.{name}"))
            put(f"{base}.{key}.bias", file[f"{prefix}.{name}.bias"])
        put_norm(f"{base}.attention.output.LayerNorm", f"{prefix}.attention_norm")
        put_norm(f"{base}.output.LayerNorm", f"{prefix}.ffn_norm")
    if copy.shape.rank:
        put("trunk.embeddings.projection.weight", file["embeddings.projection"].T)
    for prefix in ("heads", *(f"exits.{after}" for after in copy.shape.exits)):
        for name in ("query", "weight", "mean_weight", "bias"):
            put(f"{prefix}.{name}", file[f"{prefix}.{name}"])
    return copy.eval()


class Int8Linear(torch.nn.Module):
    """A linear as the runtime computes it: u8 activations per token, integer sums, one f32 epilogue."""

    def __init__(self, linear: torch.nn.Linear, q: np.ndarray, scale: np.ndarray, even: np.ndarray):
        super().__init__()
        # float32 rounds the largest integer sums in their last bits: a forecast, not the runtime's arithmetic.
        self.q = torch.from_numpy(q.astype(np.float32))
        self.scale = torch.from_numpy(scale.astype(np.float32))
        self.even = torch.from_numpy(even)
        self.bias = linear.bias.detach()
        self.sum = self.q.sum(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[.., k] to [.., n]."""
        x = x * self.even
        low = x.amin(-1, keepdim=True).clamp(max=0)
        high = x.amax(-1, keepdim=True).clamp(min=0)
        scale = ((high - low) / 255).clamp(min=1e-30)
        zero = (-low / scale).round().clamp(0, 255)
        u8 = ((x / scale).round() + zero).clamp(0, 255)
        return (u8 @ self.q.T - zero * self.sum) * (scale * self.scale) + self.bias


def simulated(dequantized_guard: Guard, file: dict[str, np.ndarray]) -> Guard:
    """The dequantized model with every linear replaced by its int8 form, to foresee the runtime's accuracy."""
    copy = Guard(dequantized_guard.shape)
    copy.load_state_dict(dequantized_guard.state_dict())
    for number in range(copy.shape.layers):
        layer = copy.trunk.encoder["layer"][number]

        def int8(name: str, prefix: str = f"layers.{number}") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return tuple(file[f"{prefix}.{name}.{part}"] if part != "q" else layout.unpack(file[f"{prefix}.{name}.q"])
                         for part in ("q", "scale", "input"))

        q, scale, even = int8("qkv")
        for part, name in enumerate(("query", "key", "value")):
            rows = slice(part * HIDDEN, (part + 1) * HIDDEN)
            factor = np.float32(_HEAD_WIDTH**0.5) if part == 0 else np.float32(1)
            layer.attention["self"][name] = Int8Linear(layer.attention["self"][name], q[rows], scale[rows] * factor, even)
        for name, owner in (("attention_output", layer.attention["output"]), ("ffn_input", layer.intermediate),
                            ("ffn_output", layer.output)):
            owner["dense"] = Int8Linear(owner["dense"], *int8(name))
    return copy.eval()
