#!/usr/bin/env python3
"""Measures the device library on this machine's GPU beside PyTorch and ONNX Runtime, on the same weights and token ids.

    cargo build --release && scripts/cuda.sh build
    python3 scripts/device/bench.py --data validation.jsonl

One command: makes a throw-away environment with both peers (some 5 GB; keep it with --environment DIR), exports the model for them,
looks whether the GPU decides as the processor does on the rows of --data, measures all sides in turns, and leaves a dated record in
benches/record. This file needs nothing but Python's standard library; the peers come from PyPI.

`--device cpu` measures everything on the processor, with the device library of `cargo build --package portcullis-device`: a trial
of this script, whose figures say nothing of any GPU.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEERS = HERE.parent / "peers"
LIBRARY = ROOT / "target" / "cuda" / "libportcullis_cuda.so"


def install(folder: Path, device: str) -> Path:
    """The interpreter of an environment with what the sides need."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--requirement", PEERS / "requirements.txt"], check=True)
    subprocess.run([*command, "--requirement", HERE / f"requirements-{device}.txt"], check=True)
    return python


def main() -> int:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="where all sides compute")
    parser.add_argument("--portcullis", type=Path, default=ROOT / "target" / "release" / "portcullis", help="the program")
    parser.add_argument("--library", type=Path, default=LIBRARY, help="the device library")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "portcullis-base", help="the bundle's folder")
    parser.add_argument("--data", type=Path, action="append", default=[], help="rows with `text`, decided on both sides")
    parser.add_argument("--sides", nargs="+", choices=("portcullis", "torch", "onnxruntime"),
                        default=["portcullis", "torch", "onnxruntime"], help="what is measured")
    parser.add_argument("--precisions", nargs="+", choices=("f16", "bf16", "f32"), default=["f16"], help="of the device library")
    parser.add_argument("--torch-mode", choices=("max-autotune", "reduce-overhead"), default="max-autotune",
                        help="of torch.compile, both with graphs; the former tries kernels for minutes")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 256, 1024], help="sequences encoded together")
    parser.add_argument("--lengths", nargs="+", type=int, default=[16, 64, 128, 512], help="tokens of each")
    parser.add_argument("--rounds", type=int, default=20, help="interleaved rounds")
    parser.add_argument("--record", type=Path, default=ROOT / "benches" / "record", help="folder of the record")
    parser.add_argument("--environment", type=Path, help="keep the environment in this folder")
    arguments = parser.parse_args()
    for name in ("portcullis", "library"):
        if not getattr(arguments, name).is_file():
            parser.error(f"--{name}: {getattr(arguments, name)} is not there; see the head of this file")
    with tempfile.TemporaryDirectory() as scratch:
        folder = (arguments.environment or Path(scratch) / "environment").resolve()
        python = install(folder, arguments.device)
        plan = {name: str(value.resolve()) if isinstance(value, Path) else value
                for name, value in vars(arguments).items() if name not in ("environment", "data")}
        plan["data"] = [str(path.resolve()) for path in arguments.data]
        plan["scratch"] = scratch
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(HERE), str(PEERS), str(PEERS.parent)))}
        command = [python, "-m", "sides.measure", json.dumps(plan)]
        return subprocess.run(command, cwd=HERE, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
