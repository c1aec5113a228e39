"""The parts of a Parquet corpus, and files that are there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

#: The directory, inside the output, of files that are being written.
UNDER_WAY = "_temporary"


@dataclass(frozen=True)
class Part:
    """Row groups of one input file that become one output file."""

    name: str
    path: str
    row_groups: tuple[int, int]
    first_row: int
    rows: int


def parts_of(path: Path, part_rows: int) -> Iterator[Part]:
    """Neighbouring row groups, as many as have `part_rows` rows at most; a row group is never cut."""
    number = 0
    for file in files_of(path):
        metadata = pq.read_metadata(file)
        rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        start = first = 0
        for end in range(1, len(rows) + 1):
            if end == len(rows) or sum(rows[start : end + 1]) > part_rows:
                taken = sum(rows[start:end])
                if taken:
                    yield Part(f"part-{number:05}.parquet", str(file.resolve()), (start, end), first, taken)
                    number += 1
                start, first = end, first + taken


def files_of(path: Path) -> list[Path]:
    """The corpus: one file, or every `.parquet` file of a directory, in the order of their names."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"{path}: found no .parquet file, expected at least one")
    return files


def footer_digest(path: Path) -> str:
    """Of a file's end, where Parquet keeps the lengths, places and bounds of everything in it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 8))
        footer = int.from_bytes(file.read(4), "little") + 8
        file.seek(max(0, size - footer))
        return f"{size}:{hashlib.sha256(file.read()).hexdigest()}"


def commit(output: Path, name: str, write: Callable[[str], object]) -> None:
    """Writes a file aside, flushes it, and puts it in its place at once: it is there whole or not at all."""
    aside = output / UNDER_WAY / f"{name}.{uuid.uuid4().hex}"
    try:
        write(str(aside))
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.rename(output / name)
    finally:
        aside.unlink(missing_ok=True)
    directory = os.open(output, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
