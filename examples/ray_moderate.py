"""Judges a Parquet corpus with Ray Data, on this machine or on a cluster.

    python ray_moderate.py --in corpus.parquet --out judged --workers 2

The corpus is cut into parts of whole row groups; each part is judged by one worker and written at once under a name that
depends on the corpus alone. A worker that dies is replaced and its part made again; the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import pyarrow as pa
import ray
import ray.data

from moderate import add_arguments, job_of
from portcullis.integrations.corpus import Job, opened
from portcullis.integrations.parts import Part


class Judge:
    """An actor: one process with one guard, whose weights are one mapping for all of a machine's actors."""

    def __init__(self, job: Job, plan: str) -> None:
        opened(**job.guard)
        self.job, self.plan = job, plan

    def __call__(self, batch: pa.Table) -> pa.Table:
        parts = [Part(**json.loads(line)) for line in batch.column("part").to_pylist()]
        return pa.Table.from_pylist([self.job.run(part, self.plan) for part in parts])


def moderate(job: Job, workers: int, address: str | None = None) -> dict[str, Any]:
    """Judges what is still to be judged; answers rows and seconds."""
    parts, plan = job.plan()
    cpus = {} if address else {"num_cpus": workers + 1, "include_dashboard": False}
    ray.init(address=address, log_to_driver=False, configure_logging=False, **cpus)
    ray.data.DataContext.get_current().enable_progress_bars = False
    started = time.perf_counter()
    done: list[dict[str, Any]] = []
    if parts:
        lines = [{"part": json.dumps(asdict(part))} for part in parts]
        judged = ray.data.from_items(lines, override_num_blocks=len(lines)).map_batches(
            Judge,
            fn_constructor_args=(job, plan),
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=1,
            batch_size=1,
            batch_format="pyarrow",
        )
        done = list(judged.iter_rows())
    seconds = time.perf_counter() - started
    rows = job.finish(plan)
    ray.shutdown()
    return {"rows": rows, "seconds": seconds, "parts": done}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--address", help="of a running Ray cluster; without it one is started here")
    arguments = parser.parse_args()
    print(json.dumps(moderate(job_of(arguments), arguments.workers, arguments.address)))


if __name__ == "__main__":
    main()
