"""Reading published files as they are: gzipped or plain, CSV, JSON or JSON Lines."""

import csv
import gzip
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

csv.field_size_limit(sys.maxsize)


def raw(folder: Path, name: str) -> bytes:
    """The bytes of a file that may carry an extra `.gz`."""
    plain = folder / name
    if plain.exists():
        data = plain.read_bytes()
        return gzip.decompress(data) if plain.suffix == ".gz" else data
    return gzip.decompress((folder / f"{name}.gz").read_bytes())


def text(folder: Path, name: str) -> str:
    """The file as text; undecodable bytes become U+FFFD."""
    return raw(folder, name).decode("utf-8", "replace").lstrip("\ufeff")


def lines(folder: Path, name: str) -> list[str]:
    """Non-empty lines, split on line feeds only."""
    return [line.rstrip("\r") for line in text(folder, name).split("\n") if line.strip()]


def table(folder: Path, name: str, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Rows of a delimited table with a header."""
    yield from parse(text(folder, name), delimiter)


def parse(body: str, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Rows of a delimited table already in memory; tab-separated files quote nothing."""
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    yield from csv.DictReader(io.StringIO(body, newline=""), delimiter=delimiter, quoting=quoting)


def document(folder: Path, name: str):
    """A JSON document."""
    return json.loads(text(folder, name))


def records(folder: Path, name: str) -> Iterator[dict]:
    """Records of a JSON Lines file."""
    for line in lines(folder, name):
        yield json.loads(line)
