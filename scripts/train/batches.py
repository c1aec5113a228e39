"""Which rows a run visits, and how they become padded batches."""

import hashlib
import json
import math
import os
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from . import augment, frames
from .heads import HEADS
from .normalize import normalize

CLS, SEP, PAD = 101, 102, 0
#: Kinds of innocent rows that an attack can be hidden in, and how long they are at least, in characters.
CARRIERS = ("document", "dialogue", "medical", "security", "code", "headline", "skill")
SHORTEST_CARRIER = 200
#: Kinds in which a row may follow another.
SAID = ("comment", "post")
#: Kinds whose judgement does not hang on which group a row names.
SWAPPED = (*SAID, "template")
#: Kinds of innocent questions that the dresses of harmful ones are put on.
ASKED = ("instruction", "trigger")
#: Settings that say which rows and tokens a run sees.
DATA_SETTINGS = ("seed", "token_budget", "chunk_rows", "max_tokens", "long_tokens", "long_share", "augment", "hide", "bury", "join",
                 "frame", "swap", "twins", "own", "label_smoothing")
#: Among a row's labels: teachers are not asked about it.
OWN = "own"
#: The longest text, in characters, that is seen beside its twin: both fit a training window.
LONGEST_TWIN = 500


@dataclass
class Batch:
    """Padded ids and mask [rows, tokens], targets, known flags and teachers' chances [rows, heads], twins [pairs, 2], own [rows].

    Twins are two rows of one text that name different groups. A row of its own learns from its known labels alone, whatever
    teachers say.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    targets: torch.Tensor
    known: torch.Tensor
    twins: torch.Tensor
    own: torch.Tensor
    taught: torch.Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(*(value if value is None else value.to(device, non_blocking=True)
                       for value in (getattr(self, field.name) for field in fields(self))))


def load_tokenizer(folder: Path) -> Tokenizer:
    """The trunk's tokenizer without truncation or padding."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def plan(records: list[dict], config: dict) -> list[int]:
    """Row indices to visit: as many plans of one pass as the configuration says, each drawn anew; of the last one perhaps a part."""
    settings = config["train"]
    order = []
    for number in range(math.ceil(settings["passes"])):
        drawn = plan_pass(records, config["visits"], config["boost"], settings["seed"] + number)
        order += drawn[: round(len(drawn) * (settings["passes"] - number))]
    return order


def plan_pass(records: list[dict], visits: dict, boost: dict[str, float], seed: int) -> list[int]:
    """Row indices of one pass, shuffled.

    `visits` gives for a source, or a part of it (`source/part`), its passes, or a number of rows when above 50, or both for
    its positives and negatives apart. `boost` gives further passes over every positive of a head. Within a pass no row repeats.
    """
    draw = random.Random(seed)
    pools: dict[tuple[str, bool], list[int]] = defaultdict(list)
    boosted: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        positive = any(value >= 0.5 for value in record["labels"].values())
        name = f"{record['source']}/{record.get('part')}"
        if name not in visits:
            name = record["source"]
        pools[name, positive if isinstance(visits.get(name), dict) else False].append(index)
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

    for (name, positive), members in sorted(pools.items()):
        wanted = visits.get(name, visits["default"])
        draw_from(members, wanted["positive" if positive else "negative"] if isinstance(wanted, dict) else wanted)
    for head, members in sorted(boosted.items()):
        draw_from(members, boost[head])
    draw.shuffle(order)
    return order


def crop(ids: list[int], length: int, labels: dict, draw: random.Random) -> list[int]:
    """A window of at most `length` tokens, special tokens included.

    A positive keeps its head or tail, where its reason most likely is; other rows start anywhere.
    """
    return [CLS, *part(ids[1:-1], length - 2, labels, draw), SEP]


def part(body: list, room: int, labels: dict, draw: random.Random) -> list:
    """At most `room` neighbours of `body`: the head or tail of a positive, any of another row."""
    if len(body) <= room:
        return body
    if any(value >= 0.5 for value in labels.values()):
        start = 0 if draw.random() < 0.75 else len(body) - room
    else:
        start = draw.randint(0, len(body) - room)
    return body[start : start + room]


