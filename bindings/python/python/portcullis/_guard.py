"""The guard, with what of it is Python's own: iterators and coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable, Sequence
from typing import Any

from portcullis import _portcullis
from portcullis._filter import AsyncFilter, Filter, OnVeto
from portcullis._portcullis import Verdict
from portcullis._words import Role


class Guard(_portcullis.Guard):
    """Judges texts on this device, with no network. Opened once, asked from any thread.

    >>> guard = Guard()
    >>> guard.check("How do I descale a kettle?").decision
    'allow'
    """

    async def check_async(
        self,
        text: str,
        *,
        role: Role | None = None,
        id: Any = None,
        slice: str | None = None,
        locale: str | None = None,
        messages: Sequence[dict[str, str]] | None = None,
        sources: Sequence[str] | None = None,
        tool_call: dict[str, Any] | None = None,
        deadline_ms: int | None = None,
    ) -> Verdict:
        """As :meth:`check`, on another thread, so that the event loop goes on."""
        return await asyncio.to_thread(
            self.check,
            text,
            role=role,
            id=id,
            slice=slice,
            locale=locale,
            messages=messages,
            sources=sources,
            tool_call=tool_call,
            deadline_ms=deadline_ms,
        )

    def filter(
        self,
        chunks: Iterable[str | bytes],
        role: Role = "assistant",
        *,
        slice: str | None = None,
        locale: str | None = None,
        on_veto: OnVeto = "stop",
    ) -> Filter:
        """The safe text of a live one, part by part as it is judged.

        After an escalation or a veto the policy's words for a stopped stream come, if it has any, and then the end; ``chunks`` is
        read no further. ``decision`` and ``stopped_by`` of the iterator tell why, and with ``on_veto="raise"``
        :class:`portcullis.Vetoed` is raised in place of the end.

        >>> guard = Guard()
        >>> live = guard.filter(["Sure! Write to jo", "@example.org, ", "she will", " help you."])
        >>> "".join(live)
        'Sure! Write to [EMAIL], she will help you.'
        >>> live.decision
        'rewrite'
        """
        return Filter(self.stream(role, slice, locale), chunks, on_veto)

    def filter_async(
        self,
        chunks: AsyncIterable[str | bytes],
        role: Role = "assistant",
        *,
        slice: str | None = None,
        locale: str | None = None,
        on_veto: OnVeto = "stop",
    ) -> AsyncFilter:
        """As :meth:`filter`, for an asynchronous iterable; the judging is done on other threads."""
        return AsyncFilter(self.stream(role, slice, locale), chunks, on_veto)
