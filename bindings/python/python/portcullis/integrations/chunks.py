"""Streamed answers in OpenAI's shape: each choice's text held back until the guard has cleared it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from portcullis.integrations.refusal import releases

if TYPE_CHECKING:
    from portcullis import Guard, Stream
    from portcullis._words import Role

#: Where a chunk's choice, or its `delta`, carries text for the reader.
TEXTS = ("text", "content", "reasoning_content", "reasoning", "refusal")
#: OpenAI's word for an answer that was cut short by a filter.
STOPPED = "content_filter"


class Chunks:
    """Takes chunks as they come, mappings or objects, and gives each back with the text that may be shown by now.

    A choice that is escalated or vetoed ends with `finish_reason: content_filter` and whatever the policy says in its place.
    """

    def __init__(self, guard: Guard, role: Role = "assistant") -> None:
        self._guard = guard
        self._role = role
        self._streams: dict[tuple[int, str], Stream] = {}
        self._ended: dict[int, bool] = {}
        self._last: Any = None

    @property
    def closed(self) -> bool:
        """Whether every choice that has begun has ended."""
        return bool(self._ended) and all(self._ended.values())

    def push(self, chunk: Any) -> Any:
        """A copy of the chunk with what is released in place of what it brought."""
        chunk = copy.deepcopy(chunk)
        for choice in _get(chunk, "choices") or ():
            self._choice(choice)
        if _get(chunk, "choices"):
            self._last = chunk
        return chunk

    def finish(self) -> Any | None:
        """What is left of choices whose end was never told, as one more chunk; `None` when nothing is."""
        open_ = [index for index, ended in self._ended.items() if not ended]
        if not open_ or self._last is None:
            return None
        chunk = copy.deepcopy(self._last)
        kept = [choice for choice in _get(chunk, "choices") if (_get(choice, "index") or 0) in open_]
        for choice in kept:
            holder = _holder(choice)
            for name in TEXTS:
                if isinstance(_get(holder, name), str):
                    _set(holder, name, "")
            self._choice(choice, ended=True)
        _set(chunk, "choices", kept)
        return chunk if kept else None

    def _choice(self, choice: Any, ended: bool = False) -> None:
        index = _get(choice, "index") or 0
        holder = _holder(choice)
        _drop_log_probabilities(choice)
        over = self._ended.get(index, False)
        ended = ended or _get(choice, "finish_reason") is not None
        self._ended[index] = over or ended
        stopped = False
        for name in TEXTS:
            key, brought = (index, name), _get(holder, name)
            if not isinstance(brought, str) and not (ended and key in self._streams):
                continue
            stream = self._streams.get(key)
            if stream is None:
                stream = self._streams[key] = self._guard.stream(role=self._role)
            pieces = [] if over else stream.push(brought or "")
            if ended and not over:
                pieces += stream.finish()
            _set(holder, name, "".join(piece.text for piece in pieces))
            stopped = stopped or not releases(stream.decision)
        if stopped:
            self._ended[index] = True
            _set(choice, "finish_reason", STOPPED)


def _holder(choice: Any) -> Any:
    delta = _get(choice, "delta")
    return choice if delta is None else delta


def _drop_log_probabilities(choice: Any) -> None:
    """They spell out tokens that are not judged yet."""
    if _get(choice, "logprobs") is not None:
        _set(choice, "logprobs", None)


def _get(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


def _set(holder: Any, name: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[name] = value
    else:
        setattr(holder, name, value)
