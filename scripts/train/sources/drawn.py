"""Texts that are put together from lists at random."""

import random
from collections.abc import Callable


def drawn(draw: random.Random, makers: dict[str, Callable[[random.Random], str]], counts: dict[str, int]
          ) -> list[tuple[str, str]]:
    """Texts and their parts in a shuffled order: of each part as many draws as it counts, equal texts once."""
    found = {}
    for part, make in makers.items():
        for _number in range(counts[part]):
            found[make(draw)] = part
    texts = list(found)
    draw.shuffle(texts)
    return [(text, found[text]) for text in texts]
