"""The f32 checkpoint that every peer starts from, also out of the shipped int8 bundle.

    python -m harness.checkpoint models/portcullis-base model.f32.safetensors
"""

import sys
from pathlib import Path

import numpy as np
from train import layout

ATTENTION_HEADS = 12
#: Names of a layer's linears in the bundle and in the checkpoint, but for the fused query, key and value.
LINEARS = {"attention_output": "attention.output.dense", "ffn_input": "intermediate.dense",
           "ffn_output": "output.dense"}
NORMS = {"attention_norm": "attention.output.LayerNorm", "ffn_norm": "output.LayerNorm"}


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a checkpoint, or of a bundle's folder as f32."""
    return dequantize(path) if path.is_dir() else layout.read(path)[0]


def dequantize(bundle: Path) -> dict[str, np.ndarray]:
    """What the int8 file of a bundle says, under the names that `train.export` gives an f32 checkpoint."""
    file = layout.read(bundle / "weights.safetensors")[0]

    def rows(name: str, q: np.ndarray) -> np.ndarray:
        return q.astype(np.float32) * file[f"{name}.scale"][:, None]

    def linear(name: str) -> np.ndarray:
        return rows(name, layout.unpack(file[f"{name}.q"])) * file[f"{name}.input"]

    found = {name: file[name] for name in file if name.startswith("heads.")}
    for key in ("word", "position"):
        name = f"embeddings.{key}"
        found[f"embeddings.{key}_embeddings.weight"] = rows(name, file[f"{name}.q"])
    hidden = len(file["embeddings.norm.weight"])
    # The bundle keeps the sum of position and token type.
    found["embeddings.token_type_embeddings.weight"] = np.zeros((2, hidden), np.float32)
    pairs = {"embeddings.norm": "embeddings.LayerNorm"}
    for number in range(sum(name.endswith(".qkv.q") for name in file)):
        base, prefix = f"encoder.layer.{number}", f"layers.{number}"
        pairs |= {f"{prefix}.{name}": f"{base}.{key}" for name, key in NORMS.items()}
        weight, bias = linear(f"{prefix}.qkv"), file[f"{prefix}.qkv.bias"]
        for part, name in enumerate(("query", "key", "value")):
            own = slice(part * hidden, (part + 1) * hidden)
            # The bundle folds the attention scale into the query.
            factor = np.float32((hidden // ATTENTION_HEADS) ** 0.5 if name == "query" else 1)
            found[f"{base}.attention.self.{name}.weight"] = weight[own] * factor
            found[f"{base}.attention.self.{name}.bias"] = bias[own] * factor
        for name, key in LINEARS.items():
            found[f"{base}.{key}.weight"] = linear(f"{prefix}.{name}")
            found[f"{base}.{key}.bias"] = file[f"{prefix}.{name}.bias"]
    for name, key in pairs.items():
        found |= {f"{key}.{kind}": file[f"{name}.{kind}"] for kind in ("weight", "bias")}
    return found


if __name__ == "__main__":
    layout.write(Path(sys.argv[2]), dequantize(Path(sys.argv[1])), {})
