"""LangChain: the guard as a `Runnable`, for either end of a chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import Runnable, RunnableConfig

from portcullis.integrations.langchain_stream import HeldChunks
from portcullis.integrations.langchain_values import visit_texts
from portcullis.integrations.refusal import Refused, released

if TYPE_CHECKING:
    from portcullis import Guard
    from portcullis._words import Role


class GuardRunnable(Runnable[Any, Any]):
    """Gives on what came in, with every text as the guard releases it.

    Texts are strings, messages, prompts, and strings in lists and dictionaries of them; messages are judged in their own role,
    a system message is not, and other text is judged as `role`. A text that is escalated or vetoed raises `Refused`, or is
    replaced by `refusal`. With the role `assistant`, strings and message chunks are judged as they stream.
    """

    def __init__(self, guard: Guard, *, role: Role = "user", refusal: str | None = None) -> None:
        self.guard = guard
        self.role = role
        self.refusal = refusal

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return self._call_with_config(self.judge, input, config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        async def judge(value: Any) -> Any:
            return await asyncio.to_thread(self.judge, value)

        return await self._acall_with_config(judge, input, config, **kwargs)

    def batch(
        self,
        inputs: list[Any],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        answers: list[Any] = self._batch_with_config(self._judge_all, inputs, config, return_exceptions=return_exceptions, **kwargs)
        return answers

    async def abatch(
        self,
        inputs: list[Any],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        async def judge(values: list[Any]) -> list[Any]:
            return await asyncio.to_thread(self._judge_all, values)

        answers: list[Any] = await self._abatch_with_config(judge, inputs, config, return_exceptions=return_exceptions, **kwargs)
        return answers

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        yield from self.transform(iter([input]), config, **kwargs)

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        async def once() -> AsyncIterator[Any]:
            yield input

        async for chunk in self.atransform(once(), config, **kwargs):
            yield chunk

    def transform(self, input: Iterator[Any], config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        yield from self._transform_stream_with_config(input, self._chunks, config, **kwargs)

    async def atransform(
        self, input: AsyncIterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        async for chunk in self._atransform_stream_with_config(input, self._achunks, config, **kwargs):
            yield chunk

    def judge(self, value: Any) -> Any:
        """The value with its texts as released, outside of any chain."""
        (judged,) = self._judge_all([value])
        if isinstance(judged, Exception):
            raise judged
        return judged

    def _judge_all(self, values: list[Any]) -> list[Any]:
        """Each value with its texts as released, or the exception that it comes to; all are judged at once."""
        requests: list[dict[str, str]] = []

        def note(role: str, text: str) -> str:
            requests.append({"text": text, "role": role})
            return text

        for value in values:
            visit_texts(value, self.role, note)
        verdicts = iter(self.guard.check_batch(requests, on_error="keep"))
        answers: list[Any] = []
        for value in values:
            faults: list[Exception] = []

            def take(role: str, text: str, faults: list[Exception] = faults) -> str:
                verdict = next(verdicts)
                if isinstance(verdict, Exception):
                    faults.append(verdict)
                elif verdict is not None:
                    try:
                        return released(verdict)
                    except Refused as refused:
                        if self.refusal is not None:
                            return self.refusal
                        faults.append(refused)
                return ""

            answer = visit_texts(value, self.role, take)
            answers.append(faults[0] if faults else answer)
        return answers

    def _chunks(self, chunks: Iterator[Any]) -> Iterator[Any]:
        held = HeldChunks(self)
        for chunk in chunks:
            yield from held.push(chunk)
            if held.closed:
                break
        yield from held.finish()
        held.raise_refused()

    async def _achunks(self, chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
        held = HeldChunks(self)
        async for chunk in chunks:
            for ready in await asyncio.to_thread(held.push, chunk):
                yield ready
            if held.closed:
                break
        for ready in await asyncio.to_thread(held.finish):
            yield ready
        held.raise_refused()
