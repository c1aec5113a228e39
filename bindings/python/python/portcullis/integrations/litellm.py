"""LiteLLM: the guard as a guardrail of its proxy, before a call, after it, and over its stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from litellm.exceptions import GuardrailRaisedException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.utils import EmbeddingResponse, ModelResponse, TextCompletionResponse

from portcullis import Guard
from portcullis.integrations.chunks import Chunks
from portcullis.integrations.messages import Slot, attribute, item, judge, slots
from portcullis.integrations.refusal import Refused

#: Keys of a request, besides `messages`, that hold a text, a list of texts or a list of messages.
INPUTS = ("prompt", "input", "instructions")


class PortcullisGuardrail(CustomGuardrail):
    """Rewrites what the guard rewrites, and answers 400 for what it escalates or vetoes.

    `guard` is a `Guard`, or the keyword arguments to open one with. A stream that is stopped ends with
    `finish_reason: content_filter`. A response of a shape that is not known is refused, not passed.
    """

    def __init__(self, guard: Guard | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self._portcullis = guard if isinstance(guard, Guard) else Guard(**(guard or {}))
        super().__init__(**kwargs)

    async def async_pre_call_hook(self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str) -> Any:
        """Judges the request, in place."""
        await self._judge(list(_requested(data)))
        return data

    async def async_post_call_success_hook(self, data: dict[str, Any], user_api_key_dict: Any, response: Any) -> Any:
        """Judges the answer, in place."""
        await self._judge(list(self._answered(response)))
        return response

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncIterator[Any]:
        """Judges the answer while it streams."""
        held = Chunks(self._portcullis)
        async for chunk in response:
            if not hasattr(chunk, "choices"):
                raise self._refusal(f"a stream of {type(chunk).__name__} cannot be judged")
            yield await asyncio.to_thread(held.push, chunk)
            if held.closed:
                return
        rest = await asyncio.to_thread(held.finish)
        if rest is not None:
            yield rest

    async def _judge(self, found: list[Slot]) -> None:
        try:
            await asyncio.to_thread(judge, self._portcullis, found)
        except Refused as refused:
            raise self._refusal(str(refused), judged=True) from None

    def _answered(self, response: Any) -> Iterator[Slot]:
        if isinstance(response, EmbeddingResponse):
            return
        if isinstance(response, (ModelResponse, TextCompletionResponse)):
            for choice in response.choices:
                holder = getattr(choice, "message", choice)
                for key in ("content", "reasoning_content", "text"):
                    yield from attribute("assistant", holder, key)
        elif isinstance(response, dict) and isinstance(response.get("content"), list):
            yield from slots([{"role": "assistant", "content": response["content"]}])
        elif isinstance(getattr(response, "output", None), list):
            for output in response.output:
                for part in getattr(output, "content", None) or ():
                    yield from attribute("assistant", part, "text")
        else:
            raise self._refusal(f"a {type(response).__name__} cannot be judged")

    def _refusal(self, why: str, judged: bool = False) -> GuardrailRaisedException:
        return GuardrailRaisedException(self.guardrail_name, why, blocked_content=judged)


def _requested(data: dict[str, Any]) -> Iterator[Slot]:
    yield from slots(data.get("messages") or ())
    for name in INPUTS:
        value = data.get(name)
        yield from item("user", data, name)
        if isinstance(value, list):
            yield from slots(value)
            for index in range(len(value)):
                yield from item("user", value, index)
