"""Averages the weights of runs that began at the same weights.

    python -m train.average --out FILE CHECKPOINT[:SHARE] CHECKPOINT[:SHARE] ..

Runs that start alike stay close enough for the mean of their weights to be better than each (Wortsman et al. 2022,
"Model soups", arXiv 2203.05482); with the beginning itself among them, part of what they forgot comes back (2021, arXiv
2109.01903). A CHECKPOINT is one of `train.train` or an int8 file.
Shares are 1 where none is given, and are made to sum to one.
"""

import argparse
from pathlib import Path

import torch

from . import checkpoint


def average(parts: list[tuple[Path, float]]) -> tuple:
    """The shape and the mean weights."""
    guards = [(checkpoint.load_guard(path), share) for path, share in parts]
    shapes = {guard.shape for guard, _ in guards}
    if len(shapes) > 1:
        raise SystemExit(f"the checkpoints have different shapes: {shapes}")
    total = sum(share for _, share in guards)
    mean: dict[str, torch.Tensor] = {}
    for guard, share in guards:
        for name, tensor in guard.state_dict().items():
            mean[name] = mean.get(name, 0) + tensor.double() * (share / total)
    return shapes.pop(), mean


def named(word: str) -> tuple[Path, float]:
    """A path and its share."""
    path, _, share = word.partition(":")
    return Path(path), float(share or 1)


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=named, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    checkpoint.save_weights(arguments.out, *average(arguments.checkpoint))


if __name__ == "__main__":
    main()
