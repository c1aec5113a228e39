"""A stream of LangChain's chunks, held back until the guard has cleared it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessageChunk

from portcullis.integrations.langchain_values import appended, visit_texts
from portcullis.integrations.refusal import Refused

if TYPE_CHECKING:
    from portcullis import Piece, Stream
    from portcullis.integrations.langchain import GuardRunnable


class HeldChunks:
    """What has come of one stream; a chunk is given on when the next one is there, since the last takes what was held."""

    def __init__(self, runnable: GuardRunnable) -> None:
        self._runnable = runnable
        self._stream: Stream | None = None
        self._whole: Any = None
        self._last: Any = None
        self._refused: Refused | None = None

    @property
    def closed(self) -> bool:
        return self._stream is not None and self._stream.closed

    def push(self, chunk: Any) -> list[Any]:
        if self._runnable.role != "assistant" or not isinstance(chunk, (str, AIMessageChunk)):
            self._whole = chunk if self._whole is None else self._whole + chunk
            return []
        if self._stream is None:
            self._stream = self._runnable.guard.stream(role="assistant")
        stream = self._stream
        ready = [] if self._last is None else [self._last]
        self._last = visit_texts(chunk, "assistant", lambda _, text: self._show(stream.push(text)))
        return ready

    def finish(self) -> list[Any]:
        if self._stream is None:
            return [] if self._whole is None else [self._runnable.judge(self._whole)]
        rest = self._show(self._stream.finish())
        return [appended(self._last, rest)]

    def raise_refused(self) -> None:
        """Raises what stopped the stream, unless words were said in its place."""
        if self._refused is not None and self._runnable.refusal is None:
            raise self._refused

    def _show(self, pieces: list[Piece]) -> str:
        text = "".join(piece.text for piece in pieces)
        for piece in pieces:
            if not piece.released:
                self._refused = Refused(piece)
                # The policy may have words of its own for a stream that was stopped.
                text += "" if piece.text else self._runnable.refusal or ""
        return text
