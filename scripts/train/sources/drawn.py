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


def filled(draw: random.Random, frames: tuple[str, ...], words: tuple[str, ...], as_written: float = 0.75) -> str:
    """A frame with a word in its slot; not `as_written` in small letters, without the mark at its end."""
    text = draw.choice(frames).format(draw.choice(words))
    return text if draw.random() < as_written else text.lower().rstrip(".?")
