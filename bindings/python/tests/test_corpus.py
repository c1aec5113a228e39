"""A corpus judged part by part; needs pyarrow and no cluster."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

import pyarrow.parquet as pq
from clusters import PART_ROWS, parts, whole, write_corpus

from portcullis import Guard
from portcullis.integrations.corpus import Job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    corpus = write_corpus(tmp_path / "corpus", rows=80)
    guard = {"threads": 1, "models": str(Path(__file__).parents[3] / "models"), "model": "portcullis-tiny"}
    return Job(str(corpus), str(tmp_path / "out"), id_column="key", guard=guard, part_rows=PART_ROWS, batch_size=32)


def test_parts_are_whole_row_groups(job: Job) -> None:
    todo, _ = job.plan()
    found = [(Path(part.path).name, part.row_groups, part.first_row, part.rows) for part in todo]
    assert found == [
        ("corpus-0.parquet", (0, 1), 0, PART_ROWS),
        ("corpus-0.parquet", (1, 2), PART_ROWS, 10),
        ("corpus-1.parquet", (0, 1), 0, PART_ROWS),
        ("corpus-1.parquet", (1, 2), PART_ROWS, 10),
    ]
    assert len(replace(job, part_rows=1000, output=job.output + "2").plan()[0]) == 2


def test_the_output_is_the_guards(job: Job) -> None:
    todo, plan = job.plan()
    for part in reversed(todo):
        job.run(part, plan)
    assert job.finish(plan) == 80
    written = whole(Path(job.input), Path(job.output)).to_pylist()
    guard = Guard(**job.guard)
    for row in written:
        if row["id"] in ("row-7", "row-11"):
            assert row["decision"] is None and row["text"] is None
            assert row["error"] == (None if row["id"] == "row-7" else "empty_text")
            continue
        text = pq.read_table(row["source"]).column("text")[row["row"]].as_py()
        verdict = guard.check(text)
        assert (row["decision"], row["text"], row["coverage"]) == (verdict.decision, verdict.text, verdict.coverage)
        assert row["rules"] == list(dict.fromkeys(finding.rule for finding in verdict.findings))
        assert {name: row[f"score.{name}"] for name in verdict.scores} == pytest.approx(verdict.scores, rel=1e-6)
        assert (row["policy"], row["model"]) == (guard.policy["digest"], guard.model["digest"])


def test_work_goes_on_where_it_stopped(job: Job) -> None:
    todo, plan = job.plan()
    job.run(todo[1], plan)
    left, again = job.plan()
    assert again == plan and left == [todo[0], todo[2], todo[3]]
    with pytest.raises(FileNotFoundError):
        job.finish(plan)
    assert not (Path(job.output) / "_SUCCESS").exists()
    for part in [*left, todo[1]]:
        job.run(part, plan)
    job.finish(plan)
    whole(Path(job.input), Path(job.output))
    assert job.plan() == ([], plan)


def test_another_corpus_or_guard_is_refused(job: Job) -> None:
    job.plan()
    with pytest.raises(ValueError, match="another plan"):
        replace(job, role="assistant").plan()
    with pytest.raises(ValueError, match="another plan"):
        replace(job, guard={"threads": 1}).plan()
    file = Path(job.input) / "corpus-1.parquet"
    pq.write_table(pa.table({"key": ["row-0"], "text": ["Hello there, how are you?"]}), file)
    with pytest.raises(ValueError, match="another plan"):
        job.plan()


def test_a_part_that_fails_leaves_nothing(job: Job) -> None:
    todo, plan = job.plan()
    with pytest.raises(ValueError, match="found 30 rows, expected 31"):
        job.run(replace(todo[0], rows=31), plan)
    assert parts(Path(job.output)) == []
    assert list((Path(job.output) / "_temporary").iterdir()) == []


def test_a_part_of_another_plan_is_seen(job: Job) -> None:
    todo, plan = job.plan()
    for part in todo:
        job.run(part, "of another")
    with pytest.raises(ValueError, match="of plan 'of another'"):
        job.finish(plan)


def test_the_identity_has_the_same_shape(job: Job) -> None:
    same = replace(job, output=job.output + "-identity", identity=True)
    schemas = []
    for one in (job, same):
        todo, plan = one.plan()
        for part in todo:
            one.run(part, plan)
        one.finish(plan)
        schemas.append(pq.read_schema(parts(Path(one.output))[0]).remove_metadata())
    assert schemas[0] == schemas[1]
    assert json.loads((Path(same.output) / "_manifest.json").read_text())["identity"] is True
