"""Trains, rounds, measures and exports the hashed model: one command on one CPU core.

    python -m train.tiny --config train/configs/tiny.toml --prepared DIR --out DIR [--ledger RUNS.md --name NAME]

`OUT` gets `weights.safetensors` for `cargo xtask bundle`, `hashed.jsonl.gz` for the runtime's parity test, and the results.
"""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from . import batches, evaluate, fixtures, metrics, optimize, report, rows
from .hashed import Hashed, keys, words
from .heads import HEADS
from .train import configured


#: One bucket in so many bears the penalty, for all.
_SAMPLED = 7


class Run:
    """The model, its data and its settings."""

    def __init__(self, config: dict, prepared: Path):
        self.settings, self.shape = config["train"], config["shape"]
        records = list(rows.read(prepared / "train.jsonl"))
        self.stream = batches.Stream(records, batches.plan(records, config), None, self.settings)
        self.weights = optimize.positive_weights(records, self.stream.order, self.settings["positive_weight_cap"])
        self.bits = self.shape["buckets"].bit_length() - 1
        self.table = torch.nn.Parameter(torch.zeros(self.shape["buckets"], len(HEADS)))
        self.bias = torch.nn.Parameter(odds(records, self.stream.order))
        self.optimizer = torch.optim.Adam([{"params": [self.table], "rate": self.settings["rate"]},
                                           {"params": [self.bias], "rate": self.settings["bias_rate"]}],
                                          lr=0.0, betas=(0.9, 0.99))

    def learn(self) -> None:
        """Goes through the planned visits."""
        started = time.monotonic()
        for number in range(self.stream.chunks):
            losses = [self._step(batch, number / self.stream.chunks) for batch in self._batches(number)]
            if number % 10 == 0:
                print(f"chunk {number} of {self.stream.chunks} loss {sum(losses) / len(losses):.4f} "
                      f"{time.monotonic() - started:.0f} s", flush=True)

    def _batches(self, number: int) -> list[tuple]:
        """Buckets, starts, targets [rows, heads] and known flags of each step of one chunk."""
        made, draw = self.stream.texts(number)
        picked = [(batches.part(words(text), self.shape["window"], labels, draw), labels) for unit in made for text, labels in unit]
        found = []
        for first in range(0, len(picked), self.settings["rows"]):
            step = picked[first : first + self.settings["rows"]]
            buckets, starts = keys([window for window, _ in step], self.bits)
            labels = np.array([[labels.get(head, np.nan) for head in HEADS] for _, labels in step], np.float32)
            known = ~np.isnan(labels)
            smoothing = self.settings["label_smoothing"]
            targets = np.where(known, labels * (1 - 2 * smoothing) + smoothing, 0).astype(np.float32)
            found.append(tuple(map(torch.from_numpy, (buckets.astype(np.int64), starts, targets, known.astype(np.float32)))))
        return found

    def _step(self, batch: tuple, done: float) -> float:
        buckets, starts, targets, known = batch
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * (1 - done)
        sums = functional.embedding_bag(buckets, self.table, starts[:-1], mode="sum")
        logits = sums / starts.diff().clamp(min=1)[:, None].sqrt() + self.bias
        raw = functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=self.weights, reduction="none")
        # The penalty falls on a weight as often as its bucket is seen: a rare one may keep what little it has learned.
        sampled = self.table[buckets[::_SAMPLED]]
        loss = ((raw * known).sum() + _SAMPLED * self.settings["decay"] * sampled.square().sum()) / len(targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def rounded(self) -> tuple[Hashed, np.ndarray]:
        """The int8 model, and the f32 weights in its scales."""
        table = self.table.detach().numpy()
        model = Hashed.rounded(table, self.bias.detach().numpy(), self.shape["window"], self.shape["overlap"])
        return model, table / model.scale


def odds(records: list[dict], order: list[int]) -> torch.Tensor:
    """The logarithm of positives over negatives among the visits, by head: what a model says that has read nothing."""
    labels = evaluate.labels_of(records)[order]
    up, down = np.nansum(labels, 0) + 1, np.nansum(1 - labels, 0) + 1
    return torch.from_numpy(np.log(up / down).astype(np.float32))


def compare(model: Hashed, table: np.ndarray, prepared: Path) -> dict:
    """AUC by head on the calibration rows, with the f32 weights and with int8."""
    records = list(rows.read(prepared / "calibration.jsonl"))
    labels = evaluate.labels_of(records)
    texts = [record["text"] for record in records]
    scored = {"f32": model.logits(texts, table), "int8": model.score(texts)}
    known = ~np.isnan(labels)
    return {name: {head: round(metrics.auc(logits[known[:, column], column], labels[known[:, column], column]), 4)
                   for column, head in enumerate(HEADS)} for name, logits in scored.items()}


def write_fixture(path: Path, model: Hashed, prepared: Path) -> None:
    """Texts that may be passed on, each with its words, features, the sum of their keys, and the bits of its logits."""
    chosen = fixtures.choose(prepared)
    logits = model.score([record["text"] for record in chosen])
    lines = []
    for record, row in zip(chosen, logits, strict=True):
        split = words(record["text"])
        found, _ = keys([split])
        lines.append(json.dumps(record | {"words": len(split), "features": len(found), "sum": int(found.astype(np.uint64).sum()),
                                          "logits": row.view(np.uint32).tolist()}, ensure_ascii=False) + "\n")
    path.write_bytes(gzip.compress("".join(lines).encode(), 9, mtime=0))


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model-id", default="portcullis-tiny")
    parser.add_argument("--ledger", type=Path, help="Markdown table of runs to append to")
    parser.add_argument("--name", default="tiny")
    parser.add_argument("--predicted", default="", help="what was expected of the run, for the ledger")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = configured(arguments.config)
    run = Run(config, arguments.prepared)
    run.learn()
    model, table = run.rounded()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model.write(arguments.out / "weights.safetensors", arguments.model_id)
    write_fixture(arguments.out / "hashed.jsonl.gz", model, arguments.prepared)
    compared = compare(model, table, arguments.prepared)
    print(json.dumps(compared), flush=True)
    results = evaluate.measure(model.score, arguments.prepared, 0, model.window) | {"rounding": compared}
    (arguments.out / "results.json").write_text(json.dumps(results, indent=1))
    (arguments.out / "results.md").write_text(report.results_report(results))
    print(report.results_report(results))
    if arguments.ledger:
        report.append_run(arguments.ledger, arguments.name, arguments.prepared, arguments.predicted, results)


if __name__ == "__main__":
    main()
