"""Spark judges a corpus, and no row is lost or doubled when a worker or the whole run is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("pyspark", reason="pyspark is not installed: scripts/python.sh --clusters")

from clusters import end, judging, parts, run, start, wait, whole, write_corpus

#: What Spark runs Python workers as.
WORKER = "pyspark"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("spark") / "corpus")


def test_workers_share_the_corpus(corpus: Path, tmp_path: Path) -> None:
    summary = run("spark_moderate.py", corpus, tmp_path / "out", "--workers", "2")
    assert summary["rows"] == whole(corpus, tmp_path / "out").num_rows == 600
    assert len({part["pid"] for part in summary["parts"]}) == 2


def test_a_worker_is_killed(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = start("spark_moderate.py", corpus, output, "--workers", "2")
    try:
        wait(lambda: len(parts(output)) >= 2, process)
        victim = wait(lambda: judging(process.pid, WORKER), process)[0]
        os.kill(victim, signal.SIGKILL)
        assert process.wait(timeout=540) == 0, process.stderr.read()[-4000:]  # type: ignore[union-attr]
    finally:
        end(process)
    whole(corpus, output)


def test_the_run_is_killed_and_goes_on(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = start("spark_moderate.py", corpus, output, "--workers", "2")
    wait(lambda: len(parts(output)) >= 3, process)
    end(process)
    before = {path: path.stat().st_mtime_ns for path in parts(output)}
    assert not (output / "_SUCCESS").exists()
    summary = run("spark_moderate.py", corpus, output, "--workers", "2")
    assert len(summary["parts"]) == 20 - len(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    whole(corpus, output)


def test_mapped_files_judge_the_same(corpus: Path, tmp_path: Path) -> None:
    models = str(Path(__file__).parents[3] / "models")
    run("spark_moderate.py", corpus, tmp_path / "inside", "--workers", "1")
    run("spark_moderate.py", corpus, tmp_path / "mapped", "--workers", "1", "--models", models)
    assert whole(corpus, tmp_path / "inside").equals(whole(corpus, tmp_path / "mapped"))
