"""The encoder and its heads as an ONNX graph, straight from the f32 tensors, and its int8 form."""

import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .checkpoint import ATTENTION_HEADS
from .model import EPSILON, Model

OPSET = 17
#: Products that stay f32, as in Portcullis.
F32_NODES = ("heads.scores", "heads.mean")
#: What a masked place adds to its attention score.
MASKED = np.float32(-1e9)


class Builder:
    """Nodes and constants of a graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        """A named constant."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(self, kind: str, *inputs: str, name: str | None = None, **attributes: object) -> str:
        """A node with one output, which is returned."""
        name = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def norm(self, x: str, tensors: dict[str, np.ndarray], prefix: str) -> str:
        """Layer normalization."""
        scale = self.constant(f"{prefix}.weight", tensors[f"{prefix}.weight"])
        bias = self.constant(f"{prefix}.bias", tensors[f"{prefix}.bias"])
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=EPSILON)

    def linear(self, x: str, name: str, weight: np.ndarray, bias: np.ndarray) -> str:
        """`x Wᵀ + b` for `weight` [n, k]."""
        product = self.node("MatMul", x, self.constant(f"{name}.weight", weight.T), name=f"{name}.product")
        return self.node("Add", product, self.constant(f"{name}.bias", bias))


def build(model: Model, fused: bool = False, batched: bool = False) -> onnx.ModelProto:
    """The graph: `ids` [1, tokens] to `logits` [1, heads] and `pooled` [1, hidden].

    With `fused`, attention is ONNX Runtime's own operator instead of its parts. With `batched`, the first dimension is
    free and `mask` [batch, tokens] is 1 where a token is.
    """
    b = Builder()
    tensors, hidden = model.tensors, model.hidden
    width = hidden // ATTENTION_HEADS
    zero, one = b.constant("zero", np.array([0])), b.constant("one", np.array([1]))
    words = b.node("Gather", b.constant("word", tensors["embeddings.word_embeddings.weight"]), "ids")
    tokens = b.node("Slice", b.node("Shape", "ids"), one, b.constant("two", np.array([2])))
    places = b.node("Slice", b.constant("position", model.position), zero, tokens, zero)
    x = b.norm(b.node("Add", words, places), tensors, "embeddings.LayerNorm")
    mask = _Mask(b) if batched else None

    for number in range(model.layers):
        base = f"encoder.layer.{number}"
        mixed = _attention(b, x, tensors, base, width, fused, mask)
        dense = f"{base}.attention.output.dense"
        projected = b.linear(mixed, dense, tensors[f"{dense}.weight"], tensors[f"{dense}.bias"])
        x = b.norm(b.node("Add", projected, x), tensors, f"{base}.attention.output.LayerNorm")
        dense = f"{base}.intermediate.dense"
        inner = b.linear(x, dense, tensors[f"{dense}.weight"], tensors[f"{dense}.bias"])
        inner = _gelu(b, inner)
        dense = f"{base}.output.dense"
        outer = b.linear(inner, dense, tensors[f"{dense}.weight"], tensors[f"{dense}.bias"])
        x = b.norm(b.node("Add", outer, x), tensors, f"{base}.output.LayerNorm")
    _heads(b, x, tensors, mask)

    rows = "batch" if batched else 1
    graph = helper.make_graph(
        b.nodes, "portcullis",
        [helper.make_tensor_value_info(name, TensorProto.INT64, [rows, "tokens"])
         for name in (("ids", "mask") if batched else ("ids",))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [rows, len(tensors["heads.bias"])]),
         helper.make_tensor_value_info("pooled", TensorProto.FLOAT, [rows, hidden])],
        list(b.constants.values()))
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


class _Mask:
    """The forms of `mask` that attention and pooling use."""

    def __init__(self, b: Builder) -> None:
        self.kept = b.node("Cast", "mask", to=TensorProto.FLOAT)
        unit = b.constant("kept", np.array(1, np.float32))
        added = b.node("Mul", b.node("Sub", unit, self.kept), b.constant("masked", MASKED))
        #: Added to attention scores [batch, heads, tokens, tokens] and pooling scores [batch, tokens, heads].
        self.attention = b.node("Unsqueeze", added, b.constant("attention.axes", np.array([1, 2])))
        self.pooling = b.node("Unsqueeze", added, b.constant("pooling.axes", np.array([2])))


