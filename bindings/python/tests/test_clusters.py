"""Ray Data and Spark each judge a corpus, and no row is lost or doubled when a worker or the whole run is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import NamedTuple

import pytest

from clusters import end, judging, parts, run, start, wait, whole, write_corpus


class Engine(NamedTuple):
    script: str
    package: str
    #: What it calls a process that judges.
    worker: str


ENGINES = [Engine("ray_moderate.py", "ray.data", "ray::"), Engine("spark_moderate.py", "pyspark", "pyspark")]


@pytest.fixture(scope="module", params=ENGINES, ids=["ray", "spark"])
def engine(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.param
    pytest.importorskip(engine.package, reason=f"{engine.package} is not installed: scripts/python.sh --clusters")
    return engine


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("clusters") / "corpus")


def test_workers_share_the_corpus(engine: Engine, corpus: Path, tmp_path: Path) -> None:
    summary = run(engine.script, corpus, tmp_path / "out", "--workers", "2")
    assert summary["rows"] == whole(corpus, tmp_path / "out").num_rows == 600
    assert len({part["pid"] for part in summary["parts"]}) == 2


def test_a_worker_is_killed(engine: Engine, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = start(engine.script, corpus, output, "--workers", "2")
    try:
        wait(lambda: len(parts(output)) >= 2, process)
        victim = wait(lambda: judging(process.pid, engine.worker), process)[0]
        os.kill(victim, signal.SIGKILL)
        assert process.wait(timeout=540) == 0, process.stderr.read()[-4000:]  # type: ignore[union-attr]
    finally:
        end(process)
    whole(corpus, output)


def test_the_run_is_killed_and_goes_on(engine: Engine, corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = start(engine.script, corpus, output, "--workers", "2")
    wait(lambda: len(parts(output)) >= 3, process)
    end(process)
    before = {path: path.stat().st_mtime_ns for path in parts(output)}
    assert not (output / "_SUCCESS").exists()
    summary = run(engine.script, corpus, output, "--workers", "2")
    assert len(summary["parts"]) == 20 - len(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    whole(corpus, output)


def test_mapped_files_judge_the_same(engine: Engine, corpus: Path, tmp_path: Path) -> None:
    models = str(Path(__file__).parents[3] / "models")
    run(engine.script, corpus, tmp_path / "inside", "--workers", "1")
    run(engine.script, corpus, tmp_path / "mapped", "--workers", "1", "--models", models)
    assert whole(corpus, tmp_path / "inside").equals(whole(corpus, tmp_path / "mapped"))
