"""What is measured, one module a runtime, all with the same members.

`LABEL` names it in the record, `PACKAGES` are its PyPI packages, pinned. `AVX2` holds the variables that make it keep to
AVX2, or is None where it has no such switch. `prepare(model, folder)` writes its files and returns its `Variant`s, in
the environment of its own packages. A Python runtime has `Runner(folder, variant, threads)` with `feed(batch)`, which
makes a batch its input, and `run(feed)`, which is timed and gives logits and pooled output; a program of its own has
`command(setting)` instead and speaks the same lines as `harness.worker`.
"""

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

NAMES = ("portcullis", "openvino", "onnxruntime", "ctranslate2", "rten", "candle")


@dataclass
class Variant:
    """One way to run a runtime. Of variants of one `family`, the most accurate alone is measured."""

    name: str
    family: str
    #: `latency`, `throughput`, `start`: what it is measured in.
    tasks: tuple[str, ...] = ("latency", "throughput", "start")


@dataclass
class Setting:
    """How a process is started."""

    folder: Path
    variant: str
    threads: int
    avx2: bool
    tokenizer: Path
    #: Programs built or given: `portcullis`, `rten-peer`, `library-peer`.
    programs: dict[str, Path] = field(default_factory=dict)


def load(name: str) -> ModuleType:
    """The module of a runtime."""
    return importlib.import_module(f"runtimes.{name}")
