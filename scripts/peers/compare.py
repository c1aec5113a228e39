#!/usr/bin/env python3
"""Measures Portcullis and its peers side by side on the same weights and token ids.

    python3 scripts/peers/compare.py --portcullis target/release/portcullis

Makes a throw-away environment with every peer, prepares and checks each, measures all in turn, and leaves a dated
record in benches/record/. A peer that cannot be installed or fails is named with the reason, and the others go on.
This file needs nothing but Python's standard library; the peers need PyPI and crates.io.
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
BUNDLE = ROOT / "models" / "portcullis-base"
MODES = ("latency", "avx2", "throughput", "start")
#: The Rust program of a runtime.
CRATES = {"rten": "rten-peer", "candle": "library-peer", "portcullis": "library-peer"}
#: Needed without its own dependency, a download client.
WITHOUT_DEPENDENCIES = ("tokenizers==0.23.3",)


def reason(done: subprocess.CompletedProcess) -> str:
    """The last words of a command that failed."""
    return ([line.strip() for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"])[-1]


def install(folder: Path, peers: list[str], failures: dict[str, str]) -> Path:
    """The interpreter of an environment with the packages of the harness and of each peer."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    requirements = HERE / "requirements.txt"
    subprocess.run([*command, "--requirement", requirements], check=True)
    subprocess.run([*command, "--no-deps", *WITHOUT_DEPENDENCIES], check=True)
    for name in peers:
        code = f"import json, runtimes; print(json.dumps(runtimes.load({name!r}).PACKAGES))"
        listed = subprocess.run([python, "-c", code], cwd=HERE, check=True, capture_output=True, text=True)
        packages = json.loads(listed.stdout)
        if packages:
            done = subprocess.run([*command, "--constraint", requirements, *packages], check=False,
                                  capture_output=True, text=True)
            if done.returncode:
                failures[name] = f"cannot be installed: {reason(done)}"
    return python


def build(target: Path, peers: list[str], failures: dict[str, str]) -> dict[str, Path]:
    """The Rust programs that the peers need, built."""
    programs = {}
    for crate in dict.fromkeys(CRATES[name] for name in peers if name in CRATES):
        try:
            done = subprocess.run(["cargo", "build", "--quiet", "--release", "--locked", "--package", crate], cwd=HERE,
                                  env=os.environ | {"CARGO_TARGET_DIR": str(target)}, check=False,
                                  capture_output=True, text=True)
            why = reason(done) if done.returncode else None
        except OSError as error:
            why = str(error)
        if why:
            failures |= {name: f"cannot be built: {why}" for name in peers if CRATES.get(name) == crate}
        else:
            programs[crate] = target / "release" / crate
    return programs


def mask(folder: Path) -> Path | None:
    """The library that hides all past AVX2, when it can be compiled and works here."""
    library = folder / "avx2_only.so"
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, HERE / "harness" / "avx2_only.c"], check=True)
        subprocess.run([sys.executable, "-c", ""], check=True, env=os.environ | {"LD_PRELOAD": str(library)})
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"peers without a switch of their own stay unrestricted in the AVX2 mode: {error}", file=sys.stderr)
        return None
    return library


def main() -> int:
    """Runs from the command line."""
    known = sorted(path.stem for path in (HERE / "runtimes").glob("[!_]*.py"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=BUNDLE,
                        help="f32 safetensors of the same weights, or a bundle's folder (default: the shipped bundle)")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json (default: that of the checkpoint)")
    parser.add_argument("--portcullis", type=Path, help="the program; without it only the others are measured")
    parser.add_argument("--peers", nargs="+", choices=known, default=known, help="which to measure")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES), help="what to measure")
    parser.add_argument("--rounds", type=int, default=20, help="interleaved rounds of latency")
    parser.add_argument("--calls", type=int, default=10, help="timed calls of each side in each round and length")
    parser.add_argument("--throughput-rounds", type=int, default=7, help="interleaved rounds of throughput")
    parser.add_argument("--threads", type=int, default=2, help="threads of throughput")
    parser.add_argument("--texts", type=int, default=200, help="texts that agreement with f32 is checked on")
    parser.add_argument("--record", type=Path, default=ROOT / "benches" / "record", help="folder of the record")
    parser.add_argument("--environment", type=Path, help="keep the environment in this folder")
    arguments = parser.parse_args()
    checkpoint = arguments.checkpoint.resolve()
    beside = checkpoint if checkpoint.is_dir() else checkpoint.parent
    peers = [name for name in arguments.peers if name != "portcullis" or arguments.portcullis]
    with tempfile.TemporaryDirectory() as scratch:
        folder = (arguments.environment or Path(scratch) / "environment").resolve()
        failures: dict[str, str] = {}
        # The harness is a package beside this file; the layout of the bundle is that of scripts/train.
        os.environ["PYTHONPATH"] = os.pathsep.join((str(HERE), str(HERE.parent)))
        python = install(folder, peers, failures)
        programs = build(folder / "cargo", peers, failures)
        if arguments.portcullis:
            programs["portcullis"] = arguments.portcullis.resolve()
        hidden = mask(folder) if "avx2" in arguments.modes else None
        command = [python, "-m", "harness.measure", "--checkpoint", checkpoint,
                   "--tokenizer", (arguments.tokenizer or beside / "tokenizer.json").resolve(),
                   "--record", arguments.record.resolve(), "--scratch", Path(scratch) / "models",
                   *(["--mask", hidden] if hidden else []), "--peers", *peers, "--modes", *arguments.modes,
                   "--programs", json.dumps({name: str(path) for name, path in programs.items()}),
                   "--failures", json.dumps(failures)]
        for name in ("rounds", "calls", "throughput_rounds", "threads", "texts"):
            command += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
        return subprocess.run(command, cwd=HERE, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
