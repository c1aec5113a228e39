"""Measures a checkpoint on calibration and validation rows, by head, source and kind.

    python -m train.evaluate --checkpoint FILE --prepared DIR --trunk DIR --out DIR [--ledger RUNS.md --name NAME]
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from . import batches, checkpoint, metrics, report, rows, scoring
from .heads import HEADS
from .model import Guard, Shape
from .prepare import share

PEEK_ROWS = 60
PEEK_TOKENS = 128
#: False alarms allowed on the benign calibration mix, over all heads together.
BUDGET = 0.01
_FEW = 20


def labels_of(records: list[dict]) -> np.ndarray:
    """Labels [rows, heads], NaN where unknown."""
    return np.array([[record["labels"].get(head, np.nan) for head in HEADS] for record in records])


def is_benign(record: dict) -> bool:
    """Whether a row belongs to the benign mix: a source without any positive, known innocent on every head."""
    return record.get("benign", False)


def mark_benign(records: list[dict]) -> None:
    """Marks rows of sources that hold nothing but innocent traffic."""
    risky = {record["source"] for record in records
             if len(record["labels"]) < len(HEADS) or any(value >= 0.5 for value in record["labels"].values())}
    for record in records:
        record["benign"] = record["source"] not in risky


def budgeted_thresholds(logits: np.ndarray, groups: list[str], budget: float) -> np.ndarray:
    """One threshold a head such that all heads together flag at most `budget` of the benign mix.

    Every kind of traffic weighs the same. The heads share one rate, found by bisection.
    """
    sizes = defaultdict(int)
    for group in groups:
        sizes[group] += 1
    weights = np.array([1 / sizes[group] for group in groups])
    weights /= weights.sum()

    def at(rate: float) -> np.ndarray:
        found = []
        for column in range(logits.shape[1]):
            order = np.argsort(-logits[:, column], kind="stable")
            over = np.cumsum(weights[order]) > rate
            found.append(np.nextafter(logits[order[np.argmax(over)], column], np.float32(np.inf)))
        return np.array(found)

    low, high = 0.0, budget
    for _ in range(30):
        middle = (low + high) / 2
        flagged = weights[(logits >= at(middle)).any(1)].sum()
        low, high = (middle, high) if flagged <= budget else (low, middle)
    return at(low)


def peek(shape: Shape, state: dict, prepared: Path, trunk: Path, device: torch.device) -> None:
    """Prints each head's AUC on a small fixed part of the validation rows."""
    guard = Guard(shape).to(device)
    guard.load_state_dict(state)
    records = rows.first_of_each_source(prepared / "validation.jsonl", PEEK_ROWS)
    encoded = scoring.encode(batches.load_tokenizer(trunk), [record["text"] for record in records], PEEK_TOKENS)
    logits, _ = scoring.score(guard, encoded, device)
    labels = labels_of(records)
    shown = []
    for column, head in enumerate(HEADS):
        known = ~np.isnan(labels[:, column])
        shown.append(f"{head} {metrics.auc(logits[known, column], labels[known, column]):.3f}")
    print(f"peek {len(records)} rows: " + " ".join(shown), flush=True)


def head_table(logits: np.ndarray, labels: np.ndarray, cal_logits: np.ndarray, cal_labels: np.ndarray,
               thresholds: np.ndarray, chosen: np.ndarray) -> dict:
    """Metrics of every head over the chosen validation rows; curves and thresholds come from calibration rows."""
    table = {}
    for column, head in enumerate(HEADS):
        known = chosen & ~np.isnan(labels[:, column])
        cal_known = ~np.isnan(cal_labels[:, column])
        scores, truth = logits[known, column], labels[known, column]
        cal_scores, cal_truth = cal_logits[cal_known, column], cal_labels[cal_known, column]
        slope, intercept = metrics.fit_platt(cal_scores, cal_truth)
        chances = 1 / (1 + np.exp(-(slope * scores + intercept)))
        one = metrics.threshold_at(cal_scores[cal_truth < 0.5], 0.01)
        table[head] = {
            "positives": int((truth >= 0.5).sum()), "negatives": int((truth < 0.5).sum()),
            "auc": metrics.auc(scores, truth), "auprc": metrics.average_precision(scores, truth),
            "recall_at_1_fpr": metrics.recall_at(scores, truth, one),
            "fpr_there": metrics.share_at(scores[truth < 0.5], one),
            "recall_at_policy": metrics.recall_at(scores, truth, thresholds[column]),
            "ece": metrics.calibration_error(chances, truth), "slope": slope, "intercept": intercept,
            "threshold": float(thresholds[column]), "threshold_1_fpr": one,
        }
    return table


