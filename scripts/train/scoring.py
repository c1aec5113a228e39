"""Scores of many texts by the f32 model."""

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer

from .batches import CLS, SEP, collate
from .model import Guard
from .normalize import normalize


def encode(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Token ids of each text, cut to `max_tokens` with the special tokens kept."""
    encoded = tokenizer.encode_batch([normalize(text) for text in texts])
    return [[CLS, *encoding.ids[1:-1][: max_tokens - 2], SEP] for encoding in encoded]


@torch.inference_mode()
def score(guard: Guard, encoded: list[list[int]], device: torch.device, budget: int = 8192
          ) -> tuple[np.ndarray, np.ndarray]:
    """Logits [rows, heads] and pooled outputs [rows, hidden], in the order given."""
    guard.eval()
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index]))
    logits, pooled, current = {}, {}, []

    def flush() -> None:
        batch = collate([(encoded[index], {}) for index in current])
        out, mean = guard(batch.ids.to(device), batch.mask.to(device))
        for row, index in enumerate(current):
            logits[index], pooled[index] = out[row].cpu().numpy(), mean[row].cpu().numpy()
        current.clear()

    for index in order:
        if current and (len(current) + 1) * len(encoded[index]) > budget:
            flush()
        current.append(index)
    if current:
        flush()
    rows = range(len(encoded))
    return np.stack([logits[index] for index in rows]), np.stack([pooled[index] for index in rows])
