"""Texts and reference outputs that the runtime's parity tests compare against."""

import gzip
import json
from pathlib import Path

import numpy as np

from . import layout, rows
from .prepare import share

#: Source → (licence, how many texts). Only sources that may be passed on, none with a non-commercial term.
SOURCES = {
    "toxic_spans": ("CC0-1.0", 400),
    "paradetox": ("CC0-1.0", 380),
    "edos": ("CC0-1.0", 200),
    "convabuse": ("CC-BY-4.0", 60),
    "awesome_prompts": ("CC0-1.0", 70),
    "oasst": ("Apache-2.0", 250),
    "mt_bench": ("Apache-2.0", 60),
    "arena_hard": ("Apache-2.0", 60),
    "gpteacher_roleplay": ("MIT", 90),
    "code_bench": ("MIT", 60),
    "headlines_news": ("MIT", 180),
    "taskmaster": ("CC-BY-4.0", 90),
    "medquad_validation": ("CC-BY-4.0", 90),
    "fiction_validation": ("public domain", 60),
    "pyrit_templates": ("MIT", 30),
    "templates_validation": ("this project", 60),
}
TEXTS = 2000
DEQUANTIZED_POOLED = 200
_LONGEST = 1800


def choose(prepared: Path) -> list[dict]:
    """The fixture texts in a fixed random order, each with its source and licence."""
    found: dict[str, list[dict]] = {source: [] for source in SOURCES}
    for split in ("validation", "calibration", "train"):
        members = [record for record in rows.read(prepared / f"{split}.jsonl")
                   if record["source"] in found and len(record["text"]) <= _LONGEST]
        members.sort(key=lambda record: share(3, record["id"]))
        for record in members:
            if len(found[record["source"]]) < SOURCES[record["source"]][1]:
                found[record["source"]].append(record)
    chosen = [{"id": record["id"], "text": record["text"], "source": source, "licence": SOURCES[source][0]}
              for source, members in found.items() for record in members]
    chosen.sort(key=lambda record: share(4, record["id"]))
    if len(chosen) < TEXTS:
        raise SystemExit(f"found {len(chosen)} fixture texts, expected {TEXTS}")
    return chosen[:TEXTS]


def outputs(parity: Path, chosen: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """f32 logits and pooled states out of a fixture, whose texts have to be `chosen`."""
    with gzip.open(parity.with_name("parity.jsonl.gz"), "rt", encoding="utf-8") as file:
        if [json.loads(line)["text"] for line in file] != [record["text"] for record in chosen]:
            raise SystemExit(f"{parity} has other texts than this prepared set gives")
    found, _, _ = layout.read(parity)
    return found["logits_f32"], found["pooled_f32"].astype(np.float32)


def write(out: Path, chosen: list[dict], reference: tuple[np.ndarray, np.ndarray],
          dequantized: tuple[np.ndarray, np.ndarray], pooled: int) -> None:
    """`parity.jsonl.gz` and `parity.safetensors`, which holds the first `pooled` texts' pooled f32 states."""
    body = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in chosen).encode()
    (out / "parity.jsonl.gz").write_bytes(gzip.compress(body, 9, mtime=0))
    layout.write(out / "parity.safetensors", {
        "pooled_f32": reference[1][:pooled].astype(np.float16),
        "logits_f32": reference[0].astype(np.float32),
        "logits_dequant": dequantized[0].astype(np.float32),
        "pooled_dequant": dequantized[1][:DEQUANTIZED_POOLED].astype(np.float16),
    }, {"texts": "parity.jsonl.gz", "max_tokens": "512"})
