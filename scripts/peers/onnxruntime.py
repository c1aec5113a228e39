#!/usr/bin/env python3
"""Measures ONNX Runtime int8 and Portcullis side by side on the same weights and token ids.

    python3 scripts/peers/onnxruntime.py --checkpoint model.f32.safetensors --portcullis target/release/portcullis

Makes a throw-away environment with ONNX Runtime from PyPI, builds and quantizes the graph there, and leaves a dated
record in benches/record/. This file needs nothing but Python's standard library.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = ("numpy", "onnx", "onnxruntime")
#: Needed for the first verdict of a text only; its own dependency, a download client, is not.
WITHOUT_DEPENDENCIES = ("tokenizers",)


def environment(folder: Path) -> Path:
    """The interpreter of an environment with the packages, made when it is not there."""
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *PACKAGES], check=True)
        subprocess.run([*install, "--no-deps", *WITHOUT_DEPENDENCIES], check=True)
        (folder / "ready").touch()
    return python


def main() -> int:
    """Runs from the command line."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="f32 safetensors of the same weights")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json (default: beside the checkpoint)")
    parser.add_argument("--portcullis", type=Path, help="the program; without it only ONNX Runtime is measured")
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds")
    parser.add_argument("--calls", type=int, default=10, help="timed calls of each side in each round and length")
    parser.add_argument("--record", type=Path, default=root / "benches" / "record", help="folder of the record")
    parser.add_argument("--environment", type=Path, help="keep the environment in this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        python = environment(arguments.environment or Path(scratch) / "environment")
        command = [python, Path(__file__).parent / "ort" / "measure.py", "--checkpoint", arguments.checkpoint,
                   "--tokenizer", arguments.tokenizer or arguments.checkpoint.with_name("tokenizer.json"),
                   "--rounds", str(arguments.rounds), "--calls", str(arguments.calls),
                   "--record", arguments.record, "--scratch", scratch]
        if arguments.portcullis:
            command += ["--portcullis", arguments.portcullis.resolve()]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
