"""Changes that must not change a label: case, typos, leet, spacing, wrapping, and hiding an attack in a document."""

import random

_LEET = str.maketrans({"a": "@", "e": "3", "i": "1", "o": "0", "s": "$"})
_WRAPS = ("> {}", "\"{}\"", "User: {}", "{}\n\nThanks!", "Question: {}", "{} please", "Hello. {}", "```\n{}\n```",
          "- {}", "<p>{}</p>")
#: What surrounds an instruction hidden in a document.
_HIDDEN = ("{}", "{}", "{}", "\n{}\n", "\n\n{}\n\n", "<!-- {} -->", "/* {} */", "[{}]", "<div>{}</div>", "Note: {}",
           "| {} |", "\"note\": \"{}\",", "> {}", "P.S. {}")
LONGEST_LEET = 300
LONGEST_HIDDEN = 400


def disguise(text: str, record: dict, share: float, draw: random.Random) -> str:
    """The text, or with probability `share` one disguise of it."""
    if draw.random() >= share:
        return text
    choice = draw.randrange(6)
    if choice == 0:
        return text.upper() if draw.random() < 0.5 and len(text) < LONGEST_LEET else text.lower()
    if choice in (1, 2):
        return _typos(text, draw)
    if choice == 3 and len(text) < LONGEST_LEET and record["kind"] in ("comment", "post", "chat", "prompt", "trigger"):
        return _leet(text, draw)
    if choice == 4:
        return text.rstrip(".!?") if draw.random() < 0.5 else "".join(c for c in text if c not in ",;:'\"")
    return draw.choice(_WRAPS).format(text) if record["kind"] != "comment" else text.lower()


def hide(attack: str, document: str, draw: random.Random) -> str:
    """The attack at a random place of a part of the document, short enough that a training window holds both."""
    words = document.split(" ")
    before, after = draw.randint(0, 40), draw.randint(0, 40)
    place = draw.randint(0, len(words))
    hidden = draw.choice(_HIDDEN).replace("{}", attack)
    return " ".join((*words[max(0, place - before) : place], hidden, *words[place : place + after])).strip()


def _leet(text: str, draw: random.Random) -> str:
    return " ".join(word.translate(_LEET) if draw.random() < 0.25 else word for word in text.split(" "))


def _typos(text: str, draw: random.Random) -> str:
    chars = list(text)
    for _ in range(max(1, min(len(chars) // 60, 6))):
        place = draw.randrange(len(chars))
        match draw.randrange(3):
            case 0:
                chars[place] = ""
            case 1:
                chars[place] *= 2
            case _ if place + 1 < len(chars):
                chars[place], chars[place + 1] = chars[place + 1], chars[place]
    changed = "".join(chars)
    return changed if changed.strip() else text
