"""Checkpoints: everything a run needs to go on where it stopped."""

import os
from dataclasses import asdict
from pathlib import Path

import torch

from . import layout, quantize
from .model import Guard, Shape


def save(path: Path, **state) -> None:
    """Writes whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def save_weights(path: Path, shape: Shape, average: dict[str, torch.Tensor]) -> None:
    """Writes the averaged weights alone, in half precision: all that export, evaluation and teaching need."""
    save(path, shape=asdict(shape), average={name: tensor.half() for name, tensor in average.items()})


def load(path: Path) -> dict:
    """The saved state."""
    return torch.load(path, map_location="cpu", weights_only=True)


def load_guard(path: Path) -> Guard:
    """The averaged model of a checkpoint, or what an int8 file holds, ready to score."""
    if path.suffix == ".safetensors":
        return quantize.dequantized(layout.read(path)[0])
    state = load(path)
    guard = Guard(Shape.of(state["shape"]))
    guard.load_state_dict(state["average"])
    return guard.eval()
