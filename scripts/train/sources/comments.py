"""Comments and posts labelled for how they speak: toxicity, obscenity, insult, threat, hate."""

import html
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from .. import files
from ..heads import HEADS, REQUEST, clean, zeros
from ..rows import Row

_SIX = {"obscene": "obscenity", "insult": "insult", "threat": "threat", "identity_hate": "hate"}
_SPANS = {"Insult": "insult", "Threat": "threat", "Identity based Attack": "hate", "Profane/Obscene": "obscenity"}
_BYTES = re.compile(r"^b(['\"])(.*)\1$", re.DOTALL)


def _toxic(value: float = 1.0, **others: float) -> dict[str, float]:
    return {**zeros(*REQUEST), "toxicity": value, **others}


def jigsaw(folder: Path) -> Iterator[Row]:
    """Wikipedia talk comments; the finer labels only where all six are known."""
    for record in files.records(folder, "jigsaw_train_any.jsonl"):
        if not record["any"]:
            labels = clean()
        else:
            labels = _toxic()
            if record.get("six"):
                labels |= {head: float(record[name]) for name, head in _SIX.items()}
        yield Row(record["text"], labels, "comment")


def davidson(folder: Path) -> Iterator[Row]:
    """Tweets found by slur: hateful, offensive or neither."""
    for record in files.table(folder, "labeled_data.csv"):
        text = html.unescape(record["tweet"])
        labels = {"0": _toxic(hate=1.0), "1": _toxic(hate=0.0, threat=0.0),
                  "2": clean()}[record["class"]]
        yield Row(text, labels, "post")


def edos(folder: Path) -> Iterator[Row]:
    """Posts labelled for sexism, which counts as hate; other hate is not annotated."""
    split = {"train": None, "dev": "validation", "test": "test"}
    for record in files.table(folder, "edos_labelled_aggregated.csv"):
        if record["label_sexist"] == "sexist":
            threat = 1.0 if record["label_category"].startswith("1.") else 0.0
            labels = _toxic(hate=1.0, threat=threat)
        else:
            labels = {**zeros(*REQUEST), "hate": 0.0, "threat": 0.0}
        yield Row(record["text"], labels, "post", fixed=split[record["split"]])


def stormfront(folder: Path) -> Iterator[Row]:
    """Sentences of a hate forum; an innocent one may still be unkind."""
    for record in files.records(folder, "texts.jsonl"):
        if record["label"] == "hate":
            yield Row(record["text"], _toxic(hate=1.0), "post")
        elif record["label"] == "noHate":
            yield Row(record["text"], {**zeros(*REQUEST), "hate": 0.0, "threat": 0.0}, "post")


def toxigen(folder: Path) -> Iterator[Row]:
    """Machine-written statements about groups with human ratings of 1 to 5."""
    for record in files.table(folder, "toxigen.csv"):
        text = record["text"]
        if wrapped := _BYTES.match(text):
            text = wrapped.group(2).encode("latin-1", "replace").decode("unicode_escape", "replace")
        rating = float(record["toxicity_human"] or 3)
        if rating >= 4:
            yield Row(text, _toxic(hate=1.0), "post")
        elif rating <= 2:
            yield Row(text, clean(), "post")


def toxigen_prompts(folder: Path) -> Iterator[Row]:
    """Sentences about groups, chosen by hand as hateful or neutral examples; each stands in many prompts."""
    for path in sorted(folder.glob("*_1k.txt*")):
        name = path.name.split("_1k")[0]
        kind, group = name.split("_", 1)
        labels = _toxic(hate=1.0) if kind == "hate" else clean()
        sentences = {part.strip(" -") for line in files.lines(folder, f"{name}_1k.txt") for part in line.split("\\n")}
        for sentence in sorted(sentences):
            yield Row(sentence, dict(labels), "post", part=group)


def tweeteval_hate(folder: Path) -> Iterator[Row]:
    """Tweets on women and immigrants, hateful or not, with the published split."""
    for name, fixed in (("train", None), ("val", "validation"), ("test", "test")):
        texts = files.text(folder, f"datasets__hate__{name}_text.txt").split("\n")
        labels = files.text(folder, f"datasets__hate__{name}_labels.txt").split("\n")
        for text, label in zip(texts, labels, strict=False):
            if text.strip() and label.strip():
                known = _toxic(hate=1.0) if label.strip() == "1" else {**zeros(*REQUEST), "hate": 0.0}
                yield Row(text, known, "post", fixed=fixed)


def olid(folder: Path) -> Iterator[Row]:
    """Tweets: offensive or not, and whether a person is the target."""
    for record in files.table(folder, "olid-training-v1.0.tsv", "\t"):
        if record["subtask_a"] == "NOT":
            labels = clean()
        else:
            labels = _toxic()
            if record["subtask_c"] == "IND":
                labels["insult"] = 1.0
            elif record["subtask_b"] == "UNT":
                labels |= {"insult": 0.0, "hate": 0.0}
        yield Row(record["tweet"], labels, "post")
    yield from (Row(record["tweet"], {}, "post", fixed="test")
                for record in files.table(folder, "testset-levela.tsv", "\t"))


