#!/usr/bin/env python3
"""Measures Ray Data and Spark with one, two and four workers on this machine, and writes the record.

    scripts/python.sh --scaling                     # builds the release wheel, installs both, runs this
    scripts/scaling.py --rows 20000 --record FILE   # in an environment that has them

Each run is a process of its own. Rows per second are counted from the first part's beginning to the last one's end; the start of
the cluster and of its workers stands beside. The identity is the same run with no guard asked. Memory is read from
/proc/PID/smaps while all workers judge: a page that n processes share counts as an n-th of itself to each (PSS).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bindings" / "python" / "tests"))

import pyarrow as pa
import pyarrow.parquet as pq
from clusters import command, judging, write_corpus

#: Each engine's example, and what its workers' command lines hold.
ENGINES = {"ray": ("ray_moderate.py", "ray::"), "spark": ("spark_moderate.py", "pyspark")}
#: What of a worker's memory holds the weights: the package's library, or mapped files of a bundle.
WEIGHTS = ("_portcullis", "safetensors", "vocab.bin")
MEBIBYTE = 1024.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000, help="of the corpus [20000]")
    parser.add_argument("--workers", default="1,2,4", help="numbers of workers [1,2,4]")
    parser.add_argument("--engines", default="ray,spark", help="[ray,spark]")
    parser.add_argument("--runs", default="embedded,mapped,identity", help="[embedded,mapped,identity]")
    parser.add_argument("--record", type=Path, help="the file to write; without it the table is printed")
    parser.add_argument("--note", default="", help="a sentence for the record, on what else the machine did")
    arguments = parser.parse_args()
    workers = [int(number) for number in arguments.workers.split(",")]
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="scaling-") as directory:
        corpus = grow(write_corpus(Path(directory) / "seed", 2000), Path(directory) / "corpus", arguments.rows)
        runs = [
            measure(engine, kind, number, corpus, Path(directory) / f"{engine}-{kind}-{number}")
            for engine in arguments.engines.split(",")
            for kind in arguments.runs.split(",")
            for number in workers
        ]
    text = record(runs, arguments.rows, load, arguments.note)
    if arguments.record:
        arguments.record.write_text(text)
    else:
        print(text)


def grow(seed: Path, directory: Path, rows: int) -> Path:
    """A corpus of so many rows: the seed's again and again, under keys of their own, in row groups of a twentieth."""
    table = pa.concat_tables(pq.read_table(file) for file in sorted(seed.glob("*.parquet")))
    times = -(-rows // table.num_rows)
    texts = pa.concat_tables([table.select(["text"])] * times).slice(0, rows).combine_chunks()
    directory.mkdir()
    grown = texts.append_column("key", pa.array([f"row-{row}" for row in range(rows)]))
    pq.write_table(grown, directory / "corpus.parquet", row_group_size=max(1, rows // 40))
    return directory


def measure(engine: str, kind: str, workers: int, corpus: Path, output: Path) -> dict[str, Any]:
    """One run, watched."""
    example, title = ENGINES[engine]
    more = ["--workers", str(workers), "--batch-size", "256", "--part-rows", "1"]
    more += ["--models", str(ROOT / "models")] if kind == "mapped" else []
    more += ["--identity"] if kind == "identity" else []
    line = command(example, corpus, output, *more)
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        memory: list[dict[str, float]] = []
        while process.poll() is None:
            # Only while parts are being made, so that all of a worker that is touched by judging is there.
            if kind != "identity" and len(list(output.glob("part-*.parquet"))) >= 2 * workers:
                seen = [usage(pid) for pid in judging(process.pid, title)]
                seen = [one for one in seen if one]
                if len(seen) >= len(memory):
                    memory = seen
                time.sleep(0.5)
            time.sleep(0.1)
        assert process.stdout is not None
        printed = process.stdout.read()
    if process.returncode != 0:
        raise SystemExit(f"{engine} {kind} {workers}: status {process.returncode}")
    summary = json.loads(printed.strip().splitlines()[-1])
    parts = summary["parts"]
    span = max(part["ended"] for part in parts) - min(part["ended"] - part["total_s"] for part in parts)
    run = {
        "engine": engine,
        "kind": kind,
        "workers": workers,
        "rows": summary["rows"],
        "seconds": span,
        "start": summary["seconds"] - span,
        "judging": sum(part["judging_s"] for part in parts),
        "busy": sum(part["total_s"] for part in parts),
        "memory": memory,
    }
    print(f"{engine:6}{kind:10}{workers:2} workers {summary['rows'] / span:9.0f} rows/s", file=sys.stderr)
    return run


def usage(pid: int) -> dict[str, float]:
    """A process's memory in MiB: all of it, and what lies in the mappings that hold the weights."""
    try:
        lines = Path(f"/proc/{pid}/smaps").read_text().splitlines()
    except OSError:
        return {}
    found = {"pss": 0.0, "rss": 0.0, "weights_pss": 0.0, "weights_rss": 0.0}
    weights = False
    for line in lines:
        name, _, rest = line.partition(":")
        if name in ("Pss", "Rss"):
            size = int(rest.split()[0]) / MEBIBYTE
            found[name.lower()] += size
            if weights:
                found[f"weights_{name.lower()}"] += size
        elif "-" in name.split(" ")[0]:
            weights = any(part in line for part in WEIGHTS)
    return found


def record(runs: list[dict[str, Any]], rows: int, load: float, note: str) -> str:
    """The record as Markdown."""
    names = ("portcullis", "ray", "pyspark", "pyarrow")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    lines = [
        "# Ray Data and Spark on one machine",
        "",
        f"`scripts/python.sh --scaling`, {time.strftime('%Y-%m-%d')}. {processor()}, {os.cpu_count()} CPUs; Python "
        f"{platform.python_version()}, {versions}.",
        f"Load average when it began: {load:.2f}. {note}".rstrip(),
        "",
        f"{rows:,} rows, the 2,000 texts of `tests/data/parity.jsonl.gz` again and again, in 40 parts; each worker judges with one",
        "thread, 256 texts at once. `embedded`: the model in the package's library; `mapped`: the same model from `models/`;",
        "`identity`: the same run with no guard asked.",
        "",
        "## Throughput",
        "",
        "Rows per second from the first part's beginning to the last one's end. Guard: seconds inside `check_columns`, summed over",
        "workers, for a row. Around it: what else a worker does for a row (reading, columns, writing, flushing). Idle: the share of",
        "the workers' time in which no part was worked on. Start: until the first part is begun, without the cluster's own start.",
        "",
        "| engine | run | workers | rows/s | to one worker | guard µs/row | around it µs/row | idle | start s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        one = next(other for other in runs if (other["engine"], other["kind"]) == (run["engine"], run["kind"]))
        pace, first = run["rows"] / run["seconds"], one["rows"] / one["seconds"]
        asked = "-" if run["kind"] == "identity" else f"{1e6 * run['judging'] / run['rows']:.0f}"
        # With no guard, all of a worker's time is what stands around it.
        guarded = 0.0 if run["kind"] == "identity" else run["judging"]
        around = 1e6 * (run["busy"] - guarded) / run["rows"]
        idle = 1 - run["busy"] / (run["seconds"] * run["workers"])
        lines.append(
            f"| {run['engine']} | {run['kind']} | {run['workers']} | {pace:,.0f} | {pace / first:.2f} | {asked} | {around:.0f} | "
            f"{idle:.0%} | {run['start']:.1f} |"
        )
    lines += [
        "",
        "## Memory",
        "",
        "MiB of the workers while all of them judge, summed; weights: the part of it in the library's or the files' mappings. PSS",
        "counts a shared page once over all that share it, RSS once for each. The driver has the same mapping open and bears its share.",
        "",
        "| engine | run | workers | RSS | PSS | weights RSS | weights PSS | PSS of one more worker |",
        "|---|---|---|---|---|---|---|---|",
    ]
    before: dict[str, Any] = {}
    for run in runs:
        if not run["memory"]:
            continue
        total = {key: sum(one[key] for one in run["memory"]) for key in ("rss", "pss", "weights_rss", "weights_pss")}
        key = f"{run['engine']} {run['kind']}"
        more = "-"
        if key in before and before[key][0] < len(run["memory"]):
            more = f"{(total['pss'] - before[key][1]) / (len(run['memory']) - before[key][0]):.1f}"
        before[key] = (len(run["memory"]), total["pss"])
        lines.append(
            f"| {run['engine']} | {run['kind']} | {len(run['memory'])} | {total['rss']:.1f} | {total['pss']:.1f} | "
            f"{total['weights_rss']:.1f} | {total['weights_pss']:.1f} | {more} |"
        )
    return "\n".join(lines) + "\n"


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
