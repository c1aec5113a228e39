"""Portcullis: the program itself for latency and start, its library for agreement and for throughput from token ids."""

from pathlib import Path

from . import Setting, Variant

LABEL = "Portcullis"
PACKAGES = ()
#: `--level avx2` does it.
AVX2 = {}
DETAIL = "the program for latency and the first verdict, its library for agreement and for throughput from token ids"


def prepare(model, folder: Path) -> list[Variant]:  # noqa: ARG001
    """Nothing: the weights are in the program."""
    return [Variant("library", "library", ("throughput",))]


def command(setting: Setting) -> list:
    """The library's program."""
    return [setting.programs["library-peer"], "avx2" if setting.avx2 else "best", setting.tokenizer]


def program(setting: Setting, *command: str) -> list:
    """A command of the program itself."""
    level = ["--level", "avx2"] if setting.avx2 else []
    return [setting.programs["portcullis"], *command, "--threads", str(setting.threads), *level]
