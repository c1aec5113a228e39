"""The Markdown record of what the data holds, kept in the repository."""

import math
from collections import Counter
from pathlib import Path

from .heads import EXPERIMENTAL, HEADS
from .rows import Row

_SPLITS = ("train", "calibration", "validation")


def data_report(config: dict, prepared: list[Row], dropped: Counter, digests: dict[str, str]) -> str:
    """Sources with licence and role, counts by source, split and head, and what was dropped."""
    lines = ["# Data of the trained heads", "",
             "Written by `python -m train.prepare`. No text of any source is kept in this repository.", "",
             "| split | rows | SHA-256 of the sorted rows |", "|---|---|---|"]
    for split in _SPLITS:
        lines.append(f"| {split} | {sum(row.split == split for row in prepared):,} | `{digests[split]}` |")
    counts = Counter((row.source, row.split) for row in prepared)
    lines += ["", "## Sources", "",
              "| source | repository | commit | licence | use | role | train | calibration | validation | labels |",
              "|---|---|---|---|---|---|---|---|---|---|"]
    for source in config["source"]:
        name = source["name"]
        numbers = " | ".join(f"{counts[name, split]:,}" for split in _SPLITS)
        role = source["role"] + (" (held out)" if source.get("held_out") else "")
        lines.append(f"| {name} | {source.get('repository', '')} | {source.get('commit', '')} | {source['licence']} "
                     f"| {source['use']} | {role} | {numbers} | {source.get('labels', '')} |")
    lines += ["", "## Positives / negatives by head and split", "", "| head | " + " | ".join(_SPLITS) + " |",
              "|---|" + "---|" * len(_SPLITS)]
    for head in HEADS:
        cells = []
        for split in _SPLITS:
            known = [row.labels[head] for row in prepared if row.split == split and head in row.labels]
            cells.append(f"{sum(value >= 0.5 for value in known):,} / {sum(value < 0.5 for value in known):,}")
        lines.append(f"| {head} | " + " | ".join(cells) + " |")
    lines += ["", "## Positives by source and head (all splits)", "", "| source | " + " | ".join(HEADS) + " |",
              "|---|" + "---|" * len(HEADS)]
    positives = Counter((row.source, head) for row in prepared for head, value in row.labels.items() if value >= 0.5)
    for source in config["source"]:
        name = source["name"]
        if any(positives[name, head] for head in HEADS):
            lines.append(f"| {name} | " + " | ".join(f"{positives[name, head]:,}" for head in HEADS) + " |")
    lines += ["", "## Dropped", "", "| source | reason | rows |", "|---|---|---|"]
    lines += [f"| {name} | {reason} | {number:,} |" for (name, reason), number in sorted(dropped.items())]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"


def results_report(results: dict) -> str:
    """The measured tables as Markdown."""
    limit = results["rows_per_source"]
    lines = [f"{results['validation_rows']:,} validation and {results['calibration_rows']:,} calibration rows"
             + (f", at most {limit} a source (jigsaw {10 * limit})" if limit else "")
             + f", cut at {results['max_tokens']} tokens. Thresholds: all heads together flag at most "
             f"{results['budget']:.0%} of the benign calibration mix, every kind weighing the same."]
    for title, part in (("Heads, sources also trained on (other rows) and unseen benign rows", "heads"),
                        ("Heads, sources never trained on, against unseen benign rows", "held_out_heads")):
        lines += ["", f"### {title}", "", "| head | positives | negatives | AUC | AUPRC | recall at 1% FPR | FPR there "
                  "| recall at policy | ECE |", "|---|---|---|---|---|---|---|---|---|"]
        for head, row in results[part].items():
            name = f"{head} (experimental)" if head in EXPERIMENTAL else head
            lines.append(f"| {name} | {row['positives']:,} | {row['negatives']:,} | {_number(row['auc'])} "
                         f"| {_number(row['auprc'])} | {_number(row['recall_at_1_fpr'])} | {_share(row['fpr_there'])} "
                         f"| {_number(row['recall_at_policy'])} | {_number(row['ece'])} |")
    lines += ["", "### Sources", "", "| source | head | positives | negatives | AUC | AUC against unseen benign "
              "| recall at 1% of unseen benign | recall at policy | flagged by any head |",
              "|---|---|---|---|---|---|---|---|---|"]
    for source, heads in results["sources"].items():
        lines += [f"| {source} | {head} | {row['positives']:,} | {row['negatives']:,} | {_number(row['auc'])} "
                  f"| {_number(row['auc_vs_benign'])} | {_number(row['recall_at_1_fpr_benign'])} "
                  f"| {_number(row['recall_at_policy'])} | {_number(row['flagged_by_any'])} |"
                  for head, row in heads.items()]
    for title, part in (("Unseen benign kinds flagged at the policy", "benign_by_kind"),
                        ("Unseen benign sources flagged at the policy", "benign_by_source"),
                        ("Benign calibration kinds flagged at the policy", "calibration_benign_by_kind")):
        first = "source" if "source" in part else "kind"
        lines += ["", f"### {title}", "", f"| {first} | rows | flagged | by |", "|---|---|---|---|"]
        for name, row in results[part].items():
            by = ", ".join(f"{head} {value:.1%}" for head, value in
                           sorted(row["by_head"].items(), key=lambda item: -item[1]))
            lines.append(f"| {name} | {row['rows']:,} | {row['flagged']:.1%} | {by} |")
    return "\n".join(lines) + "\n"


def append_run(ledger: Path, name: str, prepared: Path, predicted: str, results: dict) -> None:
    """Adds one line to the ledger of runs."""
    digest = next((line.split("`")[1][:12] for line in (prepared / "DATA.md").read_text().splitlines()
                   if line.startswith("| train |")), "")
    if not ledger.exists():
        ledger.write_text("# Runs\n\n| run | training data | predicted | AUC by head | jigsaw toxicity AUC "
                          "| unseen benign flagged (worst kind) |\n|---|---|---|---|---|---|\n")
    heads = " ".join(f"{head} {_number(row['auc'])}" for head, row in results["heads"].items())
    kinds = results["benign_by_kind"]
    worst = max(kinds, key=lambda kind: kinds[kind]["flagged"])
    mean = sum(kind["flagged"] for kind in kinds.values()) / len(kinds)
    jigsaw = results["sources"].get("jigsaw", {}).get("toxicity", {}).get("auc", math.nan)
    with open(ledger, "a") as file:
        file.write(f"| {name} | `{digest}` | {predicted} | {heads} | {_number(jigsaw)} "
                   f"| {mean:.1%} ({worst} {kinds[worst]['flagged']:.1%}) |\n")
