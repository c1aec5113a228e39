"""Innocent traffic: chat, role-play, code, security, medicine, fiction, documents, headlines, dialogue."""

import re
from collections.abc import Iterator
from pathlib import Path

from .. import files
from ..heads import clean
from ..rows import Row

#: First row of each book in the published file's order.
_BOOKS = ((0, "dracula"), (780, "treasure_island"), (1246, "frankenstein"), (1626, "holmes"),
          (2104, "war_of_the_worlds"), (2671, "shakespeare"))
_FIRST_SPEECH = 3100
_FIRST_NEWS = 4880


def _records(folder: Path, *kinds: str, lang: tuple[str, ...] = ("en",)) -> Iterator[tuple[int, dict]]:
    for number, record in enumerate(files.records(folder, "data.jsonl")):
        if record["lang"] in lang and (not kinds or record["kind"] in kinds):
            yield number, record


def plain(folder: Path, *kinds: str) -> Iterator[Row]:
    """Rows of a benign set, all kinds or those named."""
    for _, record in _records(folder, *kinds):
        yield Row(record["text"], clean(), record["kind"])


def fiction(folder: Path, *books: str) -> Iterator[Row]:
    """Paragraphs of the named books."""
    for number, record in _records(folder):
        book = [name for first, name in _BOOKS if number >= first][-1]
        if book in books:
            yield Row(record["text"], clean(), "fiction", part=book)


def documents(folder: Path, part: str) -> Iterator[Row]:
    """Encyclopedia paragraphs or speeches."""
    for number, record in _records(folder):
        if (number >= _FIRST_SPEECH) == (part == "speeches"):
            yield Row(record["text"], clean(), "document", part=part)


def headlines(folder: Path, part: str) -> Iterator[Row]:
    """Clickbait or news headlines."""
    for number, record in _records(folder):
        if (number >= _FIRST_NEWS) == (part == "news"):
            yield Row(record["text"], clean(), "headline", part=part)


def medical(folder: Path, part: str) -> Iterator[Row]:
    """Questions on diseases; one topic is whole in one part, chosen by its first letter."""
    for _, record in _records(folder):
        topic = re.sub(r"^(what|how|who|is|are|do|does|can|the|of|to|for|a|an)\b", "", record["text"].lower())
        names = re.findall(r"[a-z][a-z'-]{4,}", record["text"].split("?")[0].lower())
        letter = names[-1][0] if names else topic.strip()[:1]
        where = "validation" if letter in "aegimo" else "calibration" if letter in "bdhlr" else "train"
        if where == part:
            yield Row(record["text"], clean(), "medical", group=names[-1] if names else None)


def banking(folder: Path) -> Iterator[Row]:
    """Messages of bank customers."""
    for name in ("train.csv", "test.csv"):
        for record in files.table(folder, name):
            yield Row(record["text"], clean(), "dialogue")


def clinc(folder: Path) -> Iterator[Row]:
    """Short requests to an assistant."""
    for name, pairs in files.document(folder, "data_full.json").items():
        if name != "oos_test":
            for text, _ in pairs:
                yield Row(text, clean(), "instruction")


def gsm8k(folder: Path) -> Iterator[Row]:
    """Word problems of school mathematics."""
    for record in files.records(folder, "test.jsonl"):
        yield Row(record["question"], clean(), "instruction")


LOADERS = {
    "plain": plain,
    "fiction": fiction,
    "documents": documents,
    "headlines": headlines,
    "medical": medical,
    "banking": banking,
    "clinc": clinc,
    "gsm8k": gsm8k,
}
