"""Trains trunk and heads together on the prepared rows.

    python -m train.train --config train/configs/base.toml --prepared DIR --trunk DIR --out DIR [--weights FILE]
        [--taught DIR] [--made DIR] [--start FILE] [--resume] [--workers 2] [--loaders 14]

On the CPU each worker is one single-threaded process; gradients are averaged once a step, so that a busy machine stalls
once a step rather than at every matrix product. With CUDA use one worker, and loaders to make its batches. A
configuration's `[cuda]` table replaces settings of its `[train]` table there.
"""

import argparse
import os
import time
import tomllib
from collections import deque
from dataclasses import asdict
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from . import batches, checkpoint, evaluate, optimize, rows
from .heads import HEADS
from .model import Guard, Shape, load_trunk, shrink

_PORT = "29511"


def configured(path: Path, changed: list[str] = ()) -> dict:
    """The configuration, its `[train]` table as this machine takes it and with settings `changed`, each KEY=VALUE.

    `visits` names a file beside the configuration's; every other changed key is one of `[train]`."""
    config = tomllib.loads(path.read_text())
    changes = {key: value for setting in changed for key, value in tomllib.loads(setting).items()}
    visits = path.parent / changes.pop("visits", config["visits"])
    config |= tomllib.loads(visits.read_text())
    if torch.cuda.is_available():
        config["train"] |= config.get("cuda", {})
    config["train"] |= changes
    return config


def stream(config: dict, prepared: Path, trunk: Path, taught: Path | None = None, made: Path | None = None) -> batches.Stream:
    """The batches of a configuration."""
    records = list(rows.read(prepared / "train.jsonl"))
    order, tokenizer = batches.plan(records, config), batches.load_tokenizer(trunk)
    return batches.Stream(records, order, tokenizer, config["train"], taught, made)


