"""Writes the shipped int8 file, the f32 file beside it, and the fixtures that hold the runtime to both.

    python -m train.export --checkpoint FILE --prepared DIR --trunk DIR --out DIR [--model-id ID]

A checkpoint may also be a bundle's `weights.safetensors`: its weights are then rounded once more, and --f32-outputs names
the `parity.safetensors` whose f32 outputs stay the reference. Without --checkpoint the untrained trunk is exported with random heads, for building the runtime.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from . import batches, checkpoint, fixtures, layout, quantize, rows, scoring
from .model import Guard, load_trunk
from .prepare import share

MAX_TOKENS = 512
# With 320 texts the least cosine over the fixture was 0.990, with 1,280 0.995, with these 0.996: rare inputs, such as a row of emoji, have to be among
# them.
_CALIBRATION_TEXTS, _CALIBRATION_TOKENS = 4800, 128


def cosine(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine of matching rows."""
    return (left * right).sum(1) / (np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1))


def second_moments(guard: Guard, encoded: list[list[int]]) -> dict[str, np.ndarray]:
    """Mean of x xᵀ [k, k] over the tokens of some texts, at the input of every linear."""
    watched = {}
    for number in range(guard.shape.layers):
        layer = guard.trunk.encoder["layer"][number]
        watched |= {f"layers.{number}.qkv": layer.attention["self"]["query"],
                    f"layers.{number}.attention_output": layer.attention["output"]["dense"],
                    f"layers.{number}.ffn_input": layer.intermediate["dense"],
                    f"layers.{number}.ffn_output": layer.output["dense"]}
    sums = {name: torch.zeros(module.in_features, module.in_features) for name, module in watched.items()}

    def add(name: str):
        def hook(_, inputs):
            flat = inputs[0].flatten(0, -2)
            sums[name].addmm_(flat.T, flat)
        return hook

    hooks = [module.register_forward_pre_hook(add(name)) for name, module in watched.items()]
    # One text at a time: padding would count as input.
    for ids in encoded:
        scoring.score(guard, [ids], torch.device("cpu"))
    for hook in hooks:
        hook.remove()
    tokens = sum(map(len, encoded))
    return {name: (total / tokens).double().numpy() for name, total in sums.items()}


def hugging_face_names(guard: Guard) -> dict[str, torch.Tensor]:
    """The f32 model under the names its upstream uses, heads added."""
    return {name.removeprefix("trunk."): tensor.contiguous() for name, tensor in guard.state_dict().items()}


def export(guard: Guard, prepared: Path, trunk: Path, out: Path, model_id: str, foreseen_texts: int,
           f32_outputs: Path | None = None, pooled: int = fixtures.TEXTS) -> dict:
    """Writes everything; returns how close int8 comes to f32 on the first `foreseen_texts` fixture texts.

    The f32 outputs are the guard's own, or those of the fixture `f32_outputs`, which has to be of the same texts.
    """
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = batches.load_tokenizer(trunk)
    guard = guard.eval()
    sample = sorted(rows.read(prepared / "calibration.jsonl"), key=lambda record: share(5, record["id"]))
    moments = second_moments(guard, scoring.encode(
        tokenizer, [record["text"] for record in sample[:_CALIBRATION_TEXTS]], _CALIBRATION_TOKENS))

    save_file(hugging_face_names(guard), out / "model.f32.safetensors")
    metadata = {"format": "portcullis-int8", "version": "2", "layout": "n16k4", "bound": "quad128", "model_id": model_id}
    layout.write(out / "weights.safetensors", quantize.tensors(guard, moments), metadata)
    shutil.copyfile(trunk / "tokenizer.json", out / "tokenizer.json")

    file, _, _ = layout.read(out / "weights.safetensors")
    dequantized = quantize.dequantized(file)
    chosen = fixtures.choose(prepared)
    encoded = scoring.encode(tokenizer, [record["text"] for record in chosen], MAX_TOKENS)
    device = torch.device("cpu")
    reference = fixtures.outputs(f32_outputs, chosen) if f32_outputs else scoring.score(guard, encoded, device, 4096)
    plain = scoring.score(dequantized, encoded, device, 4096)
    fixtures.write(out, chosen, reference, plain, pooled)
    foreseen = scoring.score(quantize.simulated(dequantized, file), encoded[:foreseen_texts], device, 4096)

    lengths = np.array([len(ids) for ids in encoded])
    summary = {"texts": len(chosen), "texts_of_200_tokens": int((lengths >= 200).sum()),
               "weights_bytes": (out / "weights.safetensors").stat().st_size,
               "parity_bytes": (out / "parity.jsonl.gz").stat().st_size}
    for name, (logits, states) in (("dequantized", plain), ("int8", foreseen)):
        near = cosine(states, reference[1][: len(states)])
        change = np.abs(logits - reference[0][: len(logits)])
        summary[name] = {"texts": len(near), "cosine_mean": float(near.mean()), "cosine_min": float(near.min()),
                         "logit_mean_change": float(change.mean()),
                         "logit_max_change": float(change.max())}
    (out / "export.json").write_text(json.dumps(summary, indent=1) + "\n")
    return summary


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--trunk", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model-id", default="base")
    parser.add_argument("--foreseen-texts", type=int, default=fixtures.TEXTS, help="texts for the int8 forecast")
    parser.add_argument("--pooled", type=int, default=fixtures.TEXTS, help="fixture texts whose pooled f32 states are kept")
    parser.add_argument("--f32-outputs", type=Path, help="take the f32 outputs from this parity.safetensors")
    arguments = parser.parse_args()
    if arguments.checkpoint:
        guard = checkpoint.load_guard(arguments.checkpoint)
    else:
        guard = Guard(seed=17)
        load_trunk(guard, arguments.trunk / "model.safetensors")
    print(json.dumps(export(guard, arguments.prepared, arguments.trunk, arguments.out, arguments.model_id,
                            arguments.foreseen_texts, arguments.f32_outputs, arguments.pooled), indent=1))


if __name__ == "__main__":
    main()
