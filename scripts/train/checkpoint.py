"""Checkpoints: everything a run needs to go on where it stopped."""

import os
from pathlib import Path

import torch

from . import layout, quantize
from .model import Guard


def save(path: Path, **state) -> None:
    """Writes whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def load(path: Path) -> dict:
    """The saved state."""
    return torch.load(path, map_location="cpu", weights_only=True)


def load_guard(path: Path) -> Guard:
    """The averaged model of a checkpoint, or what an int8 file holds, ready to score."""
    if path.suffix == ".safetensors":
        return quantize.dequantized(layout.read(path)[0])
    guard = Guard()
    guard.load_state_dict(load(path)["average"])
    return guard.eval()
