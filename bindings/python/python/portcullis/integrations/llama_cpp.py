"""llama-cpp-python: what `create_completion` and `create_chat_completion` stream, judged before it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from portcullis.integrations.chunks import Chunks

if TYPE_CHECKING:
    from portcullis import Guard
    from portcullis._words import Role


def guarded(guard: Guard, chunks: Iterable[dict[str, Any]], *, role: Role = "assistant") -> Iterator[dict[str, Any]]:
    """The same chunks with the text that the guard has cleared; the model is stopped where an answer is.

    >>> from portcullis import Guard
    >>> tokens = ["Write to jo@", "example.org", " today."]
    >>> source = ({"choices": [{"index": 0, "text": token, "finish_reason": None}]} for token in tokens)
    >>> "".join(chunk["choices"][0]["text"] for chunk in guarded(Guard(), source))
    'Write to [EMAIL] today.'
    """
    held = Chunks(guard, role)
    try:
        for chunk in chunks:
            yield held.push(chunk)
            if held.closed:
                return
        rest = held.finish()
        if rest is not None:
            yield rest
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
