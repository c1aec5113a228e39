"""The int8 file layout: packed linears, quantized embedding rows, 64-byte alignment."""

import json
import struct
from pathlib import Path

import numpy as np

#: Output channels and inputs per packed cell: 16 channels of 4 inputs fill 64 bytes.
CHANNELS, GROUP = 16, 4
ALIGNMENT = 64
_NAMES = {"int8": "I8", "int32": "I32", "float32": "F32", "float16": "F16"}


def pack(q: np.ndarray) -> np.ndarray:
    """int8 [n, k] to [n/16, k/4, 16, 4], so that a vector holds four inputs of each of sixteen outputs."""
    n, k = q.shape
    if n % CHANNELS or k % GROUP:
        raise ValueError(f"shape {q.shape} is not a multiple of ({CHANNELS}, {GROUP})")
    cells = q.reshape(n // CHANNELS, CHANNELS, k // GROUP, GROUP).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(cells)


def unpack(packed: np.ndarray) -> np.ndarray:
    """The inverse of `pack`."""
    panels, groups, channels, group = packed.shape
    return packed.transpose(0, 2, 1, 3).reshape(panels * channels, groups * group)


def write(path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes safetensors whose every tensor starts 64-byte aligned in the file.

    Tensors whose size is no multiple of 64 come last, widest first: safetensors allows no gaps, so those after the
    first of them start aligned to their element only, as `check` allows for everything but int8.
    """
    names = sorted(tensors, key=lambda name: (tensors[name].nbytes % ALIGNMENT != 0) * (1 + 1 / tensors[name].nbytes))
    header: dict = {"__metadata__": metadata}
    start = 0
    for name in names:
        tensor = tensors[name]
        header[name] = {"dtype": _NAMES[str(tensor.dtype)], "shape": list(tensor.shape),
                        "data_offsets": [start, start + tensor.nbytes]}
        start += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            file.write(np.ascontiguousarray(tensors[name]).tobytes())
    check(path)


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str], dict[str, int]]:
    """Tensors, metadata, and the file offset of each tensor."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    kinds = {name: np.dtype(kind) for kind, name in _NAMES.items()}
    tensors, offsets = {}, {}
    for name, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[first:last], kinds[entry["dtype"]]).reshape(entry["shape"])
        offsets[name] = first
    return tensors, metadata, offsets


def check(path: Path) -> None:
    """Fails unless every int8 tensor is aligned to a cache line and every other to its element."""
    tensors, _, offsets = read(path)
    for name, offset in offsets.items():
        wanted = ALIGNMENT if tensors[name].dtype == np.int8 else tensors[name].itemsize
        if offset % wanted:
            raise ValueError(f"{path}: tensor {name} starts at {offset}, expected a multiple of {wanted}")
