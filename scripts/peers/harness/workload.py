"""The inputs of every measurement, fixed by seeds."""

import gzip
import json
import random
from pathlib import Path

LENGTHS = (8, 16, 32, 64, 128, 256, 512)
#: 30 words.
TEXT = ("Could you please tell me how long the train from Lima to Cusco takes in the rainy season, and whether it is "
        "worth booking a seat on the left side early?")
CLS, SEP, FIRST_WORD, LAST_WORD = 101, 102, 1996, 29611
MAX_TOKENS = 512
CALIBRATION_TEXTS = 300
#: Chat: most turns are short, a few are long.
CHAT_TURNS, CHAT_MEAN, CHAT_SPREAD, CHAT_LIMITS, CHAT_SEED = 512, 40, 0.85, (4, 256), 40


def sequence(draw: random.Random, length: int) -> list[int]:
    """Token ids like those of words, the special ones at either end."""
    return [CLS, *(draw.randint(FIRST_WORD, LAST_WORD) for _ in range(length - 2)), SEP]


def sequences(count: int, length: int, seed: int) -> list[list[int]]:
    """Some sequences of one length."""
    draw = random.Random(f"{length} {seed}")
    return [sequence(draw, length) for _ in range(count)]


def words(tokenizer: Path):
    """The tokenizer, without the padding and truncation that its file asks for."""
    # Only here, so that a process that is given token ids does not load it.
    from tokenizers import Tokenizer  # noqa: PLC0415

    found = Tokenizer.from_file(str(tokenizer))
    found.no_padding()
    found.no_truncation()
    return found


def texts(tokenizer: Path) -> tuple[list[list[int]], list[list[int]]]:
    """Texts of the parity tests as token ids: those to calibrate on, and the others, to check on."""
    encoder = words(tokenizer)
    encoder.enable_truncation(MAX_TOKENS)
    path = Path(__file__).resolve().parents[3] / "tests" / "data" / "parity.jsonl.gz"
    with gzip.open(path, "rt") as file:
        rows = [encoder.encode(json.loads(line)["text"]).ids for line in file]
    return rows[:CALIBRATION_TEXTS], rows[CALIBRATION_TEXTS:]


def chat(tokenizer: Path) -> list[str]:
    """Texts whose token counts are log-normal, the special tokens included."""
    # Whole lower-case words stay one token each, in any order.
    plain = [word for word, _ in sorted(words(tokenizer).get_vocab().items(), key=lambda pair: pair[1])
             if len(word) > 2 and word.isascii() and word.isalpha()]
    draw = random.Random(CHAT_SEED)
    found = []
    for _ in range(CHAT_TURNS):
        # The mean of a log-normal is exp(mu + sigma²/2).
        length = round(CHAT_MEAN * draw.lognormvariate(-CHAT_SPREAD**2 / 2, CHAT_SPREAD))
        length = min(max(length, CHAT_LIMITS[0]), CHAT_LIMITS[1])
        found.append(" ".join(draw.choice(plain) for _ in range(length - 2)))
    return found
