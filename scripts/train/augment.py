"""Changes that must not change a label: case, typos, leet, spacing, wrapping, another group's name, hiding an attack in a
document."""

import random
import re
from collections.abc import Callable

_LEET = str.maketrans({"a": "@", "e": "3", "i": "1", "o": "0", "s": "$"})
_WRAPS = ("> {}", "\"{}\"", "User: {}", "{}\n\nThanks!", "Question: {}", "{} please", "Hello. {}", "```\n{}\n```",
          "- {}", "<p>{}</p>")
#: What surrounds an instruction hidden in a document.
_HIDDEN = ("{}", "{}", "{}", "\n{}\n", "\n\n{}\n\n", "<!-- {} -->", "/* {} */", "[{}]", "<div>{}</div>", "Note: {}",
           "| {} |", "\"note\": \"{}\",", "> {}", "P.S. {}")
LONGEST_LEET = 300
LONGEST_HIDDEN = 400
LONGEST_JOINED = 300
LONGEST_BURIED = 200
#: What stands for the request in a jailbreak that had a slot for one.
SLOT = "the question"

#: Names of groups that stand in for each other in a sentence, plural nouns with plural nouns and so on.
_GROUPS = (
    ("muslims", "jews", "christians", "hindus", "buddhists", "sikhs", "atheists", "catholics", "mormons", "mexicans",
     "arabs", "africans", "asians", "indians", "pakistanis", "koreans", "russians", "turks", "poles", "germans",
     "americans", "europeans", "canadians", "immigrants", "migrants", "refugees", "foreigners", "blacks", "whites",
     "latinos", "hispanics", "gays", "lesbians", "bisexuals", "homosexuals", "heterosexuals", "protestants", "women", "men",
     "females", "males"),
    ("muslim", "jewish", "christian", "hindu", "buddhist", "catholic", "mexican", "arab", "african", "asian", "indian",
     "chinese", "japanese", "vietnamese", "pakistani", "korean", "russian", "turkish", "polish", "german", "american",
     "european", "canadian", "black", "white", "latino", "hispanic", "gay", "lesbian", "bisexual", "homosexual",
     "heterosexual", "straight", "trans", "transgender", "nonbinary", "queer", "male", "female", "sikh", "protestant",
     "mormon", "disabled", "deaf", "blind", "paralyzed", "autistic"),
    ("woman", "man", "girl", "boy", "immigrant", "migrant", "refugee", "foreigner", "lesbian", "muslim", "jew", "christian",
     "atheist"),
    ("old", "young", "teenage", "elderly", "middle-aged"),
    ("islam", "judaism", "christianity", "hinduism", "buddhism", "catholicism", "atheism"),
)
_NAMES = {name: group for group in reversed(_GROUPS) for name in group}
_NAME = re.compile(r"\b(an? )?(" + "|".join(sorted(_NAMES, key=len, reverse=True)) + r")\b", re.IGNORECASE)


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


def swap(text: str, draw: random.Random) -> str:
    """The text with each group it names replaced by another one of its kind, the same throughout."""
    chosen: dict[str, str] = {}

    def other(match: re.Match) -> str:
        article, name = match[1] or "", match[2].lower()
        if name not in chosen:
            chosen[name] = draw.choice(_NAMES[name])
        put = chosen[name].capitalize() if match[2][0].isupper() else chosen[name]
        if article:
            # "European" begins with a vowel in writing only.
            vowel = chosen[name][0] in "aeiou" and chosen[name] != "european"
            article = article[0] + ("n " if vowel else " ")
        return article + put

    return _NAME.sub(other, text)


def hide(attack: str, document: str, draw: random.Random) -> str:
    """The attack, perhaps wrapped, at a random place of a part of the document, short enough that a training window holds both."""
    around = _around(document, draw)
    return around(draw.choice(_HIDDEN).replace("{}", attack))


def bury(post: str, document: str, draw: random.Random) -> str:
    """The post as it is at a random place of a part of the document, short enough that a training window holds both."""
    return _around(document, draw)(post)


def _around(document: str, draw: random.Random) -> Callable[[str], str]:
    words = document.split(" ")
    before, after = draw.randint(0, 40), draw.randint(0, 40)
    place = draw.randint(0, len(words))
    return lambda text: " ".join((*words[max(0, place - before) : place], text, *words[place : place + after])).strip()


def join(text: str, other: str, draw: random.Random) -> str:
    """The other text in the slot of the first, or behind it."""
    if SLOT in text and draw.random() < 0.5:
        return text.replace(SLOT, other)
    return text + draw.choice((" ", "\n", "\n\n")) + other


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
