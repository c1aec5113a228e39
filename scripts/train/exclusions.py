"""Benchmark texts that no split may hold, and prompts too close to them."""

import gzip
from pathlib import Path

from .normalize import SHORTEST_KEYED, key, ngram_keys, squeezed


class Exclusions:
    """Keys of benchmark test cases, and of every seven-word run of benchmark prompts."""

    def __init__(self, folder: Path):
        self._keys = set((folder / "exclusions.txt").read_text().split())
        self._ngrams = set(gzip.decompress((folder / "exclusion_ngrams.txt.gz").read_bytes()).decode().split())

    def holds(self, text: str) -> bool:
        """Whether the text itself is a benchmark case."""
        return len(squeezed(text)) >= SHORTEST_KEYED and key(text) in self._keys

    def resembles(self, text: str) -> bool:
        """Whether the text shares a seven-word run with a benchmark prompt."""
        return not self._ngrams.isdisjoint(ngram_keys(text))
