"""The hashed features against a plain reading of their rules, and the rounded model."""

import random

import numpy as np
import pytest

from train import hashed, layout

_MASK = (1 << 64) - 1


def _hash(text: bytes) -> int:
    return sum(byte * pow(hashed.PRIME, place, 1 << 64) for place, byte in enumerate(text)) & _MASK


def _key(number: int, kind: int) -> int:
    number ^= kind * hashed.KIND & _MASK
    number ^= number >> 32
    return (number * hashed.MIX & _MASK) >> 32


def _plain(words: list[bytes]) -> list[int]:
    found = {_key(_hash(word), hashed.WORD) for word in words}
    found |= {_key((_hash(left) * hashed.PAIR + _hash(right)) & _MASK, hashed.NEIGHBOURS)
              for left, right in zip(words, words[1:])}
    for word in words:
        spaced = b" " + word + b" "
        found |= {_key(_hash(spaced[at : at + length]), length) for length in hashed.PIECES
                  for at in range(len(spaced) - length + 1)}
    return sorted(found)


def test_words_are_small_apart_and_cut():
    assert hashed.words("Hello, W\u00f6rld!") == [b"hello", b",", b"world", b"!"]
    assert hashed.words("\u4e2d\u6587 \x01") == ["\u4e2d".encode(), "\u6587".encode()]
    assert [len(word) for word in hashed.words("a" * 65)] == [32, 32, 1]
    assert hashed.words(" \t") == []


def test_features_follow_the_rules():
    draw = random.Random(3)
    texts = ["I'll kill you", "", "a", "na\u00efve fa\u00e7ade \u4f60\u597d \U0001f600", "x" * 100,
             *("".join(draw.choices("ab c.d\u00e9", k=40)) for _ in range(50))]
    batch = [hashed.words(text) for text in texts]
    keys, starts = hashed.keys(batch)
    for number, window in enumerate(batch):
        assert keys[starts[number] : starts[number + 1]].tolist() == _plain(window)
    assert hashed.keys([[], []])[1].tolist() == [0, 0, 0]
    buckets, starts = hashed.keys(batch, 9)
    for number, window in enumerate(batch):
        assert buckets[starts[number] : starts[number + 1]].tolist() == sorted({key >> 23 for key in _plain(window)})


@pytest.mark.parametrize("count, expected", [(0, [(0, 0)]), (8, [(0, 8)]), (9, [(0, 8), (1, 9)]), (14, [(0, 8), (6, 14)]),
                                             (15, [(0, 8), (6, 14), (7, 15)])])
def test_windows_are_full_and_overlap(count, expected):
    assert list(hashed.windows(count, 8, 2)) == expected


def test_scores_are_the_largest_window_and_files_are_read_back(tmp_path):
    random_numbers = np.random.default_rng(1)
    model = hashed.Hashed.rounded(random_numbers.normal(size=(256, 10)), random_numbers.normal(size=10), 8, 2)
    assert np.abs(model.table).max() == 127
    text = "one two three four five six seven eight nine ten eleven"
    split = text.split()
    windows = [" ".join(split[first:last]) for first, last in hashed.windows(len(split), 8, 2)]
    whole = model.score([text, "", *windows])
    assert (whole[0] == whole[2:].max(0)).all()
    assert (whole[1] == model.bias).all()
    model.write(tmp_path / "weights.safetensors", "test")
    tensors, metadata, _ = layout.read(tmp_path / "weights.safetensors")
    assert (tensors["hashed.table"] == model.table).all() and metadata["format"] == "portcullis-hashed"
