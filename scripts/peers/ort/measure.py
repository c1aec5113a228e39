"""Interleaved measurement of ONNX Runtime and Portcullis; run by ../onnxruntime.py in its environment."""

import argparse
import json
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from graph import build, quantize, read
from record import markdown

LENGTHS = (8, 16, 32, 64, 128, 256, 512)
WARM_UP = 3
STARTS = 7
#: 30 words.
TEXT = ("Could you please tell me how long the train from Lima to Cusco takes in the rainy season, and whether it is "
        "worth booking a seat on the left side early?")
CLS, SEP, FIRST_WORD = 101, 102, 1996


def session(model: Path) -> onnxruntime.InferenceSession:
    """A single-threaded session with every graph optimization and no spinning."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def sequences(count: int, length: int, seed: int) -> list[list[int]]:
    """Token ids of word-like sequences, the special ones at either end."""
    draw = np.random.default_rng(seed)
    return [[CLS, *draw.integers(FIRST_WORD, 29612, length - 2).tolist(), SEP] for _ in range(count)]


def run(peer: onnxruntime.InferenceSession, ids: list[int]) -> list[np.ndarray]:
    """Logits and pooled output of one sequence."""
    return peer.run(None, {"ids": np.array([ids], np.int64)})


def cosines(peer: onnxruntime.InferenceSession, reference: onnxruntime.InferenceSession) -> tuple[float, float]:
    """Mean and least cosine of the pooled outputs over sequences of many lengths."""
    found = []
    for length in LENGTHS:
        for ids in sequences(12, length, seed=length):
            left, right = run(peer, ids)[1][0], run(reference, ids)[1][0]
            found.append(float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right))))
    return float(np.mean(found)), float(np.min(found))


class EncodeLoop:
    """`portcullis bench encode-loop`: token ids in, nanoseconds out, a line each."""

    def __init__(self, program: Path):
        self.child = subprocess.Popen([program, "bench", "encode-loop", "--threads", "1"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def __call__(self, ids: list[int]) -> int:
        self.child.stdin.write(json.dumps(ids) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"portcullis bench encode-loop ended with status {self.child.wait()}")
        return int(line)

    def close(self) -> None:
        """Ends the program."""
        self.child.stdin.close()
        self.child.wait()


def timed(peer: onnxruntime.InferenceSession, ids: list[int]) -> int:
    """Nanoseconds of one call, its input already an array."""
    feed = {"ids": np.array([ids], np.int64)}
    started = time.perf_counter_ns()
    peer.run(None, feed)
    return time.perf_counter_ns() - started


def interleave(sides: dict[str, object], rounds: int, calls: int) -> dict[int, dict[str, list[int]]]:
    """Times by length and side. Every round visits every length, and every length every side, in turn."""
    times = {length: {name: [] for name in sides} for length in LENGTHS}
    for length in LENGTHS:
        for ids in sequences(WARM_UP, length, seed=1):
            for measure in sides.values():
                measure(ids)
    for number in range(rounds):
        names = list(sides) if number % 2 == 0 else list(sides)[::-1]
        for length in LENGTHS:
            batch = sequences(calls, length, seed=100 + number)
            for name in names:
                times[length][name] += [sides[name](ids) for ids in batch]
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return times


def memory(process: int) -> dict[str, int]:
    """Resident, proportional and private kilobytes of a process."""
    fields = dict.fromkeys(("Rss", "Pss", "Private_Clean", "Private_Dirty"), 0)
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in fields:
            fields[name] = int(rest.split()[0])
    return {"resident": fields["Rss"], "proportional": fields["Pss"],
            "private": fields["Private_Clean"] + fields["Private_Dirty"]}


def first_verdict(command: list, line: str) -> dict[str, float]:
    """Median milliseconds from the start of a fresh process to its first answer, and its memory then."""
    spans, held = [], {}
    for _ in range(STARTS):
        started = time.perf_counter_ns()
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        child.stdin.write(line)
        child.stdin.flush()
        if not child.stdout.readline():
            raise SystemExit(f"{command[0]} ended without an answer")
        spans.append((time.perf_counter_ns() - started) / 1e6)
        held = memory(child.pid)
        child.stdin.close()
        child.wait()
    # The first start fills the page cache.
    return {"milliseconds": float(np.median(spans[1:])), **{f"{name}_kb": value for name, value in held.items()}}


def cpu() -> dict[str, object]:
    """What the processor is and has."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    flags = set(fields.get("flags", "").split())
    return {"model": fields.get("model name", platform.processor()),
            "instructions": sorted(flags & {"avx2", "avx_vnni", "avx512_vnni", "avx512f", "amx_int8"})}


