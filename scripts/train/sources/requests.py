"""Prompts labelled for what they ask: harmful requests and their innocent twins."""

from collections.abc import Iterator
from pathlib import Path

from .. import files
from ..heads import REQUEST, SPEECH, clean, zeros
from ..rows import Row


def _harmful(plain: bool = True, **others: float) -> dict[str, float]:
    """A harmful request; a plain one is neither jailbreak nor injection."""
    known = {"harmful_request": 1.0, "prompt_injection": 0.0, **others}
    return {**known, "jailbreak": 0.0} if plain else known


def _innocent(plain: bool = True) -> dict[str, float]:
    return clean() if plain else {**zeros(*SPEECH), "harmful_request": 0.0, "prompt_injection": 0.0}


def advbench(folder: Path) -> Iterator[Row]:
    """Harmful behaviours and what they ask for."""
    for record in files.table(folder, "harmful_behaviors.csv"):
        yield Row(record["goal"], _harmful(), "prompt")


def safe_pairs(folder: Path) -> Iterator[Row]:
    """Generated innocent prompts, published beside harmful ones."""
    for line in files.lines(folder, "safe_prompts.txt"):
        yield Row(line.strip(), clean(), "instruction")


def guard_train(folder: Path) -> Iterator[Row]:
    """Prompts of the WildGuard and Aegis training sets; some are dressed as jailbreaks."""
    for record in files.document(folder, "guardreasoner_test_5k.json"):
        harmful = record["label"] != "safe"
        labels = _harmful(plain=False) if harmful else _innocent(plain=False)
        yield Row(record["prompt"], labels, "prompt", part=record["source"])


def sgbench(folder: Path) -> Iterator[Row]:
    """Harmful questions and instructions."""
    for record in files.document(folder, "sgbench.json"):
        yield Row(record["text"], _harmful(), "prompt")


def strongreject(folder: Path) -> Iterator[Row]:
    """Forbidden prompts by category."""
    for record in files.document(folder, "strongreject.json"):
        sexual = float(record["category"] == "Sexual content")
        yield Row(record["text"], _harmful(sexual=sexual), "prompt")


def red_instruct(folder: Path) -> Iterator[Row]:
    """Harmful questions by category (CatQA, HarmfulQA, DangerousQA)."""
    for category, parts in files.document(folder, "catqa_english.json").items():
        # Advice on money or elections is not harm.
        if category in ("Tailored Financial Advice", "Political Campaigning"):
            continue
        for part, questions in parts.items():
            for question in questions:
                yield Row(question, _harmful(sexual=float(category == "Adult Content"),
                                             self_harm=float(part == "Self-harm")), "prompt")
    for topic in files.document(folder, "harmfulqa.json").values():
        for questions in topic.values():
            for question in questions:
                yield Row(question, _harmful(), "prompt")
    for question in files.document(folder, "dangerousqa.json"):
        yield Row(question, _harmful(), "prompt")


def do_not_answer(folder: Path) -> Iterator[Row]:
    """Questions a model should not answer, and harmful requests moved in tense."""
    for name in ("malicious_uses.jsonl", "discrimination_exclusion_toxicity_hateful_offensive.jsonl"):
        for record in files.records(folder, name):
            yield Row(record["prompt"], _harmful(), "prompt")
    for name in ("past_tense_en.txt", "future_tense_en.txt"):
        for line in files.lines(folder, name):
            yield Row(line, _harmful(plain=False), "prompt")


def ailuminate(folder: Path) -> Iterator[Row]:
    """Prompts meant to elicit a hazard, in plain words or as an attack."""
    for record in files.table(folder, "airr_official_1.0_demo_en_us_prompt_set_release.csv"):
        hazard = record["hazard"]
        labels = _harmful(plain=False, self_harm=float(hazard == "ssh"), sexual=float(hazard == "sxc_prn"))
        if hazard.startswith("spc"):
            # Advice that wants a professional is not harmful to ask for.
            labels.pop("harmful_request")
        yield Row(record["prompt_text"], labels, "prompt", part=hazard)


def harm_replies(folder: Path) -> Iterator[Row]:
    """Assistant replies with human harm scores of 0 to 1, for the thin heads."""
    for name, head in (("self_harm", "self_harm"), ("sexual", "sexual")):
        body = files.text(folder, f"pyrit__datasets__scorer_evals__harm__{name}.csv").split("\n", 1)[1]
        for record in files.parse(body):
            score, reply = record.get("human_score_1"), record.get("assistant_response")
            if not reply or not score:
                continue
            value = float(score)
            if value >= 0.5 or value == 0:
                yield Row(reply, {head: float(value >= 0.5)}, "reply", group=record["objective"])


LOADERS = {
    loader.__name__: loader
    for loader in (advbench, safe_pairs, guard_train, sgbench, strongreject, red_instruct, do_not_answer,
                   ailuminate, harm_replies)
}
assert set(REQUEST) <= set(clean())
