"""Trains trunk and heads together on the prepared rows.

    python -m train.train --config train/configs/base.toml --prepared DIR --trunk DIR --out DIR [--resume] [--workers 2]

On the CPU each worker is one single-threaded process; gradients are averaged once a step, so that a busy machine stalls
once a step rather than at every matrix product. With CUDA use one worker.
"""

import argparse
import os
import time
import tomllib
from collections import deque
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from . import batches, checkpoint, evaluate, optimize, rows
from .model import Guard, load_trunk

_PORT = "29511"


class Run:
    """One worker's model, optimizer, data order and clock."""

    def __init__(self, rank: int, workers: int, arguments: argparse.Namespace):
        config = tomllib.loads(arguments.config.read_text())
        self.rank, self.workers, self.arguments = rank, workers, arguments
        self.settings = settings = config["train"]
        self.seconds = 60 * (arguments.minutes or settings["minutes"])
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(settings["seed"] + rank)
        records = list(rows.read(arguments.prepared / "train.jsonl"))
        order = batches.plan(records, config["visits"], config["boost"], settings["seed"])
        self.stream = batches.Stream(records, order, batches.load_tokenizer(arguments.trunk), settings, settings["seed"])
        self.weights = optimize.positive_weights(records, order, settings["positive_weight_cap"]).to(self.device)
        self.guard = Guard(settings["dropout"], settings["seed"]).to(self.device)
        load_trunk(self.guard, arguments.trunk)
        optimize.freeze(self.guard, settings["frozen_layers"])
        self.learned = {name: part for name, part in self.guard.named_parameters() if part.requires_grad}
        self.optimizer = torch.optim.AdamW(optimize.groups(self.guard, settings), betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.average = {name: tensor.detach().clone() for name, tensor in self.guard.state_dict().items()}
        self.step, self.chunk, self.batch = 0, 0, 0
        self.started = time.monotonic()
        self.losses, self.pace = deque(maxlen=50), deque(maxlen=20)
        if arguments.resume and self.last.exists():
            self._restore()
        if rank == 0:
            print(f"{len(records)} rows, {len(order)} visits in {self.stream.chunks} chunks, "
                  f"{self.seconds / 60:.0f} minutes, {workers} worker(s), {self.device}, "
                  f"positive weights {[round(w, 2) for w in self.weights.tolist()]}", flush=True)

    @property
    def last(self) -> Path:
        """The checkpoint that `--resume` goes on from."""
        return self.arguments.out / "last.pt"

    def _restore(self) -> None:
        state = checkpoint.load(self.last)
        self.guard.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = {name: tensor.to(self.device) for name, tensor in state["average"].items()}
        self.step, self.chunk, self.batch = state["step"], state["chunk"], state["batch"]
        self.started -= state["spent"]

    def save(self, path: Path) -> None:
        """Writes the whole state."""
        checkpoint.save(path, model=self.guard.state_dict(), average=self.average, optimizer=self.optimizer.state_dict(),
                        step=self.step, chunk=self.chunk, batch=self.batch, spent=time.monotonic() - self.started)

    def learn(self) -> None:
        """Goes through the planned visits until they or the time are used up."""
        saved = tested = time.monotonic()
        while self.chunk < self.stream.chunks:
            made = self.stream.chunk(self.chunk)
            steps = len(made) // self.workers
            while self.batch < steps:
                done = self._learn_one(made[self.batch * self.workers + self.rank], self.chunk + self.batch / steps)
                self.batch += 1
                if done >= 1:
                    return
                if self.rank == 0 and time.monotonic() - saved > self.settings["save_minutes"] * 60:
                    self.save(self.last)
                    saved = time.monotonic()
                if self.rank == 0 and time.monotonic() - tested > self.settings["test_minutes"] * 60:
                    evaluate.peek(self.average, self.arguments.prepared, self.arguments.trunk, self.device)
                    tested = time.monotonic()
            self.chunk, self.batch = self.chunk + 1, 0

    def _learn_one(self, batch: batches.Batch, chunks_done: float) -> float:
        """One step; returns the share of the run that is done, agreed on by all workers."""
        self.guard.train()
        logits, _ = self.guard(batch.ids.to(self.device), batch.mask.to(self.device))
        loss = optimize.masked_loss(logits, batch, self.weights)
        loss.backward()
        parameters = list(self.learned.values())
        spent = time.monotonic() - self.started
        mean, done = optimize.exchange(parameters, self.workers, loss.item(),
                                       max(chunks_done / self.stream.chunks, spent / self.seconds))
        torch.nn.utils.clip_grad_norm_(parameters, self.settings["clip"])
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * optimize.rate_factor(done, self.settings["warm_up"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if self.rank == 0:
            self._note(parameters, batch, mean, done)
        return done

    def _note(self, parameters: list, batch: batches.Batch, loss: float, done: float) -> None:
        """Moves the average of the weights and prints progress."""
        decay = min(self.settings["average_decay"], (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_([self.average[name] for name in self.learned], parameters, 1 - decay)
        self.losses.append(loss)
        self.pace.append((time.monotonic(), len(batch.ids) * self.workers, batch.mask.numel() * self.workers))
        if self.step % self.settings["print_every"]:
            return
        span = max(1e-6, self.pace[-1][0] - self.pace[0][0])
        spent = time.monotonic() - self.started
        print(f"step {self.step} done {done:.1%} loss {sum(self.losses) / len(self.losses):.4f} "
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
        run.save(arguments.out / "final.pt")
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
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="overrides the configured time budget")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.workers > 1:
        mp.spawn(work, args=(arguments.workers, arguments), nprocs=arguments.workers)
    else:
        work(0, 1, arguments)


if __name__ == "__main__":
    main()
