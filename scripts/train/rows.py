"""The unified data row and its files."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Row:
    """One labelled text. A head absent from `labels` is unknown there."""

    text: str
    labels: dict[str, float]
    kind: str
    #: Rows of one group (template, conversation, context) never part.
    group: str | None = None
    #: A split that the publisher fixed; `None` leaves it to the hash.
    fixed: str | None = None
    #: A finer name within the source (book, subset), for reports.
    part: str | None = None
    source: str = ""
    split: str = ""
    id: str = ""

    def to_json(self) -> str:
        """The row as one JSON line, without its line feed."""
        record = {"id": self.id, "text": self.text, "labels": self.labels, "source": self.source,
                  "kind": self.kind, "split": self.split}
        if self.part:
            record["part"] = self.part
        return json.dumps(record, ensure_ascii=False)


def read(path: Path) -> Iterator[dict]:
    """Rows of a JSON Lines file, gzipped or not, split on line feeds only."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def first_of_each_source(path: Path, limit: int) -> list[dict]:
    """The first `limit` rows of each source in a file."""
    taken: Counter[str] = Counter()
    found = []
    for record in read(path):
        if taken[record["source"]] < limit:
            taken[record["source"]] += 1
            found.append(record)
    return found


def write(path: Path, rows: Iterable[Row]) -> None:
    """Writes rows as JSON Lines."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(row.to_json() + "\n")


def digest(rows: Iterable[Row]) -> str:
    """SHA-256 over the sorted JSON lines: equal data has an equal digest, whatever its order."""
    total = hashlib.sha256()
    for line in sorted(row.to_json() for row in rows):
        total.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return total.hexdigest()