def prepare(checkpoint: Path, scratch: Path) -> tuple[dict[str, onnxruntime.InferenceSession], dict]:
    """Quantized sessions of both graphs, and how close each comes to f32."""
    tensors = read(checkpoint)
    peers, accuracy = {}, {}
    for name, fused in (("plain", False), ("fused", True)):
        source = scratch / f"{name}.onnx"
        onnx.save(build(tensors, fused), source)
        reference = session(source)
        found = []
        for reduce_range in (False, True):
            target = scratch / f"{name}.{'reduced' if reduce_range else 'full'}.onnx"
            quantize(source, target, reduce_range)
            mean, least = cosines(session(target), reference)
            print(f"{name} graph, reduce_range={reduce_range}: cosine to f32 {mean:.4f} mean, {least:.4f} least",
                  file=sys.stderr, flush=True)
            found.append({"cosine_mean": mean, "cosine_min": least, "reduce_range": reduce_range,
                          "bytes": target.stat().st_size, "file": target.name})
        # Both run the same instructions; only saturation tells them apart.
        accuracy[name] = max(found, key=lambda graph: graph["cosine_mean"])
        peers[name] = session(scratch / accuracy[name]["file"])
    return peers, accuracy


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--portcullis", type=Path)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    arguments = parser.parse_args()

    peers, accuracy = prepare(arguments.checkpoint, arguments.scratch)
    sides = {f"onnxruntime {name}": lambda ids, peer=peer: timed(peer, ids) for name, peer in peers.items()}
    versions = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__, "python": platform.python_version()}
    loop = None
    if arguments.portcullis:
        versions["portcullis"] = subprocess.run([arguments.portcullis, "--version"], check=True, capture_output=True,
                                                text=True).stdout.strip()
        loop = sides["portcullis"] = EncodeLoop(arguments.portcullis)
    times = interleave(sides, arguments.rounds, arguments.calls)
    if loop:
        loop.close()

    model = arguments.scratch / accuracy["plain"]["file"]
    judge = Path(__file__).parent / "first.py"
    first = {"onnxruntime": first_verdict([sys.executable, judge, model, arguments.tokenizer, TEXT], "")}
    if arguments.portcullis:
        line = json.dumps({"text": TEXT}) + "\n"
        first["portcullis"] = first_verdict([arguments.portcullis, "pipe", "--threads", "1"], line)

    now = datetime.now(UTC)
    result = {
        "date": now.strftime("%Y-%m-%d"), "cpu": cpu(), "versions": versions, "threads": 1, "batch": 1,
        "rounds": arguments.rounds, "calls_per_round": arguments.calls,
        "onnxruntime": {"quantization": "dynamic int8, per channel, QInt8 weights; embeddings and heads f32",
                        "spinning": False, "graphs": accuracy},
        "milliseconds": {str(length): {name: {"least": min(values) / 1e6, "median": float(np.median(values)) / 1e6,
                                              "p99": float(np.percentile(values, 99)) / 1e6}
                                       for name, values in by_side.items()}
                         for length, by_side in times.items()},
        "first_verdict": first,
    }
    arguments.record.mkdir(parents=True, exist_ok=True)
    stem = arguments.record / f"{result['date']}-onnxruntime"
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    text = markdown(result)
    stem.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
