"""Safe text out of a live one: an iterator over what a model says, once it is judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Literal

from portcullis._errors import Vetoed
from portcullis._portcullis import Piece, Stream
from portcullis._words import Decision

OnVeto = Literal["stop", "raise"]


class _Filtering:
    """What both kinds of filter have in common."""

    def __init__(self, stream: Stream, on_veto: OnVeto) -> None:
        if on_veto not in ("stop", "raise"):
            raise ValueError(f"on_veto: found {on_veto!r}, expected 'stop' or 'raise'")
        self._stream = stream
        self._on_veto = on_veto
        self._stopped_by: Piece | None = None
        self._ended = False

    @property
    def decision(self) -> Decision:
        """The strongest decision so far."""
        return self._stream.decision

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    @property
    def stopped_by(self) -> Piece | None:
        """The stretch that was escalated or vetoed; nothing where all was released."""
        return self._stopped_by

    def _take(self, pieces: list[Piece]) -> str:
        """The text to show of these pieces."""
        for piece in pieces:
            if not piece.released:
                self._stopped_by = piece
        return "".join(piece.text for piece in pieces)

    def _raise_if_stopped(self) -> None:
        if self._stopped_by is not None and self._on_veto == "raise":
            raise Vetoed(self._stopped_by)


class Filter(_Filtering, Iterator[str]):
    """Safe text of an iterable, in parts that are never empty. Made by :meth:`portcullis.Guard.filter`."""

    def __init__(self, stream: Stream, chunks: Iterable[str | bytes], on_veto: OnVeto) -> None:
        super().__init__(stream, on_veto)
        self._chunks = iter(chunks)

    def __next__(self) -> str:
        while not self._ended:
            try:
                chunk = next(self._chunks)
            except StopIteration:
                self._ended = True
                text = self._take(self._stream.finish())
            else:
                text = self._take(self._stream.push(chunk))
                self._ended = self._stream.closed
            if text:
                return text
        self._raise_if_stopped()
        raise StopIteration


class AsyncFilter(_Filtering, AsyncIterator[str]):
    """The same of an asynchronous iterable. Made by :meth:`portcullis.Guard.filter_async`."""

    def __init__(self, stream: Stream, chunks: AsyncIterable[str | bytes], on_veto: OnVeto) -> None:
        super().__init__(stream, on_veto)
        self._chunks = aiter(chunks)

    async def __anext__(self) -> str:
        while not self._ended:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                self._ended = True
                text = self._take(await asyncio.to_thread(self._stream.finish))
            else:
                text = self._take(await asyncio.to_thread(self._stream.push, chunk))
                self._ended = self._stream.closed
            if text:
                return text
        self._raise_if_stopped()
        raise StopAsyncIteration
