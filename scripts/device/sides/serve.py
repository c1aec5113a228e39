"""A peer's own process: answers batches of token ids, a JSON line each. The time is that of the call alone.

    python -m sides.serve torch|onnxruntime BUNDLE cuda|cpu
"""

import importlib
import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Answers until standard input ends; the first line says what runs."""
    name, bundle, device = sys.argv[1:]
    runner = importlib.import_module(f"sides.{name}").Runner(Path(bundle), device)
    print(json.dumps({"detail": runner.detail}), flush=True)
    for line in sys.stdin:
        if line.strip() == "roofline":
            print(json.dumps(importlib.import_module("sides.torch").roofline()), flush=True)
            continue
        batch = json.loads(line)
        started = time.perf_counter_ns()
        logits = runner.run(batch)
        spent = time.perf_counter_ns() - started
        print(json.dumps({"nanoseconds": spent, "logits": logits.astype(float).tolist()}), flush=True)


if __name__ == "__main__":
    main()
