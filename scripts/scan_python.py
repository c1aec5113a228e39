#!/usr/bin/env python3
"""Measures `portcullis scan --parquet` beside the same work in Python, and writes the record.

    scripts/scan_python.py --program target/release/portcullis [--rows 6000] [--rounds 5] [--record FILE]

in an environment that has the package's release wheel (`scripts/python.sh --release`) and pyarrow. Rounds are interleaved and each run
is a process of its own, timed from its start to its end: both read the same Parquet file, judge its column with all processors and
write the verdicts as Parquet. The Python side is what a user would write: `Guard.check_columns` on each batch of the file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
BATCH = 2048

#: The Python side: file in, file out, rows in a batch.
JUDGE = """
import sys
import portcullis, pyarrow as pa, pyarrow.parquet as pq
guard, source = portcullis.Guard(), pq.ParquetFile(sys.argv[1])
writer = None
for batch in source.iter_batches(int(sys.argv[3]), columns=["key", "text"]):
    found = pa.table({"key": batch.column("key"), **guard.check_columns(batch.column("text"))})
    writer = writer or pq.ParquetWriter(sys.argv[2], found.schema)
    writer.write_table(found.cast(writer.schema))
writer.close()
"""


def corpus(path: Path, rows: int) -> None:
    """The texts of the parity tests again and again, each with its number, so that no text comes twice."""
    with gzip.open(ROOT / "tests" / "data" / "parity.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    column = [f"{texts[row % len(texts)]} {row}" for row in range(rows)]
    pq.write_table(pa.table({"key": pa.array(range(rows)), "text": column}), path)


def seconds(command: list[str]) -> float:
    """How long a command takes; it has to succeed."""
    begun = time.perf_counter()
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - begun


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="the portcullis program, a release build")
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", type=Path, help="write the table here too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, verdicts = Path(folder, "corpus.parquet"), Path(folder, "verdicts.parquet")
        corpus(source, arguments.rows)
        ways = {
            "scan --parquet": [str(arguments.program), "scan", "--parquet", str(source), "--column", "text", "--id-column", "key",
                               "--role", "user", "--out", str(verdicts), "--fail-on", "never"],
            "Python": [sys.executable, "-c", JUDGE, str(source), str(verdicts), str(BATCH)],
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        decisions: dict[str, list[str | None]] = {}
        for _round in range(arguments.rounds):
            for way, command in ways.items():
                verdicts.unlink(missing_ok=True)
                times[way].append(seconds(command))
                decisions[way] = pq.read_table(verdicts, columns=["decision"])["decision"].to_pylist()
    if len({tuple(found) for found in decisions.values()}) > 1:
        raise SystemExit("the two ways decide differently")
    ratios = [one / other for one, other in zip(times["scan --parquet"], times["Python"], strict=True)]
    lines = ["# Parquet: the program and Python", "",
             f"`scripts/scan_python.py --rows {arguments.rows} --rounds {arguments.rounds}`: {platform.processor() or platform.machine()}, "
             f"{os.cpu_count()} processors, Python {platform.python_version()}, pyarrow {pa.__version__}. Whole processes, interleaved; the "
             "decisions are the same.", "", "| way | median s | least s | most s | rows a second |", "|---|---:|---:|---:|---:|"]
    lines += [f"| {way} | {statistics.median(taken):.2f} | {min(taken):.2f} | {max(taken):.2f} | "
              f"{arguments.rows / statistics.median(taken):.0f} |" for way, taken in times.items()]
    lines += ["", f"The program's time to Python's, median of the rounds: {statistics.median(ratios):.3f}."]
    print("\n".join(lines))
    if arguments.record:
        arguments.record.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
