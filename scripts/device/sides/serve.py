"""A peer's own process: answers batches of token ids, a JSON line each. The time is that of the call alone, from an array of ids to
one of logits.

    python -m sides.serve torch|onnxruntime BUNDLE cuda|cpu MODE
"""

import importlib
import json
import sys
import time
from pathlib import Path

import numpy as np


def main() -> None:
    """Answers until standard input ends; the first line says what runs."""
    name, bundle, device, mode = sys.argv[1:]
    runner = importlib.import_module(f"sides.{name}").Runner(Path(bundle), device, mode)
    print(json.dumps({"detail": runner.detail}), flush=True)
    for line in sys.stdin:
        if line.strip() == "roofline":
            print(json.dumps(importlib.import_module("sides.torch").roofline()), flush=True)
            continue
        batch = np.array(json.loads(line), np.int64)
        started = time.perf_counter_ns()
        logits = runner.run(batch)
        spent = time.perf_counter_ns() - started
        print(json.dumps({"nanoseconds": spent, "logits": logits.astype(float).tolist()}), flush=True)


if __name__ == "__main__":
    main()
