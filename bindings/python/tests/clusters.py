"""A corpus for the tests of Ray and Spark, the run of an example, and what its output has to hold."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
#: Rows of a row group, and so of a part.
PART_ROWS = 30
#: Ray gives its processes 15 seconds to begin, which no setting changes; on a busy machine it is started again.
ATTEMPTS = 4
NO_START = "The current node timed out during startup"


def write_corpus(directory: Path, rows: int = 600) -> Path:
    """The texts of the project's parity tests as two Parquet files, with an empty text and a null among them."""
    with gzip.open(ROOT / "tests" / "data" / "parity.jsonl.gz", "rt") as lines:
        texts: list[str | None] = [json.loads(line)["text"] for line in lines][:rows]
    texts[7], texts[11] = None, ""
    directory.mkdir()
    half = len(texts) // 2
    for number, part in enumerate((texts[:half], texts[half:])):
        ids = [f"row-{number * half + row}" for row in range(len(part))]
        table = pa.table({"key": ids, "text": pa.array(part, pa.string())})
        pq.write_table(table, directory / f"corpus-{number}.parquet", row_group_size=PART_ROWS)
    return directory


def command(example: str, corpus: Path, output: Path, *more: str) -> list[str]:
    """The command line of an example."""
    paths = ["--in", str(corpus), "--out", str(output), "--id-column", "key"]
    return [sys.executable, str(EXAMPLES / example), *paths, "--part-rows", str(PART_ROWS), "--batch-size", "32", *more]


def run(example: str, corpus: Path, output: Path, *more: str) -> dict[str, Any]:
    """Runs an example to its end and answers what it prints."""
    for attempt in range(ATTEMPTS):
        done = subprocess.run(command(example, corpus, output, *more), capture_output=True, text=True, timeout=540)
        if done.returncode == 0 or NO_START not in done.stderr or attempt + 1 == ATTEMPTS:
            break
    assert done.returncode == 0, done.stderr[-4000:]
    summary: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return summary


def start(example: str, corpus: Path, output: Path, *more: str) -> subprocess.Popen[str]:
    """Starts an example in a process group of its own, and waits for its first part."""
    for _ in range(ATTEMPTS):
        process = subprocess.Popen(
            command(example, corpus, output, *more),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        while not parts(output) and process.poll() is None:
            time.sleep(0.02)
        if process.poll() is None or NO_START not in process.communicate()[1]:
            return process
    raise AssertionError("the cluster does not start")


def whole(corpus: Path, output: Path) -> pa.Table:
    """The output, having checked that each row of the corpus is in it once and nothing else is there."""
    read = pa.concat_tables(pq.read_table(file) for file in sorted(corpus.glob("*.parquet")))
    written = pa.concat_tables(pq.read_table(file) for file in sorted(output.glob("part-*.parquet")))
    assert written.column("id").to_pylist() == read.column("key").to_pylist()
    places = list(zip(written.column("source").to_pylist(), written.column("row").to_pylist(), strict=True))
    assert len(set(places)) == len(places) == read.num_rows
    names = {path.name for path in output.iterdir()}
    assert names - {f"part-{number:05}.parquet" for number in range(len(names))} == {"_SUCCESS", "_manifest.json"}
    assert json.loads((output / "_SUCCESS").read_text())["rows"] == read.num_rows
    return written


def parts(output: Path) -> list[Path]:
    """The parts that are there by now."""
    return sorted(output.glob("part-*.parquet"))


def wait(until: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 300) -> Any:
    """What `until` answers once it answers something, while the process runs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = until()
        if found:
            return found
        assert process.poll() is None, f"it ended before: {process.communicate()[1][-4000:]}"
        time.sleep(0.02)
    raise AssertionError("it does not come")


def descendants(pid: int) -> Iterator[int]:
    """The processes that this one started, and those that they did."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        parents.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(int(stat.parent.name))
    todo = [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        todo += children
        yield from children


def judging(pid: int, title: str) -> list[int]:
    """The descendants with this in their command line that have the guard's library mapped."""
    found = []
    for child in descendants(pid):
        try:
            called = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            mapped = Path(f"/proc/{child}/maps").read_text()
        except OSError:
            continue
        if title in called and "_portcullis" in mapped:
            found.append(child)
    return found


def end(process: subprocess.Popen[str]) -> None:
    """Ends a process with all that it started, by `kill -9`."""
    children = list(descendants(process.pid))
    for pid in [process.pid, *children]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
