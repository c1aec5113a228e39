"""Macro-F1 on the published test splits of TweetEval, by the program as it ships.

    python -m train.published --data DATA --portcullis ../target/release/portcullis

The threshold is the one with the best macro-F1 on the published validation split; the test split is scored once with it.
Intervals are 95% percentile bootstrap over test rows. Nothing is trained here, and no test row is in any training split
(`prepare` drops published test splits).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
from pathlib import Path

#: Task, the head that answers it.
TASKS = [("hate", "hate"), ("offensive", "toxicity")]
REPLICATES = 1000


def lines(folder: Path, name: str) -> list[str]:
    """The lines of a published file, gzipped or not; the last line end closes the last line."""
    plain, packed = folder / name, folder / f"{name}.gz"
    text = plain.read_text(encoding="utf-8") if plain.exists() else gzip.open(packed, "rt", encoding="utf-8").read()
    return text.removesuffix("\n").split("\n")


def split(folder: Path, task: str, part: str) -> tuple[list[str], list[int]]:
    """Texts and labels of one split."""
    texts = lines(folder, f"datasets__{task}__{part}_text.txt")
    labels = [int(label) for label in lines(folder, f"datasets__{task}__{part}_labels.txt")]
    if len(texts) != len(labels):
        raise SystemExit(f"{task} {part}: {len(texts)} texts and {len(labels)} labels")
    return texts, labels


def scores(program: Path, texts: list[str], head: str) -> list[float]:
    """The head's score of each text, by one `pipe`."""
    requests = "".join(json.dumps({"text": text.strip() or "."}) + "\n" for text in texts)
    done = subprocess.run([program, "pipe"], input=requests, capture_output=True, text=True, check=True)
    return [json.loads(line)["scores"][head] for line in done.stdout.splitlines()]


def macro_f1(labels: list[int], flagged: list[bool]) -> float:
    """The mean of both classes' F1."""
    both = 0.0
    for positive in (True, False):
        hits = sum(1 for label, flag in zip(labels, flagged) if (label == 1) == positive and flag == positive)
        sides = sum(1 for label in labels if (label == 1) == positive) + sum(1 for flag in flagged if flag == positive)
        both += 2 * hits / sides if sides else 0.0
    return both / 2


def best_threshold(labels: list[int], scored: list[float]) -> float:
    """The threshold among the scores with the best macro-F1."""
    candidates = sorted(set(scored))
    candidates = candidates[:: max(1, len(candidates) // 500)]
    return max(candidates, key=lambda threshold: macro_f1(labels, [score >= threshold for score in scored]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data folder (see README.md)")
    parser.add_argument("--portcullis", type=Path, required=True, help="the program")
    arguments = parser.parse_args()
    folder = arguments.data / "tweeteval_hate_offensive"
    print("| task | head | threshold | validation macro-F1 | test rows | test macro-F1 | 95% interval |")
    print("|---|---|---|---|---|---|---|")
    for task, head in TASKS:
        texts, labels = split(folder, task, "val")
        scored = scores(arguments.portcullis, texts, head)
        threshold = best_threshold(labels, scored)
        validation = macro_f1(labels, [score >= threshold for score in scored])
        texts, labels = split(folder, task, "test")
        flagged = [score >= threshold for score in scores(arguments.portcullis, texts, head)]
        rng, rows, replicates = random.Random(0), range(len(labels)), []
        for _ in range(REPLICATES):
            drawn = rng.choices(rows, k=len(labels))
            replicates.append(macro_f1([labels[row] for row in drawn], [flagged[row] for row in drawn]))
        replicates.sort()
        low, high = replicates[int(0.025 * REPLICATES)], replicates[int(0.975 * REPLICATES) - 1]
        test = macro_f1(labels, flagged)
        print(
            f"| {task} | {head} | {threshold:.4f} | {validation:.3f} | {len(labels)} | {test:.3f} | {low:.3f}–{high:.3f} |"
        )


if __name__ == "__main__":
    main()
