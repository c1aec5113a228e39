"""Compares checkpoints on the calibration rows, to choose among runs and averages of runs without a look at validation.

    python -m train.compare --prepared DIR --trunk DIR [--limit 300] CHECKPOINT[:SHARE][,CHECKPOINT[:SHARE]..] ..

Each argument is a checkpoint, or an average as `train.average` makes it, of checkpoints between commas. For each: by head
the recall where 1% of the benign mix is flagged and where 0.2% is, as policies ask for, every kind of traffic of the same
weight, and the AUC against all negatives; and how far the chance of toxicity moves at the 95th percentile when the group that a text names is exchanged.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch

from . import augment, batches, evaluate, metrics, rows, scoring
from .average import average, named
from .heads import HEADS, MAIN
from .model import Guard
from .normalize import normalize

_TOKENS = 128
_RATES = {"recall": 0.01, "strict": 0.002}
_SWAPS = 3


def exchanged(records: list[dict]) -> tuple[list[int], list[str]]:
    """Posts that name a group with other names in its place: the number of each one's row, and the text."""
    draw = random.Random(3)
    numbers, texts = [], []
    for number, record in enumerate(records):
        text = normalize(record["text"])
        if record["kind"] in batches.SWAPPED and len(text) <= batches.LONGEST_TWIN and augment.swap(text, draw) != text:
            numbers += [number] * _SWAPS
            texts += [augment.swap(text, draw) for _ in range(_SWAPS)]
    return numbers, texts


def at_budget(logits: np.ndarray, kinds: list[str], rate: float) -> np.ndarray:
    """For each head the threshold that a share `rate` of the benign rows reaches, kinds weighing the same."""
    columns = range(logits.shape[1])
    return np.array([evaluate.budgeted_thresholds(logits[:, [column]], kinds, rate)[0] for column in columns])


def measure(guard: Guard, tokenizer, records: list[dict], swapped: tuple[list[int], list[str]]) -> dict[str, float]:
    """The figures of one model by name."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    guard = guard.to(device)
    logits, _ = scoring.score(guard, scoring.encode(tokenizer, [record["text"] for record in records], _TOKENS), device)
    labels = evaluate.labels_of(records)
    benign = np.array([record["benign"] for record in records])
    kinds = [record["kind"] for record in records if record["benign"]]
    thresholds = {name: at_budget(logits[benign], kinds, rate) for name, rate in _RATES.items()}
    found = {}
    for column, head in enumerate(HEADS):
        known = ~np.isnan(labels[:, column])
        for name, limits in thresholds.items():
            found[f"{head} {name}"] = metrics.recall_at(logits[known, column], labels[known, column], limits[column])
        found[f"{head} auc"] = metrics.auc(logits[known, column], labels[known, column])
    for name in (*_RATES, "auc"):
        found[f"mean {name}"] = float(np.mean([found[f"{head} {name}"] for head in MAIN]))
    numbers, texts = swapped
    after, _ = scoring.score(guard, scoring.encode(tokenizer, texts, _TOKENS), device)
    chances = [1 / (1 + np.exp(-part[:, HEADS.index("toxicity")])) for part in (logits[numbers], after)]
    found["swap p95"] = float(np.quantile(np.abs(chances[0] - chances[1]), 0.95))
    return found


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="+")
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--trunk", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=300, help="rows of each source")
    arguments = parser.parse_args()
    records = rows.first_of_each_source(arguments.prepared / "calibration.jsonl", arguments.limit)
    evaluate.mark_benign(records)
    tokenizer, swapped = batches.load_tokenizer(arguments.trunk), exchanged(records)
    print(f"{len(records)} rows, {len(swapped[1])} exchanged", flush=True)
    for words in arguments.model:
        shape, mean = average([named(word) for word in words.split(",")])
        guard = Guard(shape)
        guard.load_state_dict(mean)
        found = measure(guard, tokenizer, records, swapped)
        print(words, " ".join(f"{name} {value:.4f}" for name, value in found.items()), sep="\n", flush=True)


if __name__ == "__main__":
    main()
