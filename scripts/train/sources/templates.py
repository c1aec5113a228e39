"""Innocent questions and documents that this project writes itself, from word lists that no two splits share."""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from ..heads import clean
from ..rows import Row
from . import wordlists


def _filled(part: str) -> Iterator[tuple[str, str]]:
    """Every (text, kind) of the lists that belong to `part` (train, calibration or validation)."""
    draw = random.Random(f"templates {part}")
    for family in wordlists.TRIGGER[part]:
        for frame, words in product(family["frames"], family["words"]):
            yield frame.format(words), "trigger"
    for frame, role in product(wordlists.ROLE_FRAMES[part], wordlists.ROLES[part]):
        task, rule = draw.choice(wordlists.TASKS[part]), draw.choice(wordlists.RULES[part])
        yield frame.format(role=role, task=task, rule=rule), "roleplay"
    for frame, topic in product(wordlists.PROMPT_FRAMES[part], wordlists.PROMPT_TOPICS[part]):
        yield frame.format(topic), "instruction"
    for role, goal in product(wordlists.ROLES[part], wordlists.BRIEF_GOALS[part]):
        yield _brief(draw, part, role, goal), "roleplay"
    for subject in wordlists.MAIL_SUBJECTS[part]:
        for _ in range(8):
            yield _mail(draw, part, subject), "document"


def _brief(draw: random.Random, part: str, role: str, goal: str) -> str:
    """A long prompt that gives an assistant a part to play, a goal, rules and a form, as people write them."""
    rules = draw.sample(wordlists.BRIEF_RULES[part], draw.randint(2, len(wordlists.BRIEF_RULES[part]) // 2 + 1))
    listed = draw.choice(("\n".join(f"- {rule}" for rule in rules), " ".join(rules),
                          "\n".join(f"{number}. {rule}" for number, rule in enumerate(rules, 1))))
    opening = draw.choice((f"Act as {role}. Your task is to {goal}.", f"You are {role} who can {goal}.",
                           f"# Role\nYou are {role}.\n\n# Goal\nTo {goal}.", f"I want you to act as {role} and {goal}.",
                           f"Let's play a game. You will be {role}; I need you to {goal}."))
    parts = [opening, draw.choice(wordlists.TASKS[part]), draw.choice(("Rules:\n", "# Rules\n", "")) + listed,
             draw.choice(wordlists.BRIEF_FORMS[part])]
    if draw.random() < 0.4:
        parts.append(draw.choice(("Input: ${text}", "My first request is: {{request}}", "Here is the material: [PASTE HERE]")))
    return draw.choice(("\n\n", "\n", " ")).join(parts)


def _mail(draw: random.Random, part: str, subject: str) -> str:
    body = draw.sample(wordlists.MAIL_SENTENCES[part], draw.randint(2, 5))
    name, sender = draw.sample(wordlists.NAMES[part], 2)
    head = draw.choice((f"Subject: {subject}\n\n", f"SUBJECT: {subject}|EMAIL_FROM: {sender}|CONTENT: ", "",
                        f"From: {sender} Subject: {subject} "))
    close = draw.choice(("Best regards,", "Thanks,", "Kind regards,", "Cheers,", "Best,"))
    return f"{head}{draw.choice(('Hi', 'Hello', 'Dear'))} {name}, {' '.join(body)} {close} {sender}"


def templates(_: Path, part: str) -> Iterator[Row]:
    """The rows of one split."""
    for text, kind in _filled(part):
        yield Row(text, clean(), kind, part=kind)


LOADERS = {"templates": templates}
