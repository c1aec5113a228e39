"""Features of the hashed model: words, pairs of words and pieces of words, as bucket numbers.

The runtime has the same rules in `src/hashed/`, and `tests/data/hashed.jsonl.gz` holds both to them. All sums are modulo 2^64:

- A text is normalized, then BERT's normalizer and pre-tokenizer make words of it (lower case, no accents, each punctuation
  mark a word); one of more than 32 bytes is cut into several. The hash of bytes b is sum(b[k] * PRIME^k).
- A window of words has these features: each word (kind 1); each pair of neighbours, hash(first) * PAIR + hash(second)
  (kind 2); each run of 3, 4 and 5 bytes of " word ", a space on either side (kinds 3, 4, 5).
- The key of a feature: x = hash ^ (kind * KIND); x ^= x >> 32; the upper 32 bits of x * MIX. Its bucket is the upper bits of that.
- A bucket counts once a window, however many features fall into it.

A head's logit in a window is sum * scale / sqrt(count) + bias: the integer sum of its weights over the window's buckets, their
number, and three f32 operations. A text's logit is the largest over its windows.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from . import layout
from .normalize import normalize

PRIME = 0x9E3779B97F4A7C15
PAIR = 0xC2B2AE3D27D4EB4F
KIND = 0xD6E8FEB86659FD93
MIX = 0xFF51AFD7ED558CCD
WORD, NEIGHBOURS = 1, 2
PIECES = (3, 4, 5)
#: Bytes of a word; what is left of a longer one is the next word.
LONGEST = 32

_MASK = (1 << 64) - 1
_INVERSE = pow(PRIME, -1, 1 << 64)
_SPACE = 0x20
#: Windows scored together.
_AT_ONCE = 1024
_BERT = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True)
_SPLIT = BertPreTokenizer()
#: The same in ASCII: controls vanish, white space ends words, punctuation stands alone.
_CONTROLS = {point: None for point in (*range(32), 127) if chr(point) not in "\t\n\r"}
_ASCII = re.compile(r"[!-/:-@\[-`{-~]|[^\s!-/:-@\[-`{-~]+")


def words(text: str) -> list[bytes]:
    """The words of a text, as UTF-8."""
    text = normalize(text)
    if text.isascii():
        found = _ASCII.findall(text.translate(_CONTROLS).lower())
    else:
        found = [word for word, _ in _SPLIT.pre_tokenize_str(_BERT.normalize_str(text))]
    return [part for word in map(str.encode, found) for part in
            ((word,) if len(word) <= LONGEST else (word[at : at + LONGEST] for at in range(0, len(word), LONGEST)))]


def windows(count: int, capacity: int, overlap: int) -> Iterator[tuple[int, int]]:
    """First and last place of each window over `count` words; one empty window where there is no word."""
    step = capacity - overlap
    for number in range(1 + -(-max(0, count - capacity) // step)):
        start = min(number * step, max(0, count - capacity))
        yield start, min(count, start + capacity)


def _powers(base: int, count: int) -> np.ndarray:
    powers = np.full(count, np.uint64(base), np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


def _keys(hashes: np.ndarray, kind: int) -> np.ndarray:
    mixed = hashes ^ np.uint64(kind * KIND & _MASK)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(MIX)
    return mixed >> np.uint64(32)


def keys(batch: Iterable[list[bytes]], bits: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """The features of each window of a batch: keys, shortened to their upper `bits`, and where each window's begin.

    Keys are uint32 [features], ascending within a window; starts are int64 [windows + 1].
    """
    parts = [b" " + b" ".join(window) + b" " for window in batch]
    text = np.frombuffer(b"".join(parts), np.uint8)
    owner = np.repeat(np.arange(len(parts), dtype=np.uint64), [len(part) for part in parts])
    wide = text.astype(np.uint64)
    spaces = text == _SPACE
    found: list[np.ndarray] = []

    def add(places: np.ndarray, hashes: np.ndarray, kind: int) -> None:
        found.append((owner[places] << np.uint64(32)) | _keys(hashes, kind))

    # A word begins behind a space and ends before one.
    first = np.flatnonzero(spaces[:-1] & ~spaces[1:]) + 1
    last = np.flatnonzero(~spaces[:-1] & spaces[1:]) + 1
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(wide * _powers(PRIME, len(wide)), dtype=np.uint64)])
    whole = (sums[last] - sums[first]) * _powers(_INVERSE, len(wide))[first]
    add(first, whole, WORD)
    beside = owner[first[:-1]] == owner[first[1:]]
    add(first[:-1][beside], (whole[:-1] * np.uint64(PAIR) + whole[1:])[beside], NEIGHBOURS)
    seen = np.concatenate([[0], np.cumsum(spaces)])
    rolling = wide
    for length in range(2, max(PIECES) + 1):
        count = len(wide) - length + 1
        if count <= 0:
            break
        rolling = rolling[:count] + wide[length - 1 :] * np.uint64(pow(PRIME, length - 1, 1 << 64))
        if length in PIECES:
            inner = seen[length - 1 : length - 1 + count] == seen[1 : 1 + count]
            places = np.flatnonzero(inner)
            add(places, rolling[places], length)
    joined = np.concatenate(found)
    joined >>= np.uint64(32 - bits)
    joined.sort()
    fresh = np.ones(len(joined), bool)
    fresh[1:] = joined[1:] != joined[:-1]
    joined = joined[fresh]
    starts = np.searchsorted(joined, np.arange(len(parts) + 1, dtype=np.uint64) << np.uint64(bits))
    return (joined & np.uint64((1 << bits) - 1)).astype(np.uint32), starts.astype(np.int64)


@dataclass
class Hashed:
    """Weights of the shipped model: int8 [buckets, heads], f32 [heads], and how long texts are cut."""

    table: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    window: int
    overlap: int

    @classmethod
    def rounded(cls, table: np.ndarray, bias: np.ndarray, window: int, overlap: int) -> "Hashed":
        """The nearest int8 weights to f32 ones, one scale a head."""
        scale = (np.abs(table).max(0) / 127).astype(np.float32)
        codes = np.clip(np.rint(table / np.maximum(scale, 1e-12)), -127, 127).astype(np.int8)
        return cls(codes, scale, bias.astype(np.float32), window, overlap)

    def write(self, path: Path, model_id: str) -> None:
        """The runtime's file."""
        layout.write(path, {"hashed.table": self.table, "hashed.scale": self.scale, "hashed.bias": self.bias},
                     {"format": "portcullis-hashed", "version": "1", "features": "words-pairs-pieces", "model_id": model_id})

    def score(self, texts: list[str]) -> np.ndarray:
        """Logits [texts, heads], bit for bit those of the runtime."""
        return self.logits(texts, self.table)

    def logits(self, texts: list[str], table: np.ndarray) -> np.ndarray:
        """The same with other weights of the same scale."""
        found = np.full((len(texts), len(self.bias)), -np.inf, np.float32)
        batch: list[list[bytes]] = []
        owners: list[int] = []
        for number, text in enumerate(texts):
            split = words(text)
            for first, last in windows(len(split), self.window, self.overlap):
                batch.append(split[first:last])
                owners.append(number)
            if len(batch) >= _AT_ONCE or number + 1 == len(texts):
                np.maximum.at(found, owners, self._window_logits(batch, table))
                batch, owners = [], []
        return found

    def _window_logits(self, batch: list[list[bytes]], table: np.ndarray) -> np.ndarray:
        buckets, starts = keys(batch, len(self.table).bit_length() - 1)
        kind = np.int32 if table.dtype == np.int8 else np.float32
        sums = np.zeros((len(batch), len(self.bias)), kind)
        some = np.flatnonzero(np.diff(starts))
        if len(some):
            sums[some] = np.add.reduceat(table[buckets].astype(kind), starts[some], axis=0)
        root = np.sqrt(np.maximum(np.diff(starts), 1).astype(np.float32))
        return sums.astype(np.float32) * self.scale / root[:, None] + self.bias