def paradetox(folder: Path) -> Iterator[Row]:
    """Toxic sentences and the same said kindly."""
    for number, record in enumerate(files.table(folder, "paradetox.tsv", "\t")):
        yield Row(record["toxic"], _toxic(), "comment", group=f"pair{number}")
        if record["neutral1"]:
            yield Row(record["neutral1"], clean(), "comment", group=f"pair{number}")


def toxic_spans(folder: Path) -> Iterator[Row]:
    """News comments whose annotators marked and typed the toxic spans."""
    votes: dict[str, list[str]] = defaultdict(list)
    for record in files.table(folder, "spans.csv"):
        votes[record["annotation"]].append(record["type"])
    judged: dict[str, list[tuple[bool, set[str]]]] = defaultdict(list)
    for record in files.table(folder, "annotations.csv"):
        judged[record["comment_id"]].append(
            (record["not toxic"] == "True", set(votes.get(record["annotation"], ()))))
    for record in files.table(folder, "comments.csv"):
        opinions = judged.get(record["comment_id"], [])
        if len(opinions) < 2:
            continue
        toxic = 1 - sum(innocent for innocent, _ in opinions) / len(opinions)
        if toxic <= 0.6:
            continue
        labels = _toxic()
        for kind, head in _SPANS.items():
            share = sum(kind in marked for _, marked in opinions) / len(opinions)
            if share >= 0.5 or share == 0:
                labels[head] = float(share >= 0.5)
        yield Row(record["comment_text"], labels, "comment")


def convabuse(folder: Path) -> Iterator[Row]:
    """What people say to chatbots; abuse by majority, ambiguous rows left out."""
    for name, fixed in (("train", None), ("valid", "validation"), ("test", "test")):
        for record in files.table(folder, f"ConvAbuseEMNLP{name}.csv"):
            def mean(suffix: str, record=record) -> float | None:
                marks = [record[f"Annotator{n}_{suffix}"].split(",")[0].strip() for n in range(1, 9)
                         if record.get(f"Annotator{n}_{suffix}", "").strip()]
                return sum(mark not in ("0", "0.0") for mark in marks) / len(marks) if marks else None
            fine = mean("is_abuse.1")
            abuse = [mean(f"is_abuse.-{n}") for n in (1, 2, 3)]
            if fine is None or not record["user"].strip():
                continue
            if fine > 0.6:
                labels = clean()
            elif sum(value or 0 for value in abuse) > 0.6:
                labels = _toxic()
                labels["sexual"] = float((mean("sex_harassment") or 0) > 0.5)
            else:
                continue
            yield Row(record["user"], labels, "chat", group=record["conv_id"], fixed=fixed)


def madlibs(folder: Path) -> Iterator[Row]:
    """Short templates with identity terms, half unkind and half kind."""
    for record in files.table(folder, "bias_madlibs_77k.csv"):
        labels = _toxic() if record["Label"] == "BAD" else clean()
        yield Row(record["Text"], labels, "template")


def hatemoji(folder: Path) -> Iterator[Row]:
    """Adversarial posts with emoji, with the published split; a post and its near copy by another annotator part freely."""
    for split in ("train", "validation", "test"):
        for record in files.table(folder, f"HatemojiBuild__{split}.csv"):
            labels = _toxic(hate=1.0) if record["label_gold"] == "1" else {"hate": 0.0}
            yield Row(record["text"], labels, "post", fixed=None if split == "train" else split)


def hatexplain(folder: Path) -> Iterator[Row]:
    """Posts: hate, offensive or normal."""
    for record in files.table(folder, "df_val.csv"):
        label = record["gt_label"].strip().lower()
        if label.startswith("hate"):
            labels = _toxic(hate=1.0)
        elif label.startswith("off"):
            labels = _toxic(hate=0.0)
        else:
            labels = zeros("toxicity", "hate")
        yield Row(record["unmasked_sentence"], labels, "post")


def insults(folder: Path) -> Iterator[Row]:
    """Forum comments that insult a participant or do not."""
    for record in files.table(folder, "test_with_solutions.csv"):
        text = record["Comment"].strip('"').encode("latin-1", "replace").decode("unicode_escape", "replace")
        yield Row(text, {"insult": float(record["Insult"])}, "comment")


def civil_threat(folder: Path) -> Iterator[Row]:
    """News comments: threats against innocent ones."""
    for record in files.table(folder, "threat.csv"):
        yield Row(record["text"], {"threat": 1.0}, "comment")
    for record in files.table(folder, "safe.csv"):
        yield Row(record["text"], {"threat": 0.0, "toxicity": 0.0}, "comment")


def youtoxic(folder: Path) -> Iterator[Row]:
    """Video comments with several labels."""
    names = {"IsToxic": "toxicity", "IsThreat": "threat", "IsObscene": "obscenity", "IsHatespeech": "hate"}
    for record in files.table(folder, "youtoxic_english_1000.csv"):
        yield Row(record["Text"], {head: float(record[name] == "TRUE") for name, head in names.items()}, "comment")


LOADERS = {
    loader.__name__: loader
    for loader in (jigsaw, davidson, edos, stormfront, toxigen, tweeteval_hate, olid, paradetox, toxic_spans,
                   convabuse, madlibs, toxigen_prompts, hatemoji, hatexplain, insults, civil_threat, youtoxic)
}
assert set(_SIX.values()) <= set(HEADS)
