"""Builds the unified, de-duplicated, split and exclusion-filtered rows from published sources.

    python -m train.prepare --data DIR --out DIR [--config sources.toml] [--report DATA.md]
"""

import argparse
import hashlib
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from . import report, rows
from .exclusions import Exclusions
from .normalize import key, ngram_keys, squeezed, visible
from .rows import Row
from .sources import LOADERS

SPLITS = ("train", "calibration", "validation")
#: Kinds whose rows are prompts or documents a benchmark may have copied, not public comments.
SPOKEN = {"comment", "post", "chat", "template"}
SHORTEST = 3
LONGEST = 8000


@dataclass
class Tally:
    """Why rows were dropped, by source."""

    dropped: Counter = field(default_factory=Counter)

    def drop(self, row: Row, reason: str) -> None:
        """Counts one dropped row."""
        self.dropped[row.source, reason] += 1


def share(seed: int, text: str) -> float:
    """A number in 0..1 that depends on the seed and the text only."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{text}".encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64


def load(source: dict, data: Path) -> list[Row]:
    """Every usable row of one source, its text without what does not show."""
    loaded = []
    for number, row in enumerate(LOADERS[source["loader"]](data / source["folder"], *source.get("args", ()))):
        row.text = visible(row.text).strip()[:LONGEST]
        row.source, row.id = source["name"], f"{source['name']}:{number}"
        row.kind = source.get("kind", row.kind)
        if len(row.text) >= SHORTEST:
            loaded.append(row)
    return loaded


def assign(row: Row, source: dict, seed: int) -> str:
    """The split of a row: the source's role, else the publisher's, else by hash of its group. `fixed` is the loader's."""
    role = source["role"]
    if role == "fixed":
        return row.fixed
    if role != "split":
        return "test" if row.fixed == "test" else role
    if row.fixed in ("validation", "test"):
        return row.fixed
    # Without the source's name: copies of one text in several sources then share a split.
    place = share(seed, f"{row.source}:{row.group}" if row.group else squeezed(row.text))
    calibration, validation = source.get("calibration_share", 0.06), source.get("validation_share", 0.06)
    if place < validation:
        return "validation"
    return "calibration" if place < validation + calibration else "train"


def prepare(config: dict, data: Path) -> tuple[list[Row], Tally]:
    """All rows of all sources with their splits."""
    seed, tally, exclusions = config["seed"], Tally(), Exclusions(data)
    by_source: dict[str, list[Row]] = {}
    for source in config["source"]:
        started = time.monotonic()
        if source["use"] == "validation only" and source["role"] in ("train", "calibration", "split", "fixed"):
            raise SystemExit(f"source {source['name']} is for validation only, found role {source['role']}")
        loaded = load(source, data)
        for row in loaded:
            row.split = assign(row, source, seed)
        by_source[source["name"]] = loaded
        print(f"{source['name']}: {len(loaded)} rows, {time.monotonic() - started:.1f} s", flush=True)

    kept = _filter(config, by_source, exclusions, tally)
    return _limit(config, kept, seed, tally), tally


def _filter(config: dict, by_source: dict[str, list[Row]], exclusions: Exclusions, tally: Tally) -> list[Row]:
    """Drops duplicates (what measures is kept before what trains) and benchmark texts."""
    order = {"test": 0, "validation": 1, "calibration": 2, "train": 3}
    everything = [row for loaded in by_source.values() for row in loaded]
    everything.sort(key=lambda row: order[row.split])
    shadows, apart = _shadows(config, by_source), _apart(config, everything)
    seen: set[str] = set()
    kept = []
    for row in everything:
        known = key(row.text) if len(squeezed(row.text)) >= SHORTEST else row.text
        if known in seen:
            tally.drop(row, "duplicate")
            continue
        seen.add(known)
        if row.split == "test" or not row.labels:
            tally.drop(row, "published test split")
        elif exclusions.holds(row.text):
            tally.drop(row, "benchmark text")
        elif row.split != "validation" and row.kind not in SPOKEN and exclusions.resembles(row.text):
            tally.drop(row, "near a benchmark prompt")
        elif row.split != "validation" and row.kind == "attack" and _near(row, shadows):
            tally.drop(row, "near a held-out source")
        elif row.source in apart and _near(row, apart[row.source]):
            tally.drop(row, "near a row that measures")
        else:
            kept.append(row)
    return kept


def _shadows(config: dict, by_source: dict[str, list[Row]]) -> set[str]:
    """Seven-word runs of the attack sources that are held out whole."""
    held = [source["name"] for source in config["source"] if source.get("held_out")]
    return {run for name in held for row in by_source[name] if row.kind == "attack" for run in ngram_keys(row.text)}


def _apart(config: dict, everything: list[Row]) -> dict[str, set[str]]:
    """For each source with `apart_from`, the seven-word runs of the rows of those sources that calibrate or validate."""
    return {source["name"]: {run for row in everything if row.source in source["apart_from"] and row.split != "train"
                             for run in ngram_keys(row.text)}
            for source in config["source"] if "apart_from" in source}


def _near(row: Row, shadows: set[str]) -> bool:
    runs = ngram_keys(row.text)
    return len(runs & shadows) >= max(1, len(runs) // 10)


def _limit(config: dict, kept: list[Row], seed: int, tally: Tally) -> list[Row]:
    """Keeps at most the configured number of rows of each source in each split, chosen by hash.

    Training keeps positives first; what measures keeps the source's own proportions.
    """
    limits = {source["name"]: source.get("limit", {}) for source in config["source"]}
    kept.sort(key=lambda row: (row.source, row.split, row.split == "train" and not any(row.labels.values()),
                               share(seed, row.id)))
    counts: Counter = Counter()
    result = []
    for row in kept:
        counts[row.source, row.split] += 1
        if counts[row.source, row.split] > limits[row.source].get(row.split, config["default_limit"][row.split]):
            tally.drop(row, "over the limit")
        else:
            result.append(row)
    return result


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=Path(__file__).parent / "configs" / "sources.toml")
    parser.add_argument("--report", type=Path, help="where to write the Markdown table of counts")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    prepared, tally = prepare(config, arguments.data)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        rows.write(arguments.out / f"{split}.jsonl", (row for row in prepared if row.split == split))
    digests = {split: rows.digest(row for row in prepared if row.split == split) for split in SPLITS}
    text = report.data_report(config, prepared, tally.dropped, digests)
    (arguments.out / "DATA.md").write_text(text)
    if arguments.report:
        arguments.report.write_text(text)
    print("\n".join(f"{split} {digests[split]}" for split in SPLITS))


if __name__ == "__main__":
    main()
