"""The encoder and its heads as an ONNX graph, straight from the f32 safetensors, and its int8 form."""

import json
import math
import struct
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

ATTENTION_HEADS, EPSILON, OPSET = 12, 1e-12, 17


def read(path: Path) -> dict[str, np.ndarray]:
    """The f32 tensors of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[first:last], "<f4").reshape(entry["shape"])
    return tensors


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


def build(tensors: dict[str, np.ndarray], fused: bool) -> onnx.ModelProto:
    """The graph: `ids` [1, tokens] to `logits` [1, heads] and `pooled` [1, hidden].

    With `fused`, attention is ONNX Runtime's own operator instead of its parts.
    """
    b = Builder()
    hidden = tensors["embeddings.LayerNorm.weight"].shape[0]
    width = hidden // ATTENTION_HEADS
    position = (tensors["embeddings.position_embeddings.weight"]
                + tensors["embeddings.token_type_embeddings.weight"][0])
    zero, one = b.constant("zero", np.array([0])), b.constant("one", np.array([1]))
    words = b.node("Gather", b.constant("word", tensors["embeddings.word_embeddings.weight"]), "ids")
    tokens = b.node("Slice", b.node("Shape", "ids"), one, b.constant("two", np.array([2])))
    places = b.node("Slice", b.constant("position", position), zero, tokens)
    x = b.norm(b.node("Add", words, places), tensors, "embeddings.LayerNorm")

    layers = sum(name.endswith("intermediate.dense.weight") for name in tensors)
    for number in range(layers):
        base = f"encoder.layer.{number}"
        mixed = _attention(b, x, tensors, base, width, fused)
        dense = f"{base}.attention.output.dense"
        projected = b.linear(mixed, dense, tensors[f"{dense}.weight"], tensors[f"{dense}.bias"])
        x = b.norm(b.node("Add", projected, x), tensors, f"{base}.attention.output.LayerNorm")
        dense = f"{base}.intermediate.dense"
        inner = b.linear(x, dense, tensors[f"{dense}.weight"], tensors[f"{dense}.bias"])
        inner = _gelu(b, inner)
        dense = f"{base}.output.dense"
        outer = b.linear(inner, dense, tensors[f"{dense}.weight"], tensors[f"{dense}.bias"])
        x = b.norm(b.node("Add", outer, x), tensors, f"{base}.output.LayerNorm")
    _heads(b, x, tensors)

    graph = helper.make_graph(
        b.nodes, "portcullis",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, len(tensors["heads.bias"])]),
         helper.make_tensor_value_info("pooled", TensorProto.FLOAT, [1, hidden])],
        list(b.constants.values()))
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _attention(b: Builder, x: str, tensors: dict[str, np.ndarray], base: str, width: int, fused: bool) -> str:
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
    mixed = b.node("MatMul", b.node("Softmax", b.node("MatMul", query, key), axis=-1), value)
    join = b.constant("join", np.array([0, 0, ATTENTION_HEADS * width]))
    return b.node("Reshape", b.node("Transpose", mixed, perm=[0, 2, 1, 3]), join)


def _gelu(b: Builder, x: str) -> str:
    """The form that ONNX Runtime's optimizer recognises and fuses."""
    share = b.node("Erf", b.node("Div", x, b.constant("root", np.array(math.sqrt(2), np.float32))))
    doubled = b.node("Mul", x, b.node("Add", share, b.constant("unit", np.array(1, np.float32))))
    return b.node("Mul", doubled, b.constant("half", np.array(0.5, np.float32)))


def _heads(b: Builder, x: str, tensors: dict[str, np.ndarray]) -> None:
    """Attention pooling with a query per head, and the mean; kept in f32, as Portcullis does."""
    mean = b.node("ReduceMean", x, name="pooled", axes=[1], keepdims=0)
    scores = b.node("MatMul", x, b.constant("heads.query", tensors["heads.query"].T), name="heads.scores")
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
    quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Attention"], per_channel=True,
                     reduce_range=reduce_range, weight_type=QuantType.QInt8,
                     nodes_to_exclude=["heads.scores", "heads.mean"],
                     # Shape inference knows no type behind ONNX Runtime's own operators.
                     extra_options={"DefaultTensorType": TensorProto.FLOAT})
