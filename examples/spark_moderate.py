"""Judges a Parquet corpus with Spark, on this machine or on a cluster.

    python spark_moderate.py --in corpus.parquet --out judged --workers 2

The corpus is cut into parts of whole row groups; each part is one task, judged by one Python worker and written at once under a
name that depends on the corpus alone. A task whose worker dies is run again; the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from moderate import add_arguments, job_of
from portcullis.integrations.corpus import Job

#: What a task answers of its part.
SUMMARY = "part string, rows long, judging_s double, total_s double, ended double, pid long"
#: How often a task may fail before the job does; Spark's own default on a cluster.
ATTEMPTS = 4


def moderate(job: Job, workers: int, master: str | None = None) -> dict[str, Any]:
    """Judges what is still to be judged; answers rows and seconds."""
    parts, plan = job.plan()
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master(master or f"local[{workers},{ATTEMPTS}]")
        .appName("portcullis")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )

    def judge(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            done = [job.run(parts[index], plan) for index in batch.column("id").to_pylist()]
            if done:
                yield pa.RecordBatch.from_pylist(done)

    started = time.perf_counter()
    done: list[dict[str, Any]] = []
    if parts:
        numbers = spark.range(0, len(parts), 1, len(parts))
        done = [row.asDict() for row in numbers.mapInArrow(judge, SUMMARY).collect()]
    seconds = time.perf_counter() - started
    rows = job.finish(plan)
    spark.stop()
    return {"rows": rows, "seconds": seconds, "parts": done}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--master", help="such as spark://host:7077; without it Spark runs here, with as many workers")
    arguments = parser.parse_args()
    print(json.dumps(moderate(job_of(arguments), arguments.workers, arguments.master)))


if __name__ == "__main__":
    main()