def _attention(b: Builder, x: str, tensors: dict[str, np.ndarray], base: str, width: int, fused: bool,
               mask: _Mask | None) -> str:
    parts = [f"{base}.attention.self.{part}" for part in ("query", "key", "value")]
    if fused:
        weight = np.concatenate([tensors[f"{part}.weight"].T for part in parts], 1)
        bias = np.concatenate([tensors[f"{part}.bias"] for part in parts])
        return b.node("Attention", x, b.constant(f"{base}.qkv.weight", weight), b.constant(f"{base}.qkv.bias", bias),
                      domain="com.microsoft", num_heads=ATTENTION_HEADS)
    split = b.constant("split", np.array([0, 0, ATTENTION_HEADS, width]))
    query, key, value = (
        b.node("Transpose", b.node("Reshape", b.linear(x, part, tensors[f"{part}.weight"] * factor,
                                                       tensors[f"{part}.bias"] * factor), split), perm=order)
        for part, order, factor in zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]),
                                       (np.float32(width**-0.5), np.float32(1), np.float32(1)), strict=True))
    scores = b.node("MatMul", query, key)
    if mask:
        scores = b.node("Add", scores, mask.attention)
    mixed = b.node("MatMul", b.node("Softmax", scores, axis=-1), value)
    join = b.constant("join", np.array([0, 0, ATTENTION_HEADS * width]))
    return b.node("Reshape", b.node("Transpose", mixed, perm=[0, 2, 1, 3]), join)


def _gelu(b: Builder, x: str) -> str:
    """The form that ONNX Runtime's optimizer recognises and fuses."""
    share = b.node("Erf", b.node("Div", x, b.constant("root", np.array(math.sqrt(2), np.float32))))
    doubled = b.node("Mul", x, b.node("Add", share, b.constant("unit", np.array(1, np.float32))))
    return b.node("Mul", doubled, b.constant("half", np.array(0.5, np.float32)))


def _heads(b: Builder, x: str, tensors: dict[str, np.ndarray], mask: _Mask | None) -> None:
    """Attention pooling with a query per head, and the mean; kept in f32, as Portcullis does."""
    if mask:
        places = b.constant("places", np.array([1]))
        kept = b.node("ReduceSum", b.node("Mul", x, b.node("Unsqueeze", mask.kept, b.constant(
            "mean.axes", np.array([2])))), places, keepdims=0)
        mean = b.node("Div", kept, b.node("ReduceSum", mask.kept, places, keepdims=1), name="pooled")
    else:
        mean = b.node("ReduceMean", x, name="pooled", axes=[1], keepdims=0)
    scores = b.node("MatMul", x, b.constant("heads.query", tensors["heads.query"].T), name="heads.scores")
    if mask:
        scores = b.node("Add", scores, mask.pooling)
    attention = b.node("Transpose", b.node("Softmax", scores, axis=1), perm=[0, 2, 1])
    focused = b.node("Mul", b.node("MatMul", attention, x), b.constant("heads.weight", tensors["heads.weight"]))
    summed = b.node("ReduceSum", focused, b.constant("last", np.array([-1])), keepdims=0)
    plain = b.node("MatMul", mean, b.constant("heads.mean_weight", tensors["heads.mean_weight"].T), name="heads.mean")
    total = b.node("Add", summed, plain)
    b.node("Add", total, b.constant("heads.bias", tensors["heads.bias"]), name="logits")


def quantize(source: Path, target: Path, reduce_range: bool) -> None:
    """Dynamic int8 with a scale for each output channel: the settings that cost ONNX Runtime the least accuracy.

    Embedding rows stay f32: its quantizer would give the whole table one scale.
    """
    # Only ONNX Runtime and rten are quantized this way.
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Attention"], per_channel=True,
                     reduce_range=reduce_range, weight_type=QuantType.QInt8, nodes_to_exclude=list(F32_NODES),
                     # Shape inference knows no type behind ONNX Runtime's own operators.
                     extra_options={"DefaultTensorType": TensorProto.FLOAT})
