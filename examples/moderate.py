"""What both examples take from the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from portcullis.integrations.corpus import Job


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    parser.add_argument("--in", dest="input", type=Path, required=True, help="a Parquet file, or a directory of them")
    parser.add_argument("--out", dest="output", type=Path, required=True, help="a directory, on a disk that all workers see")
    parser.add_argument("--column", default="text", help="the texts [text]")
    parser.add_argument("--id-column", help="kept beside the verdicts as `id`")
    parser.add_argument("--role", default="user", help="user, assistant, tool or system [user]")
    parser.add_argument("--policy", type=Path, help="a policy file or bundle")
    parser.add_argument("--models", type=Path, help="a directory of models, mapped; without it the one inside the package")
    parser.add_argument("--model", help="which of them")
    parser.add_argument("--workers", type=int, default=2, help="processes that judge, each with one thread [2]")
    parser.add_argument("--batch-size", type=int, default=256, help="texts asked at once [256]")
    parser.add_argument("--part-rows", type=int, default=10_000, help="most rows of a part, but for a larger row group [10000]")
    parser.add_argument("--identity", action="store_true", help="ask no guard: what everything around it costs")


def job_of(arguments: argparse.Namespace) -> Job:
    """The job that the arguments describe."""
    # The columns hold no spans, and words behind a finding cost many times what judging does.
    guard: dict[str, object] = {"threads": 1, "attribution": False}
    for name in ("policy", "models"):
        path = getattr(arguments, name)
        if path is not None:
            guard[name] = str(path.resolve())
    if arguments.model is not None:
        guard["model"] = arguments.model
    return Job(
        input=str(arguments.input.resolve()),
        output=str(arguments.output.resolve()),
        column=arguments.column,
        id_column=arguments.id_column,
        role=arguments.role,
        guard=guard,
        batch_size=arguments.batch_size,
        part_rows=arguments.part_rows,
        identity=arguments.identity,
    )