def source_table(records: list[dict], logits: np.ndarray, labels: np.ndarray, thresholds: np.ndarray) -> dict:
    """Per source and head: AUC within the source and against all benign rows, recall at the policy."""
    benign = np.array([is_benign(record) for record in records])
    names = np.array([record["source"] for record in records])
    table: dict[str, dict] = {}
    for source in sorted(set(names[~benign])):
        inside = names == source
        for column, head in enumerate(HEADS):
            own = labels[inside, column]
            if (own >= 0.5).sum() < _FEW:
                continue
            known = inside & ~np.isnan(labels[:, column])
            positives = inside & (labels[:, column] >= 0.5)
            mixed = positives | benign
            table.setdefault(source, {})[head] = {
                "positives": int(positives.sum()), "negatives": int((own < 0.5).sum()),
                "auc": metrics.auc(logits[known, column], labels[known, column]),
                "auc_vs_benign": metrics.auc(logits[mixed, column], labels[mixed, column]),
                "recall_at_1_fpr_benign": metrics.recall_at(
                    logits[mixed, column], labels[mixed, column], metrics.threshold_at(logits[benign, column], 0.01)),
                "recall_at_policy": metrics.recall_at(logits[positives, column], labels[positives, column],
                                                      thresholds[column]),
                "flagged_by_any": float((logits[positives] >= thresholds).any(1).mean()),
            }
    return table


def benign_table(records: list[dict], logits: np.ndarray, thresholds: np.ndarray, field: str) -> dict:
    """Share of benign rows that the policy flags, by `field`, and the head that flags most."""
    table = {}
    benign = [index for index, record in enumerate(records) if is_benign(record)]
    for value in sorted({records[index][field] for index in benign}):
        members = [index for index in benign if records[index][field] == value]
        flags = logits[members] >= thresholds
        table[value] = {"rows": len(members), "flagged": float(flags.any(1).mean()),
                        "by_head": {head: float(flags[:, column].mean())
                                    for column, head in enumerate(HEADS) if flags[:, column].any()}}
    return table


def sample(records: list[dict], limit: int) -> list[dict]:
    """At most `limit` rows of each source, ten times as many of the largest comment set, chosen by hash."""
    if not limit:
        return records
    taken: dict[str, int] = defaultdict(int)
    picked = []
    for record in sorted(records, key=lambda record: share(6, record["id"])):
        taken[record["source"]] += 1
        if taken[record["source"]] <= limit * (10 if record["source"] == "jigsaw" else 1):
            picked.append(record)
    return picked


def measure(score: Callable[[list[str]], np.ndarray], prepared: Path, limit: int, max_tokens: int) -> dict:
    """All tables of a model that gives texts logits [rows, heads], with thresholds from the benign calibration mix at the
    total budget."""
    held = {}
    for split in ("calibration", "validation"):
        records = list(rows.read(prepared / f"{split}.jsonl"))
        mark_benign(records)
        records = sample(records, limit)
        held[split] = (records, score([record["text"] for record in records]), labels_of(records))
        print(f"scored {len(records)} {split} rows", flush=True)
    cal_records, cal_logits, cal_labels = held["calibration"]
    records, logits, labels = held["validation"]
    mix = [index for index, record in enumerate(cal_records) if is_benign(record)]
    thresholds = budgeted_thresholds(cal_logits[mix], [cal_records[index]["kind"] for index in mix], BUDGET)
    seen = {record["source"] for record in cal_records}
    own = np.array([is_benign(record) or record["source"] in seen or record["source"] == "bipia" for record in records])
    return {
        "budget": BUDGET, "rows_per_source": limit, "max_tokens": max_tokens,
        "calibration_rows": len(cal_records), "validation_rows": len(records),
        "heads": head_table(logits, labels, cal_logits, cal_labels, thresholds, own),
        "held_out_heads": head_table(logits, labels, cal_logits, cal_labels, thresholds,
                                     ~own | np.array([is_benign(record) for record in records])),
        "sources": source_table(records, logits, labels, thresholds),
        "benign_by_kind": benign_table(records, logits, thresholds, "kind"),
        "benign_by_source": benign_table(records, logits, thresholds, "source"),
        "calibration_benign_by_kind": benign_table(cal_records, cal_logits, thresholds, "kind"),
    }


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--trunk", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ledger", type=Path, help="Markdown table of runs to append to")
    parser.add_argument("--name", default="base")
    parser.add_argument("--predicted", default="", help="what was expected of the run, for the ledger")
    parser.add_argument("--limit", type=int, default=0, help="rows per source and split; 0 takes all")
    parser.add_argument("--max-tokens", type=int, default=512)
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    guard = checkpoint.load_guard(arguments.checkpoint).to(device)
    tokenizer = batches.load_tokenizer(arguments.trunk)

    def score(texts: list[str]) -> np.ndarray:
        return scoring.score(guard, scoring.encode(tokenizer, texts, arguments.max_tokens), device)[0]

    results = measure(score, arguments.prepared, arguments.limit, arguments.max_tokens)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "results.json").write_text(json.dumps(results, indent=1))
    text = report.results_report(results)
    (arguments.out / "results.md").write_text(text)
    print(text)
    if arguments.ledger:
        report.append_run(arguments.ledger, arguments.name, arguments.prepared, arguments.predicted, results)


if __name__ == "__main__":
    main()
