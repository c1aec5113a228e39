"""A runtime's own process: prepares its files, or serves batches of token ids and texts, a JSON line each.

    python -m harness.worker prepare NAME CHECKPOINT TOKENIZER FOLDER
    python -m harness.worker serve NAME FOLDER VARIANT THREADS TOKENIZER
"""

import dataclasses
import json
import sys
import time
from pathlib import Path

import runtimes

from . import workload


def prepare(name: str, checkpoint: str, tokenizer: str, folder: str) -> None:
    """Prints the runtime's variants."""
    from . import checkpoint as checkpoints  # noqa: PLC0415
    from .model import Model  # noqa: PLC0415

    model = Model(checkpoints.read(Path(checkpoint)), workload.texts(Path(tokenizer))[0])
    variants = runtimes.load(name).prepare(model, Path(folder))
    print(json.dumps([dataclasses.asdict(variant) for variant in variants]))


def serve(name: str, folder: str, variant: str, threads: str, tokenizer: str) -> None:
    """Answers until standard input ends. The time is that of the calls alone, their inputs ready."""
    runner = runtimes.load(name).Runner(Path(folder), variant, int(threads))
    for line in sys.stdin:
        request = json.loads(line)
        batches, wanted = request.get("batches"), request.get("outputs", True)
        if batches is None:
            batches = [[workload.words(Path(tokenizer)).encode(request["text"]).ids]]
        spent, logits, pooled = 0, [], []
        for batch in batches:
            feed = runner.feed(batch)
            started = time.perf_counter_ns()
            found = runner.run(feed)
            spent += time.perf_counter_ns() - started
            if wanted:
                logits += found[0].tolist()
                pooled += found[1].tolist()
        print(json.dumps({"nanoseconds": spent, "logits": logits, "pooled": pooled}), flush=True)


if __name__ == "__main__":
    {"prepare": prepare, "serve": serve}[sys.argv[1]](*sys.argv[2:])
