"""Whether the frozen trunk can carry a head that finds names and addresses: span F1 by layer, and alarms on other texts.

    python -m train.ner_probe --data DATA --bundle ../models/portcullis-base

A classifier of tokens is fitted on the states after each layer, with the shape of the word (capitals, digits) beside them,
since the vocabulary has no capitals. Texts are made from the templates of presidio-research, filled with its names, streets and
places: no template, no given name, surname, street or place is in both parts. Beside it stands a baseline that needs no model:
lists of the training part's names and places, or of both parts' (which no list of the world's names is), and a pattern for addresses. Nothing is shipped by this.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import random
import re
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from . import files, layout
from .quantize import dequantized

#: What is looked for; 0 is anything else.
KINDS = ("PERSON", "PLACE", "ADDRESS")
PLACEHOLDERS = {
    "PERSON": "PERSON", "GPE": "PLACE", "STREET_ADDRESS": "ADDRESS",
    "person": "PERSON", "name": "PERSON", "first_name": "PERSON", "last_name": "PERSON", "first_name_nonbinary": "PERSON",
    "country": "PLACE", "city": "PLACE", "location": "PLACE", "address": "ADDRESS",
}
MOST_TOKENS = 126
TEST_SHARE = 0.3
WORD = re.compile(r"\w+", re.UNICODE)
#: A number and capitalized words before a word for a street, or a box; and a rest with a postal code.
ADDRESS = re.compile(
    r"(?:P\.?O\.? Box \d+|\b\d{1,5}[a-z]? (?:[A-Z][\w'.-]+ ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|"
    r"Boulevard|Blvd|Square|Terrace)\b\.?|\b(?:[A-Z][\w'.-]+ ){1,2}\d{1,4}\b)(?:[, \n]+(?:Apt\.? \d+|[A-Z][\w'.-]+|[A-Z]{2}|\d{4,6})){0,6}"
)

Row = tuple[str, list[tuple[int, int, int]]]


def is_test(text: str) -> bool:
    """Which part a name or a template is in, by its digest."""
    return hashlib.sha256(text.lower().encode()).digest()[0] < TEST_SHARE * 256


class Fillers:
    """What stands in for placeholders in one part."""

    def __init__(self, data: Path, test: bool, seed: int):
        self.draw = random.Random(seed + test)
        raw = files.raw(data, "FakeNameGenerator.com_3000.csv").decode("utf-8-sig")
        people = list(csv.DictReader(io.StringIO(raw)))
        keep = [lambda value: bool(value) and is_test(value) == test][0]
        self.given = sorted({row["GivenName"] for row in people if keep(row["GivenName"])})
        self.surnames = sorted({row["Surname"] for row in people if keep(row["Surname"])})
        self.cities = sorted({row["City"] for row in people if keep(row["City"])})
        self.countries = sorted({row["CountryFull"] for row in people if keep(row["CountryFull"])})
        street = lambda row: re.sub(r"[\d\W]+", " ", row["StreetAddress"]).strip()  # noqa: E731
        self.addresses = [row for row in people if keep(street(row)) and keep(row["City"])]
        self.others: dict[str, list[str]] = {}

    def fill(self, placeholder: str) -> str:
        draw = self.draw
        kind = PLACEHOLDERS.get(placeholder)
        if kind == "PERSON":
            given, surname = draw.choice(self.given), draw.choice(self.surnames)
            if placeholder.startswith("first_name"):
                return given
            if placeholder == "last_name":
                return surname
            return draw.choice([f"{given} {surname}"] * 4 + [given] * 3 + [surname, f"{given} {draw.choice('ABCDEFGHJKLM')}. {surname}"])
        if kind == "PLACE":
            return draw.choice(self.countries if placeholder == "country" or draw.random() < 0.4 else self.cities)
        if kind == "ADDRESS":
            row = draw.choice(self.addresses)
            full = f"{row['StreetAddress']}{draw.choice([', ', chr(10)])}{row['City']}"
            return draw.choice([row["StreetAddress"], full, f"{full} {row['ZipCode']}", f"{full}, {row['CountryFull']}"])
        return draw.choice(self.others.get(placeholder) or [placeholder.replace("_", " ").lower()])


def templates(data: Path) -> list[str]:
    """Every template once, the placeholders apart."""
    masked = [row["masked"] for name in ("synth_dataset_v2.json", "generated_large.json") for row in files.document(data, name)]
    masked = [text for text in masked if text and "{{" in text]
    seen: dict[str, str] = {}
    for text in masked:
        seen.setdefault(re.sub(r"\W+", " ", re.sub(r"\{\{.*?\}\}", "{}", text)).lower(), text)
    return sorted(seen.values())


def others(data: Path, test: bool) -> dict[str, list[str]]:
    """Values of the placeholders that nothing is looked for in."""
    found: dict[str, set[str]] = {}
    for row in files.document(data, "synth_dataset_v2.json"):
        for span in row["spans"]:
            if span["entity_type"] not in PLACEHOLDERS and is_test(span["entity_value"]) == test:
                found.setdefault(span["entity_type"], set()).add(span["entity_value"])
    return {kind: sorted(values) for kind, values in found.items()}


def rows(data: Path, test: bool, each: int, seed: int) -> list[Row]:
    """Every template of the part filled `each` times."""
    fillers = Fillers(data, test, seed)
    fillers.others = others(data, test)
    made = []
    for template in templates(data):
        if is_test(re.sub(r"\{\{.*?\}\}", "{}", template)) != test:
            continue
        for _ in range(each):
            text, spans = "", []
            for number, part in enumerate(re.split(r"\{\{(.*?)\}\}", template)):
                value = fillers.fill(part.strip()) if number % 2 else part
                if number % 2 and part.strip() in PLACEHOLDERS:
                    spans.append((len(text), len(text) + len(value), 1 + KINDS.index(PLACEHOLDERS[part.strip()])))
                text += value
            made.append((text, spans))
    return made


def shape(text: str, start: int, end: int) -> list[float]:
    """What the vocabulary does not tell of the word that a token is part of."""
    while start > 0 and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    word, before = text[start:end], text[:start].rstrip()
    return [word[:1].isupper(), word.isupper() and len(word) > 1, any(c.isdigit() for c in word),
            not before or before[-1] in ".!?\n:\"", text[end : end + 1] == "\n"]


class States:
    """The states of each token of texts after every layer, the embeddings first."""

    def __init__(self, bundle: Path):
        tensors, _, _ = layout.read(bundle / "weights.safetensors")
        self.guard = dequantized(tensors).eval()
        self.tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MOST_TOKENS + 2)

    @torch.no_grad()
    def of(self, texts: list[str]) -> list[tuple[np.ndarray, list[tuple[int, int]]]]:
        """For each text `[tokens, layers + 1, hidden]` in f16 with the shapes behind, and the tokens' places."""
        found = []
        for encoding, text in zip(self.tokenizer.encode_batch(texts), texts, strict=True):
            ids = torch.tensor([encoding.ids])
            mask = torch.ones_like(ids, dtype=torch.bool)
            trunk = self.guard.trunk
            layers = [trunk.embeddings(ids), *trunk(ids, mask)]
            states = torch.stack(layers)[:, 0, 1:-1].transpose(0, 1).numpy().astype(np.float16)
            found.append((states, encoding.offsets[1:-1]))
        return found


