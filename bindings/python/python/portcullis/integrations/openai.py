"""OpenAI's moderation interface: verdicts as an answer of `/v1/moderations`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from portcullis import _portcullis

if TYPE_CHECKING:
    from portcullis import Guard
    from portcullis._words import Role


def moderations(guard: Guard, input: str | Sequence[str], *, model: str | None = None, role: Role = "user") -> dict[str, Any]:
    """The answer that `portcullis pipe --format openai-moderation` gives for the same text or texts.

    `flagged` is true where the text is escalated or vetoed, for whatever reason; the whole verdict stands under `portcullis` of
    each result. The `model` asked for is passed over: the answer names the guard's own.

    >>> from portcullis import Guard
    >>> answer = moderations(Guard(), ["Where is the library?", "You are a complete idiot."])
    >>> [result["flagged"] for result in answer["results"]]
    [False, True]
    >>> [name for name, asked in answer["results"][1]["categories"].items() if asked]
    ['harassment']
    """
    texts = [input] if isinstance(input, str) else list(input)
    answer = _portcullis.openai_moderation(guard.check_batch(texts, role=role))
    if answer is None:
        raise ValueError("input: found no text, expected at least one")
    return answer