def collate(rows: list[tuple[list[int], dict]], smoothing: float = 0.0, twins: Sequence[tuple[int, int]] = ()) -> Batch:
    """Pads rows of (ids, labels) into one batch, to a multiple of eight tokens."""
    width = -(-max(len(ids) for ids, _ in rows) // 8) * 8
    ids = np.full((len(rows), width), PAD, np.int64)
    for number, (tokens, _) in enumerate(rows):
        ids[number, : len(tokens)] = tokens
    labels = np.array([[labels.get(head, np.nan) for head in HEADS] for _, labels in rows], np.float32)
    known = ~np.isnan(labels)
    targets = np.where(known, labels * (1 - 2 * smoothing) + smoothing, 0).astype(np.float32)
    lengths = np.array([len(ids) for ids, _ in rows])
    mask = np.arange(width) < lengths[:, None]
    pairs = np.array(twins, np.int64).reshape(-1, 2)
    own = np.array([OWN in labels for _, labels in rows])
    return Batch(*(torch.from_numpy(part) for part in (ids, mask, targets, known.astype(np.float32), pairs, own)))


def bucketed(units: list[list[tuple[list[int], dict]]], budget: int, smoothing: float, draw: random.Random) -> list[Batch]:
    """Batches of rows of like length, each within a budget of padded tokens, in random order.

    A unit is one row, or two that are twins; it is never parted.
    """
    def longest(unit: list[tuple[list[int], dict]]) -> int:
        return max(len(ids) for ids, _ in unit)

    batches, current = [], []
    for unit in sorted(units, key=longest):
        if current and sum(map(len, (*current, unit))) * longest(unit) > budget:
            batches.append(current)
            current = []
        current.append(unit)
    batches.append(current)
    draw.shuffle(batches)
    return [_batch(units, smoothing) for units in batches]


def _batch(units: list[list[tuple[list[int], dict]]], smoothing: float) -> Batch:
    rows, twins = [], []
    for unit in units:
        if len(unit) == 2:
            twins.append((len(rows), len(rows) + 1))
        rows += unit
    return collate(rows, smoothing, twins)


class Stream:
    """Batches of a run in a reproducible order; chunk `n` depends on the settings, the seed and `n` only."""

    def __init__(self, records: list[dict], order: list[int], tokenizer: Tokenizer | None, settings: dict,
                 taught: Path | None = None, made: Path | None = None):
        self.records, self.order, self.tokenizer = records, order, tokenizer
        self.settings, self.seed, self.taught, self.made = settings, settings["seed"], taught, made
        self.chunk_rows = settings["chunk_rows"]
        #: Innocent documents, to hide attacks in.
        self.carriers = [record["text"] for record in records if record["kind"] in CARRIERS
                         and len(record["text"]) > SHORTEST_CARRIER and not any(record["labels"].values())]
        #: What to append to a jailbreak, to a role-play, to a comment.
        self.harmful = self._pool(lambda record: record["labels"].get("harmful_request", 0) >= 0.5
                                  and not record["labels"].get("jailbreak"))
        self.asked = self._pool(lambda record: record["kind"] == "instruction" and _is_innocent(record["labels"]))
        self.said = self._pool(lambda record: record["kind"] in SAID and not any(record["labels"].values()))
        if taught:
            self._same_order(taught)
        if made:
            made.mkdir(parents=True, exist_ok=True)
            if (made / "order").exists():
                self._same_order(made)
            else:
                (made / "order").write_text(self.digest())

    def _same_order(self, folder: Path) -> None:
        noted = (folder / "order").read_text()
        if noted != self.digest():
            raise SystemExit(f"{folder} was made for an order {noted}, this run has {self.digest()}")

    def _pool(self, wanted) -> list[dict]:
        return [record for record in self.records if len(record["text"]) <= augment.LONGEST_JOINED and wanted(record)]

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-len(self.order) // self.chunk_rows)

    def digest(self) -> str:
        """Tells runs whose batches differ apart."""
        kept = {name: self.settings[name] for name in DATA_SETTINGS}
        return hashlib.sha256(json.dumps([kept, self.order]).encode()).hexdigest()

    def texts(self, number: int) -> tuple[list[list[tuple[str, dict]]], random.Random]:
        """The texts and labels of one chunk, with fresh augmentation, and the generator to go on with.

        Each visit gives one text, or two that are twins.
        """
        draw = random.Random(f"{self.seed}:{number}")
        picked = self.order[number * self.chunk_rows : (number + 1) * self.chunk_rows]
        return [self._made(self.records[index], draw) for index in picked], draw

    def chunk(self, number: int) -> list[Batch]:
        """The batches of one chunk, with what teachers say of them."""
        batches = self._kept(number) if self.made else self._batches(number)
        if self.taught:
            chances = np.load(self.taught / f"{number}.npy").astype(np.float32)
            start = 0
            for batch in batches:
                said = torch.from_numpy(chances[start : start + len(batch.ids)])
                batch.taught = torch.where(batch.own[:, None] & (batch.known > 0), batch.targets, said)
                start += len(batch.ids)
        return batches

    def _kept(self, number: int) -> list[Batch]:
        """The batches of one chunk out of the folder where runs with the same batches keep them."""
        path = self.made / f"{number}.pt"
        if path.exists():
            return [Batch(*parts) for parts in torch.load(path, weights_only=True)]
        batches = self._batches(number)
        part = path.with_suffix(f".{os.getpid()}")
        torch.save([(batch.ids, batch.mask, batch.targets, batch.known, batch.twins, batch.own) for batch in batches], part)
        os.replace(part, path)
        return batches

    def _batches(self, number: int) -> list[Batch]:
        """The batches of one chunk, with fresh augmentation and crops."""
        made, draw = self.texts(number)
        encoded = iter(self.tokenizer.encode_batch([text for unit in made for text, _ in unit]))
        units = []
        for unit in made:
            length = self.settings["long_tokens"] if draw.random() < self.settings["long_share"] \
                else self.settings["max_tokens"]
            units.append([(crop(next(encoded).ids, length, labels, draw), labels) for _, labels in unit])
        return bucketed(units, self.settings["token_budget"], self.settings["label_smoothing"], draw)

    def ahead(self, first: int, loaders: int) -> Iterator[list[Batch]]:
        """Chunks from `first` on; with `loaders`, that many processes make them ahead of time.

        Processes are forked at the first chunk: before that nothing may have touched a GPU.
        """
        numbers = range(first, self.chunks)
        if not loaders:
            yield from map(self.chunk, numbers)
            return
        global _SHARED
        _SHARED = self
        with get_context("fork").Pool(loaders, _start_loader) as pool:
            for chunk in pool.imap(_load, numbers):
                yield [Batch(*(part if part is None else torch.from_numpy(part) for part in batch)) for batch in chunk]

    def _made(self, record: dict, draw: random.Random) -> list[tuple[str, dict]]:
        """The row's text and labels, at times joined with another row, hidden in a document, disguised, or with its twin."""
        own = {OWN: 0.0} if record["source"] in self.settings["own"] else {}
        text, labels = normalize(record["text"]), record["labels"] | own
        injection = record["kind"] == "attack" and labels.get("prompt_injection", 0) >= 0.5
        if injection and len(text) <= augment.LONGEST_HIDDEN and draw.random() < self.settings["hide"]:
            return [(augment.hide(text, normalize(draw.choice(self.carriers)), draw), labels)]
        if self.settings["bury"] and _is_short_abuse(record) and draw.random() < self.settings["bury"]:
            return [(augment.bury(text, normalize(draw.choice(self.carriers)), draw), labels | {OWN: 0.0})]
        if record["kind"] in SWAPPED and draw.random() < self.settings["swap"]:
            twin = text
            text = augment.swap(text, draw)
            if text != twin and len(text) <= LONGEST_TWIN and self.settings["twins"]:
                return [(text, labels), (twin, labels)]
        if draw.random() < self.settings["join"]:
            joined = self._joined(record, draw)
            if joined:
                return [(augment.join(text, normalize(joined["text"]), draw), joined["labels"] | own)]
        if draw.random() < self.settings["frame"]:
            framed = _framed(record, text, draw)
            if framed:
                return [framed]
        return [(augment.disguise(text, record, self.settings["augment"], draw), labels)]

    def _joined(self, record: dict, draw: random.Random) -> dict | None:
        """A row that may follow this one, with the labels of both together."""
        labels = record["labels"]
        if record["kind"] == "attack" and labels.get("jailbreak", 0) >= 0.5 and "harmful_request" not in labels:
            other = draw.choice(self.harmful)
        elif record["kind"] == "roleplay":
            other = draw.choice(self.asked)
        elif record["kind"] in SAID and len(record["text"]) <= augment.LONGEST_JOINED:
            other = draw.choice(self.said)
        else:
            return None
        known = labels.keys() & other["labels"].keys()
        return {"text": other["text"],
                "labels": {head: max(labels.get(head, 0.0), other["labels"].get(head, 0.0)) for head in HEADS
                           if head in known or labels.get(head, 0) >= 0.5 or other["labels"].get(head, 0) >= 0.5}}


def _is_short_abuse(record: dict) -> bool:
    return record["kind"] in SAID and record["labels"].get("toxicity", 0) >= 0.5 and len(record["text"]) <= augment.LONGEST_BURIED


def _is_innocent(labels: dict) -> bool:
    """Whether every head is known to be nothing."""
    return len(labels) == len(HEADS) and not any(labels.values())


def _framed(record: dict, text: str, draw: random.Random) -> tuple[str, dict] | None:
    """A question in a dress: if it is harmful, a jailbreak. What teachers say of it does not count."""
    labels = record["labels"]
    harmful = labels.get("harmful_request", 0) >= 0.5 and labels.get("jailbreak", 0) < 0.5
    innocent = record["kind"] in ASKED and _is_innocent(labels)
    if len(text) > frames.LONGEST_FRAMED or not (harmful or innocent):
        return None
    dressed = labels | ({"jailbreak": 1.0} if harmful else {}) | {OWN: 0.0}
    return frames.frame(text, harmful, draw), dressed


_SHARED: Stream | None = None


def _start_loader() -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)


def _load(number: int) -> list[tuple]:
    return [tuple(part if part is None else part.numpy() for part in
                  (batch.ids, batch.mask, batch.targets, batch.known, batch.twins, batch.own, batch.taught))
            for batch in _SHARED.chunk(number)]
