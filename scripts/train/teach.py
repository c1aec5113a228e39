"""Writes what teachers say of every batch of a student's run, so that students are taught without them at hand.

    python -m train.teach --config train/configs/base.toml --prepared DIR --trunk DIR --teacher FILE [FILE ..] --out DIR
        [--made DIR] [--loaders 14]

For each chunk a file of chances [rows, heads] in half precision, the mean over the teachers, in the order of its batches. Of
twins, which differ in the groups that they name, the heads about speech are told the same: the mean of what is said of both.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from . import checkpoint
from .heads import SPEECH
from .train import configured, stream


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True, help="the student's")
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--trunk", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="overrides a setting of the student's")
    parser.add_argument("--made", type=Path, help="folder in which runs with the same batches keep them for each other")
    parser.add_argument("--loaders", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    source = stream(configured(arguments.config, arguments.set), arguments.prepared, arguments.trunk, made=arguments.made)
    (arguments.out / "order").write_text(source.digest())
    ahead = source.ahead(0, arguments.loaders)
    first = next(ahead)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    teachers = [checkpoint.load_guard(path).to(device) for path in arguments.teacher]
    started = time.monotonic()
    for number in range(source.chunks):
        chances = [_chances(teachers, batch.to(device), source.settings["bfloat16"]) for batch in (first if number == 0 else next(ahead))]
        np.save(arguments.out / f"{number}.npy", torch.cat(chances).half().cpu().numpy())
        if number % 50 == 0:
            print(f"chunk {number} of {source.chunks}, {time.monotonic() - started:.0f} s", flush=True)


@torch.inference_mode()
def _chances(teachers: list, batch, halved: bool) -> torch.Tensor:
    with torch.autocast(batch.ids.device.type, torch.bfloat16, enabled=halved):
        chances = torch.stack([teacher(batch.ids, batch.mask)[0].float().sigmoid() for teacher in teachers]).mean(0)
    pairs = chances[batch.twins][:, :, :len(SPEECH)]
    for side in (0, 1):
        chances[batch.twins[:, side], :len(SPEECH)] = pairs.mean(1)
    return chances


if __name__ == "__main__":
    main()