def labelled(row: Row, offsets: list[tuple[int, int]]) -> np.ndarray:
    """The kind of each token."""
    kinds = np.zeros(len(offsets), np.int64)
    for start, end, kind in row[1]:
        for number, (first, last) in enumerate(offsets):
            if first < end and start < last:
                kinds[number] = kind
    return kinds


def spans_of(kinds: np.ndarray, offsets: list[tuple[int, int]], text: str) -> list[tuple[int, int, int]]:
    """Runs of tokens of one kind; a token inside a word follows the word's first."""
    spans: list[list[int]] = []
    before = 0
    for kind, (start, end) in zip(kinds, offsets, strict=True):
        if start > 0 and before and text[start - 1].isalnum() and text[start : start + 1].isalnum():
            kind = before
        if kind and spans and before == kind and not text[spans[-1][1] : start].strip(" \n,.-'’"):
            spans[-1][1] = end
        elif kind:
            spans.append([start, end, kind])
        before = kind
    return [tuple(span) for span in spans]


def f1(gold: list[list[tuple[int, int, int]]], found: list[list[tuple[int, int, int]]], kind: int, exact: bool) -> tuple[float, float, float]:
    """Precision, recall and F1 of spans of a kind: the very bytes, or any byte in common."""
    hit_found = hit_gold = count_found = count_gold = 0
    for wanted, seen in zip(gold, found, strict=True):
        wanted = [span for span in wanted if span[2] == kind]
        seen = [span for span in seen if span[2] == kind]
        same = (lambda a, b: a == b) if exact else (lambda a, b: a[0] < b[1] and b[0] < a[1])
        hit_found += sum(any(same(span, other) for other in wanted) for span in seen)
        hit_gold += sum(any(same(span, other) for other in seen) for span in wanted)
        count_found, count_gold = count_found + len(seen), count_gold + len(wanted)
    precision, recall = hit_found / max(count_found, 1), hit_gold / max(count_gold, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


class Baseline:
    """Lists of names and places, capitalized, and a pattern for addresses."""

    def __init__(self, data: Path, seed: int, whole: bool):
        parts = [Fillers(data, part, seed) for part in ((False, True) if whole else (False,))]
        self.names = {name for part in parts for name in (*part.given, *part.surnames)}
        self.places = {name for part in parts for name in (*part.cities, *part.countries)}

    def of(self, text: str) -> list[tuple[int, int, int]]:
        addresses = [(match.start(), match.end(), 3) for match in ADDRESS.finditer(text)]
        taken = lambda start: any(first <= start < last for first, last, _ in addresses)  # noqa: E731
        spans: list[list[int]] = []
        for word in WORD.finditer(text):
            kind = 1 if word[0] in self.names else 2 if word[0] in self.places else 0
            if not kind or taken(word.start()):
                continue
            if spans and spans[-1][2] == kind and text[spans[-1][1] : word.start()] == " ":
                spans[-1][1] = word.end()
            else:
                spans.append([word.start(), word.end(), kind])
        return sorted([*addresses, *(tuple(span) for span in spans)])


def fit(inputs: np.ndarray, kinds: np.ndarray, width: int, seed: int) -> nn.Module:
    """A linear classifier of tokens, or one with a hidden layer of `width`."""
    torch.manual_seed(seed)
    size = inputs.shape[1]
    model = nn.Linear(size, 4) if not width else nn.Sequential(nn.Linear(size, width), nn.GELU(), nn.Dropout(0.1), nn.Linear(width, 4))
    steps = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    x, y = torch.from_numpy(inputs.astype(np.float32)), torch.from_numpy(kinds)
    for _ in range(6):
        for part in torch.randperm(len(x)).split(512):
            steps.zero_grad()
            nn.functional.cross_entropy(model(x[part]), y[part]).backward()
            steps.step()
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data folder (see README.md)")
    parser.add_argument("--bundle", type=Path, required=True, help="the bundle whose trunk is read")
    parser.add_argument("--each", type=int, default=6, help="how often each template is filled")
    parser.add_argument("--quiet", type=int, default=300, help="texts of each other set, half of them to train on")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="print this many marks on other texts, to look at")
    parser.add_argument("--lists", action="store_true", help="only the baselines")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = arguments.data / "presidio_research"
    train, test = (rows(data, part, arguments.each, arguments.seed) for part in (False, True))
    sets = ["benign_taskmaster", "benign_oasst_sample", "benign_medquad", "benign_sysadmin_questions", "benign_emails_aeslc"]
    draw = random.Random(arguments.seed)
    quiet: dict[str, list[str]] = {}
    for name in sets:
        texts = [row["text"] for row in files.records(arguments.data / name, "data.jsonl")]
        quiet[name] = draw.sample(texts, min(arguments.quiet, len(texts)))
    # E-mails are full of names; the rest teaches what is none, as far as it holds none itself.
    silent = [text for name in sets[:-1] for text in quiet[name][: arguments.quiet // 2]]
    corpora = {"train": [*train, *((text, []) for text in silent)], "test": test,
               **{name: [(text, []) for text in texts[arguments.quiet // 2 :]] for name, texts in quiet.items()}}
    gold = [spans for _, spans in test]
    print(f"{len(train)} training texts of {len({t for t in templates(data)})} templates and {len(silent)} others, {len(test)} test texts")

    def report(title: str, of) -> None:
        found = [of("test", number) for number in range(len(test))]
        cells = [f"{kind} {f1(gold, found, 1 + n, True)[2]:.3f} exact, P {f1(gold, found, 1 + n, False)[0]:.3f} R "
                 f"{f1(gold, found, 1 + n, False)[1]:.3f} F1 {f1(gold, found, 1 + n, False)[2]:.3f} overlap" for n, kind in enumerate(KINDS)]
        alarms = []
        for name in sets:
            marked = [of(name, number) for number in range(len(corpora[name]))]
            shares = [1000 * sum(any(span[2] == 1 + n for span in spans) for spans in marked) / len(marked) for n in range(3)]
            alarms.append(f"{name.removeprefix('benign_')} {'/'.join(f'{share:.0f}' for share in shares)}")
        print(f"{title}\n  " + "\n  ".join(cells) + "\n  texts of a thousand marked (person/place/address): " + ", ".join(alarms), flush=True)

    for whole in (False, True):
        baseline = Baseline(data, arguments.seed, whole)
        title = f"lists of {'both parts' if whole else 'the training part'} and a pattern"
        report(title, lambda name, number, baseline=baseline: baseline.of(corpora[name][number][0]))
    if arguments.lists:
        return
    states = States(arguments.bundle)
    encoded = {name: states.of([text for text, _ in corpus]) for name, corpus in corpora.items()}
    shapes = {name: [np.array([shape(text, *place) for place in offsets], np.float32).reshape(-1, 5)
                     for (text, _), (_, offsets) in zip(corpus, encoded[name], strict=True)] for name, corpus in corpora.items()}
    kinds = np.concatenate([labelled(row, offsets) for row, (_, offsets) in zip(corpora["train"], encoded["train"], strict=True)])

    def inputs(name: str, layers: list[int], number: int) -> np.ndarray:
        found = encoded[name][number][0]
        return np.concatenate([*(found[:, layer] for layer in layers), shapes[name][number]], axis=1)

    for layers, width in [*(([layer], 0) for layer in range(7)), ([0, 2, 4], 0), ([1], 128), ([2], 128), ([0, 2, 4], 128)]:
        x = np.concatenate([inputs("train", layers, number) for number in range(len(corpora["train"]))])
        model = fit(x, kinds, width, arguments.seed)

        def of(name: str, number: int, model=model, layers=layers) -> list[tuple[int, int, int]]:
            with torch.no_grad():
                logits = model(torch.from_numpy(inputs(name, layers, number).astype(np.float32)))
            return spans_of(logits.argmax(1).numpy(), encoded[name][number][1], corpora[name][number][0])

        report(f"after layers {layers}, {'linear' if not width else f'{width} hidden'}", of)
        if arguments.show and layers == [0, 2, 4] and width:
            for name in sets:
                marks = [(corpora[name][number][0][start:end], KINDS[kind - 1]) for number in range(len(corpora[name]))
                         for start, end, kind in of(name, number)]
                print(name, draw.sample(marks, min(arguments.show, len(marks))))


if __name__ == "__main__":
    main()
