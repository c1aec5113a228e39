"""Which rows a run visits, and how they become padded batches."""

import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from . import augment
from .heads import HEADS
from .normalize import normalize

CLS, SEP, PAD = 101, 102, 0
#: Kinds of innocent rows that an attack can be hidden in, and how long they are at least, in characters.
CARRIERS = ("document", "dialogue", "medical", "security", "code", "headline")
SHORTEST_CARRIER = 200


@dataclass
class Batch:
    """Padded ids and mask [rows, tokens], targets and known flags [rows, heads], weights [rows]."""

    ids: torch.Tensor
    mask: torch.Tensor
    targets: torch.Tensor
    known: torch.Tensor


def load_tokenizer(folder: Path) -> Tokenizer:
    """The trunk's tokenizer without truncation or padding."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def plan(records: list[dict], visits: dict, boost: dict[str, float], seed: int) -> list[int]:
    """Row indices to visit, shuffled.

    `visits` gives for a source its passes, or a number of rows when above 50, or both for its positives and
    negatives apart. `boost` gives further passes over every positive of a head. Within a pass no row repeats.
    """
    draw = random.Random(seed)
    pools: dict[tuple[str, bool], list[int]] = defaultdict(list)
    boosted: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        positive = any(value >= 0.5 for value in record["labels"].values())
        wanted = visits.get(record["source"], visits["default"])
        pools[record["source"], positive if isinstance(wanted, dict) else False].append(index)
        for head in boost:
            if record["labels"].get(head, 0) >= 0.5:
                boosted[head].append(index)
    order = []

    def draw_from(members: list[int], wanted: float) -> None:
        count = round(wanted if wanted > 50 else wanted * len(members))
        while count > 0:
            draw.shuffle(members)
            order.extend(members[:count])
            count -= len(members)

    for (source, positive), members in sorted(pools.items()):
        wanted = visits.get(source, visits["default"])
        draw_from(members, wanted["positive" if positive else "negative"] if isinstance(wanted, dict) else wanted)
    for head, members in sorted(boosted.items()):
        draw_from(members, boost[head])
    draw.shuffle(order)
    return order


def crop(ids: list[int], length: int, labels: dict, draw: random.Random) -> list[int]:
    """A window of at most `length` tokens, special tokens included.

    A positive keeps its head or tail, where its reason most likely is; other rows start anywhere.
    """
    body, room = ids[1:-1], length - 2
    if len(body) > room:
        if any(value >= 0.5 for value in labels.values()):
            start = 0 if draw.random() < 0.75 else len(body) - room
        else:
            start = draw.randint(0, len(body) - room)
        body = body[start : start + room]
    return [CLS, *body, SEP]


def collate(rows: list[tuple[list[int], dict]], smoothing: float = 0.0) -> Batch:
    """Pads rows of (ids, labels) into one batch."""
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), PAD)
    mask = torch.zeros((len(rows), width), dtype=torch.bool)
    targets, known = torch.zeros(len(rows), len(HEADS)), torch.zeros(len(rows), len(HEADS))
    for number, (tokens, labels) in enumerate(rows):
        ids[number, : len(tokens)] = torch.tensor(tokens)
        mask[number, : len(tokens)] = True
        for column, head in enumerate(HEADS):
            if head in labels:
                targets[number, column] = labels[head] * (1 - 2 * smoothing) + smoothing
                known[number, column] = 1.0
    return Batch(ids, mask, targets, known)


def bucketed(rows: list[tuple[list[int], dict]], budget: int, smoothing: float, draw: random.Random) -> list[Batch]:
    """Batches of rows of like length, each within a budget of padded tokens, in random order."""
    rows = sorted(rows, key=lambda row: len(row[0]))
    batches, current = [], []
    for row in rows:
        if current and (len(current) + 1) * len(row[0]) > budget:
            batches.append(current)
            current = []
        current.append(row)
    batches.append(current)
    draw.shuffle(batches)
    return [collate(batch, smoothing) for batch in batches]


class Stream:
    """Batches of a run in a reproducible order; chunk `n` depends on the seed and `n` only."""

    def __init__(self, records: list[dict], order: list[int], tokenizer: Tokenizer, settings: dict, seed: int):
        self.records, self.order, self.tokenizer = records, order, tokenizer
        self.settings, self.seed = settings, seed
        self.chunk_rows = settings["chunk_rows"]
        #: Innocent documents, to hide attacks in.
        self.carriers = [record["text"] for record in records if record["kind"] in CARRIERS
                         and len(record["text"]) > SHORTEST_CARRIER and not any(record["labels"].values())]

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-len(self.order) // self.chunk_rows)

    def chunk(self, number: int) -> list[Batch]:
        """The batches of one chunk, with fresh augmentation and crops."""
        draw = random.Random(f"{self.seed}:{number}")
        picked = self.order[number * self.chunk_rows : (number + 1) * self.chunk_rows]
        records = [self.records[index] for index in picked]
        texts = [self._text(record, draw) for record in records]
        encoded = self.tokenizer.encode_batch(texts)
        rows = []
        for record, encoding in zip(records, encoded, strict=True):
            length = self.settings["long_tokens"] if draw.random() < self.settings["long_share"] \
                else self.settings["max_tokens"]
            rows.append((crop(encoding.ids, length, record["labels"], draw), record["labels"]))
        return bucketed(rows, self.settings["token_budget"], self.settings["label_smoothing"], draw)

    def _text(self, record: dict, draw: random.Random) -> str:
        """The row's text, disguised or, if it is an injection, hidden in a document at times."""
        text = normalize(record["text"])
        injection = record["kind"] == "attack" and record["labels"].get("prompt_injection", 0) >= 0.5
        if injection and len(text) <= augment.LONGEST_HIDDEN and draw.random() < self.settings["hide"]:
            return augment.hide(text, normalize(draw.choice(self.carriers)), draw)
        return augment.disguise(text, record, self.settings["augment"], draw)