class Run:
    """One worker's model, optimizer, data order and clock."""

    def __init__(self, rank: int, workers: int, arguments: argparse.Namespace):
        config = configured(arguments.config, arguments.set)
        seed = arguments.seed or config["train"]["seed"]
        self.rank, self.workers, self.arguments = rank, workers, arguments
        self.settings = settings = config["train"]
        self.seconds = 60 * (arguments.minutes or settings["minutes"])
        self.stream = stream(config, arguments.prepared, arguments.trunk, arguments.taught, arguments.made)
        weights = optimize.positive_weights(self.stream.records, self.stream.order, settings["positive_weight_cap"])
        self.guard = Guard(Shape.of(config["shape"]), settings["dropout"], seed)
        self._start(arguments)
        optimize.freeze(self.guard, settings["frozen_layers"], settings.get("learned_layers"))
        self.state = checkpoint.load(self.last) if arguments.resume and self.last.exists() else None
        self.step, self.chunk, self.batch = 0, 0, 0
        if self.state:
            self.step, self.chunk, self.batch = self.state["step"], self.state["chunk"], self.state["batch"]
        self.chunks = iter(self.stream.ahead(self.chunk, arguments.loaders))
        self.made = next(self.chunks)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(seed + rank)
        self.guard.to(self.device)
        self.weights = weights.to(self.device)
        self.learned = {name: part for name, part in self.guard.named_parameters() if part.requires_grad}
        groups = optimize.groups(self.guard, settings)
        self.log_variance = None
        if settings["balance"]:
            self.log_variance = torch.zeros(len(HEADS), device=self.device, requires_grad=True)
            rate = settings["head_rate"]
            groups.append({"params": [self.log_variance], "lr": rate, "rate": rate, "weight_decay": 0.0})
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.average = {name: tensor.detach().clone() for name, tensor in self.guard.state_dict().items()}
        self.started = time.monotonic()
        self.done = 0.0
        self.losses, self.pace = deque(maxlen=50), deque(maxlen=20)
        if self.state:
            self._restore(self.state)
        if rank == 0:
            print(f"{len(self.stream.records)} rows, {len(self.stream.order)} visits in {self.stream.chunks} chunks, "
                  f"{self.seconds / 60:.0f} minutes, {workers} worker(s), {self.device}, {self.guard.shape}, "
                  f"positive weights {[round(w, 2) for w in self.weights.tolist()]}", flush=True)

    def _start(self, arguments: argparse.Namespace) -> None:
        """Loads the trunk, or what an earlier run made of it."""
        if not arguments.start:
            load_trunk(self.guard, arguments.weights or arguments.trunk / "model.safetensors")
            return
        earlier = checkpoint.load_guard(arguments.start)
        found = earlier.state_dict()
        inner = {name.removeprefix("trunk."): tensor for name, tensor in found.items() if name.startswith("trunk.")}
        shrink(self.guard.shape, inner)
        # Exits belong to the layers that they were trained after.
        kept = ("heads.", "exits.") if earlier.shape.layers == self.guard.shape.layers else ("heads.",)
        found = {f"trunk.{name}": tensor for name, tensor in inner.items()} \
            | {name: tensor for name, tensor in found.items() if name.startswith(kept)}
        self.guard.load_state_dict(found, strict=False)

    @property
    def last(self) -> Path:
        """The checkpoint that `--resume` goes on from."""
        return self.arguments.out / "last.pt"

    def _restore(self, state: dict) -> None:
        self.guard.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = {name: tensor.to(self.device) for name, tensor in state["average"].items()}
        if self.log_variance is not None:
            self.log_variance.data.copy_(state["log_variance"])
        self.started -= state["spent"]

    def save(self, path: Path) -> None:
        """Writes the whole state."""
        checkpoint.save(path, shape=asdict(self.guard.shape), model=self.guard.state_dict(), average=self.average,
                        optimizer=self.optimizer.state_dict(), log_variance=self.log_variance, step=self.step,
                        chunk=self.chunk, batch=self.batch, spent=time.monotonic() - self.started)

    def learn(self) -> None:
        """Goes through the planned visits until they or the time are used up."""
        saved = tested = time.monotonic()
        while self.made:
            steps = len(self.made) // self.workers
            while self.batch < steps:
                done = self._learn_one(self.made[self.batch * self.workers + self.rank], self.chunk + self.batch / steps)
                self.batch += 1
                if done >= 1:
                    return
                if self.rank == 0 and time.monotonic() - saved > self.settings["save_minutes"] * 60:
                    self.save(self.last)
                    saved = time.monotonic()
                if self.rank == 0 and time.monotonic() - tested > self.settings["test_minutes"] * 60:
                    evaluate.peek(self.guard.shape, self.average, self.arguments.prepared, self.arguments.trunk, self.device)
                    tested = time.monotonic()
            self.made = next(self.chunks, None)
            self.chunk, self.batch = self.chunk + 1, 0

    def _learn_one(self, batch: batches.Batch, chunks_done: float) -> float:
        """One step; returns the share of the run that is done, agreed on by all workers."""
        self.guard.train()
        batch = batch.to(self.device)
        if self.done >= self.settings["int8_from"]:
            for layer in self.guard.trunk.encoder["layer"]:
                layer.int8 = True
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings["bfloat16"]):
            *early, logits = self.guard.every_exit(batch.ids, batch.mask)
        loss = self._loss(logits, batch) + self.settings["exit_weight"] * sum(self._loss(exit, batch) for exit in early)
        loss.backward()
        parameters = [*self.learned.values(), *([] if self.log_variance is None else [self.log_variance])]
        spent = time.monotonic() - self.started
        mean, done = optimize.exchange(parameters, self.workers, loss.detach(),
                                       max(chunks_done / self.stream.chunks, spent / self.seconds))
        torch.nn.utils.clip_grad_norm_(parameters, self.settings["clip"])
        self.done = done
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * optimize.rate_factor(done, self.settings["warm_up"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if self.rank == 0:
            self._note(batch, mean, done)
        return done

    def _loss(self, logits: torch.Tensor, batch: batches.Batch) -> torch.Tensor:
        loss = optimize.masked_loss(logits, batch, self.weights, self.log_variance)
        if batch.taught is not None:
            share = self.settings["taught_share"]
            loss = (1 - share) * loss + share * optimize.taught_loss(logits, batch)
        if self.settings["twin_weight"]:
            loss = loss + self.settings["twin_weight"] * optimize.twin_loss(logits, batch)
        return loss

    def _note(self, batch: batches.Batch, loss: torch.Tensor, done: float) -> None:
        """Moves the average of the weights and prints progress."""
        decay = min(self.settings["average_decay"], (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_([self.average[name] for name in self.learned], list(self.learned.values()), 1 - decay)
        self.losses.append(loss)
        self.pace.append((time.monotonic(), len(batch.ids) * self.workers, batch.mask.numel() * self.workers))
        if self.step % self.settings["print_every"]:
            return
        span = max(1e-6, self.pace[-1][0] - self.pace[0][0])
        spent = time.monotonic() - self.started
        print(f"step {self.step} done {done:.1%} loss {float(sum(self.losses)) / len(self.losses):.4f} "
              f"{sum(entry[1] for entry in self.pace) / span:.0f} rows/s "
              f"{sum(entry[2] for entry in self.pace) / span:.0f} tokens/s "
              f"elapsed {spent / 60:.1f} min, {spent * (1 / max(done, 1e-6) - 1) / 60:.1f} min left", flush=True)


def work(rank: int, workers: int, arguments: argparse.Namespace) -> None:
    """One worker's whole run."""
    if workers > 1:
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", _PORT)
        torch.set_num_threads(1)
        dist.init_process_group("gloo", rank=rank, world_size=workers)
    run = Run(rank, workers, arguments)
    run.learn()
    if rank == 0:
        checkpoint.save_weights(arguments.out / "final.pt", run.guard.shape, run.average)
        print(f"trained {run.step} steps in {(time.monotonic() - run.started) / 60:.1f} minutes", flush=True)
    if workers > 1:
        dist.barrier()
        dist.destroy_process_group()


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--trunk", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="the trunk's weights, where --trunk holds another's (a teacher)")
    parser.add_argument("--taught", type=Path, help="chances that train.teach wrote for the same batches")
    parser.add_argument("--made", type=Path, help="folder in which runs with the same batches keep them for each other")
    parser.add_argument("--start", type=Path, help="begin with an earlier run's weights, not with the trunk's")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--seed", type=int, help="of heads and dropout; rows and batches keep the configured one")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="overrides a setting of [train], or `visits`")
    parser.add_argument("--workers", type=int, default=1, help="processes that train, on the CPU")
    parser.add_argument("--loaders", type=int, default=0, help="processes that make batches ahead")
    parser.add_argument("--minutes", type=float, help="overrides the configured time budget")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.workers > 1:
        mp.spawn(work, args=(arguments.workers, arguments), nprocs=arguments.workers)
    else:
        work(0, 1, arguments)


if __name__ == "__main__":
    main()
