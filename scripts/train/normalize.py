"""Text normalization shared with the runtime, and the keys used to find duplicates."""

import hashlib
import re
import unicodedata
from pathlib import Path

_INVISIBLE_RANGES = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)

#: The runtime's own table of emoji names.
_EMOJI = Path(__file__).parents[2] / "src" / "normalize" / "emoji.tsv"

#: `str.translate` tables: invisible characters vanish and NUL becomes a space; emoji become words.
_VISIBLE = {point: None for low, high in _INVISIBLE_RANGES for point in range(low, high + 1)}
_VISIBLE[0] = " "
_SPELT = _VISIBLE | {int(code, 16): f" {name} " for code, name in
           (line.split("\t") for line in _EMOJI.read_text(encoding="ascii").splitlines())}

_WORD = re.compile(r"\w+")
NGRAM = 7
SHORTEST_KEYED = 12


def normalize(text: str) -> str:
    """What the tokenizer sees: no invisible characters, emoji in words, then NFKC."""
    return unicodedata.normalize("NFKC", text.translate(_SPELT))


def visible(text: str) -> str:
    """The same with emoji as they are, so that keys are those of the published text."""
    return unicodedata.normalize("NFKC", text.translate(_VISIBLE))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def squeezed(text: str) -> str:
    """The text with only its letters and digits, casefolded."""
    return "".join(char for char in _folded(text) if char.isalnum())


def key(text: str) -> str:
    """Sixteen hex digits that equal texts share, whatever their spacing, case and punctuation."""
    return hashlib.sha256(squeezed(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def ngram_keys(text: str) -> set[str]:
    """Twelve hex digits for every run of seven words."""
    words = _WORD.findall(_folded(text))
    return {
        hashlib.sha256(" ".join(words[i : i + NGRAM]).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        for i in range(len(words) - NGRAM + 1)
    }
