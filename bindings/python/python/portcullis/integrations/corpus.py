"""A Parquet corpus judged part by part, each part written once: what Ray and Spark hand to their workers."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from portcullis import Guard
from portcullis._words import Role
from portcullis.integrations.parts import UNDER_WAY, Part, commit, files_of, footer_digest, parts_of

#: Of the output's directory: the plan that its parts are of, and that all are there.
MANIFEST = "_manifest.json"
SUCCESS = "_SUCCESS"


@dataclass(frozen=True)
class Job:
    """What is judged, how, and where to. Plain values, so that any scheduler can carry it to its workers."""

    input: str
    output: str
    column: str = "text"
    id_column: str | None = None
    role: Role = "user"
    guard: dict[str, Any] = field(default_factory=dict)
    batch_size: int = 256
    part_rows: int = 10_000
    #: Writes the output's shape without asking the guard: what everything around it costs.
    identity: bool = False

    def plan(self) -> tuple[list[Part], str]:
        """The parts that are still to be made, and the digest of the plan; writes or checks the manifest.

        Raises `ValueError` where the output holds parts of another plan: another corpus, policy or model.
        """
        output = Path(self.output)
        parts = list(parts_of(Path(self.input), self.part_rows))
        manifest = {
            "format": 1,
            "column": self.column,
            "id_column": self.id_column,
            "role": self.role,
            "identity": self.identity,
            "policy": opened(**self.guard).policy["digest"],
            "model": opened(**self.guard).model["digest"],
            "files": {str(path): footer_digest(path) for path in files_of(Path(self.input))},
            "parts": [asdict(part) for part in parts],
        }
        text = json.dumps(manifest, indent=1, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        (output / UNDER_WAY).mkdir(parents=True, exist_ok=True)
        if not (output / MANIFEST).exists():
            commit(output, MANIFEST, lambda path: Path(path).write_text(text))
        elif (output / MANIFEST).read_text() != text:
            raise ValueError(f"{output}: found the parts of another plan, expected this corpus, policy and model")
        return [part for part in parts if not (output / part.name).exists()], digest

    def run(self, part: Part, plan: str) -> dict[str, Any]:
        """Judges one part and commits it; what is there already is replaced by the same."""
        started = time.perf_counter()
        judging = 0.0
        guard = opened(**self.guard)
        source = pq.ParquetFile(part.path)
        columns = [self.column] + ([self.id_column] if self.id_column else [])
        batches = source.iter_batches(self.batch_size, row_groups=list(range(*part.row_groups)), columns=columns)

        def write(path: str) -> None:
            nonlocal judging
            row, writer = part.first_row, None
            for batch in batches:
                asked = time.perf_counter()
                judged = self._judged(guard, batch)
                judging += time.perf_counter() - asked
                table = _table(batch, judged, self.id_column, part.path, row).replace_schema_metadata({"plan": plan})
                writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
                writer.write_table(table)
                row += batch.num_rows
            if writer is not None:
                writer.close()
            if row != part.first_row + part.rows:
                raise ValueError(f"{part.path}: found {row - part.first_row} rows, expected {part.rows}")

        commit(Path(self.output), part.name, write)
        return {
            "part": part.name,
            "rows": part.rows,
            "judging_s": judging,
            "total_s": time.perf_counter() - started,
            "ended": time.time(),
            "pid": os.getpid(),
        }

    def finish(self, plan: str) -> int:
        """Checks that every part of the manifest is there, marks the output as whole, and answers its rows."""
        output = Path(self.output)
        parts = json.loads((output / MANIFEST).read_text())["parts"]
        for part in parts:
            metadata = pq.read_metadata(output / part["name"])
            found = (metadata.num_rows, (metadata.metadata or {}).get(b"plan", b"").decode())
            if found != (part["rows"], plan):
                raise ValueError(f"{part['name']}: found {found[0]} rows of plan {found[1]!r}, expected {part['rows']} of {plan!r}")
        rows: int = sum(part["rows"] for part in parts)
        commit(output, SUCCESS, lambda path: Path(path).write_text(json.dumps({"plan": plan, "rows": rows})))
        for left in (output / UNDER_WAY).iterdir():
            left.unlink(missing_ok=True)
        (output / UNDER_WAY).rmdir()
        return rows

    def _judged(self, guard: Guard, batch: pa.RecordBatch) -> Mapping[str, Any]:
        if not self.identity:
            return guard.check_columns(batch.column(self.column), role=self.role)
        rows = batch.num_rows
        same: dict[str, Any] = {"decision": ["allow"] * rows, "text": batch.column(self.column), "coverage": ["full"] * rows}
        same |= {"rules": [[]] * rows, "error": [None] * rows}
        same |= {"policy": [guard.policy["digest"]] * rows, "model": [guard.model["digest"]] * rows}
        return same | {f"score.{name}": [0.0] * rows for name in guard.score_names}


@functools.cache
def _open(arguments: str) -> Guard:
    return Guard(**json.loads(arguments))


def opened(**arguments: Any) -> Guard:
    """This process's guard with these arguments, opened once."""
    return _open(json.dumps(arguments, sort_keys=True))


def _table(batch: pa.RecordBatch, judged: Mapping[str, Any], id_column: str | None, path: str, row: int) -> pa.Table:
    """The output's rows: where each came from, and what the guard says of it."""
    words = pa.dictionary(pa.int32(), pa.string())
    types = {"text": pa.large_string(), "rules": pa.list_(pa.string())}
    rows = batch.num_rows
    columns: dict[str, pa.Array] = {
        "source": pa.array([path] * rows).cast(words),
        "row": pa.array(range(row, row + rows), pa.int64()),
    }
    if id_column is not None:
        columns["id"] = batch.column(id_column)
    for name, values in judged.items():
        kind = pa.float32() if name.startswith("score.") else types.get(name, words)
        array = values if isinstance(values, pa.Array) else pa.array(values, kind if kind != words else pa.string())
        columns[name] = array.cast(kind)
    return pa.table(columns)
