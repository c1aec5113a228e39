"""rten: the graph that ONNX Runtime's tools quantized, in rten's own format, run by a small Rust program."""

import shutil
import subprocess
import sys
from pathlib import Path

from . import Setting, Variant, onnxruntime

LABEL = "rten int8"
PACKAGES = (*onnxruntime.PACKAGES, "rten-convert==0.22.0")
AVX2 = None
DETAIL = "dynamic int8, per channel; converted by rten-convert; weights prepacked, the file read and not mapped"


def prepare(model, folder: Path) -> list[Variant]:
    """The plain graphs of ONNX Runtime, converted."""
    variants = [variant for variant in onnxruntime.prepare(model, folder) if variant.family == "plain"]
    for graph in (path for variant in variants for path in (folder / variant.name).glob("*.onnx")):
        subprocess.run([Path(sys.executable).with_name("rten-convert"), graph, graph.with_suffix(".rten")], check=True,
                       stdout=subprocess.DEVNULL)
        graph.unlink()
    shutil.rmtree(folder / "fused-8")
    shutil.rmtree(folder / "fused-7")
    return variants


def command(setting: Setting) -> list:
    """The program."""
    return [setting.programs["rten-peer"], setting.folder / setting.variant, setting.tokenizer]
