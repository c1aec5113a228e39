"""What assistants are told of their work: long, real, innocent. The texts come as packages (requirements.txt)."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from .. import files
from ..heads import clean
from ..rows import Row

#: Characters after which a piece of a long text ends with its paragraph; several windows of the runtime.
PIECE = 1000
#: Names of attacks, quotes of them, and what is not innocent beyond doubt.
_DOUBTFUL = re.compile(
    r"jailbreak|prompt.injection|\bDAN\b|do anything now|(ignore|disregard|forget|override) (all|any|every|the|your|previous|prior|above)"
    r"|uncensored|unfiltered|unrestricted|without (any )?(restriction|limit|censor|filter)|no (restriction|limit|censor|filter)"
    r"|god.?mode|nsfw|erotic|sexual|sexy|seducti|nude|lingerie|boob|\bass\b|taboo|transgress|gaslight|\bslurs?\b|racis"
    r"|weapon|malware|phish|exploit|bypass|\bhack|undetect|suicid|self.harm", re.IGNORECASE)


def _package(name: str) -> Path:
    """The folder of an installed package, whose code does not run."""
    found = find_spec(name)
    if not found or not found.origin:
        raise SystemExit(f"the package {name} is not installed: see train/requirements.txt")
    return Path(found.origin).parent


def pieces(text: str) -> Iterator[str]:
    """The text's paragraphs, joined until they are `PIECE` characters long, less those pieces that are not innocent beyond doubt."""
    held: list[str] = []
    for paragraph in (*re.split(r"\n\s*\n", text), None):
        if paragraph is None or sum(map(len, held)) >= PIECE:
            piece = "\n\n".join(held).strip()
            if piece and not _DOUBTFUL.search(piece):
                yield piece
            held = []
        if paragraph:
            held.append(paragraph)


def personas(_: Path) -> Iterator[Row]:
    """Prompts that many people wrote down, most of them parts to play or tasks; those of doubtful intent are left out whole."""
    for name, record in files.document(_package("ai_personas"), "ai-personas.json").items():
        if not _DOUBTFUL.search(name + "\n" + record["prompt"]):
            for piece in pieces(record["prompt"]):
                yield Row(piece, clean(), "roleplay", group=name)


def skills(_: Path) -> Iterator[Row]:
    """Instructions for office work, money, law, family, health and study."""
    for skill in files.document(_package("pm_skills"), "skills.json")["skills"]:
        for piece in pieces(skill["instructions"]):
            yield Row(piece, clean(), "skill", group=skill["name"])


def prompts(_: Path, *folders: str) -> Iterator[Row]:
    """Whole system prompts of the named folders."""
    kept = _package("prompt_forge") / "prompts"
    for folder in folders:
        for path in sorted((kept / folder).iterdir()):
            yield Row(files.text(path.parent, path.name), clean(), "roleplay", part=folder)


LOADERS = {"ai_personas": personas, "pm_skills": skills, "forge": prompts}
