"""The guard as a guardrail of LiteLLM's proxy; the model is LiteLLM's own mock, and no socket is opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from samples import FINE, PRIVATE, REDACTED, TEMPLATE, VILE

pytest.importorskip("litellm", reason="litellm is not installed: scripts/python.sh --integrations")

import litellm
from litellm.caching.caching import DualCache
from litellm.exceptions import GuardrailRaisedException
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.guardrails.guardrail_registry import InMemoryGuardrailHandler
from litellm.proxy.utils import ProxyLogging
from litellm.types.guardrails import GuardrailEventHooks

from portcullis import Guard
from portcullis.integrations.litellm import PortcullisGuardrail

KEY = UserAPIKeyAuth(api_key="sk-test", request_route="/v1/chat/completions")


@pytest.fixture
def proxy(guard: Guard) -> Any:
    """The part of the proxy that runs guardrails, with this one on for every request."""
    hooks = [GuardrailEventHooks.pre_call, GuardrailEventHooks.post_call]
    guardrail = PortcullisGuardrail(guard, guardrail_name="portcullis", event_hook=hooks, default_on=True)
    litellm.callbacks = [guardrail]
    yield ProxyLogging(user_api_key_cache=DualCache())
    litellm.callbacks = []


def asked(proxy: Any, data: dict[str, Any], call_type: str = "completion") -> dict[str, Any]:
    answer: dict[str, Any] = asyncio.run(proxy.pre_call_hook(user_api_key_dict=KEY, data=data, call_type=call_type))
    return answer


def user(text: str) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "system", "content": VILE}, {"role": "user", "content": text}]}


def test_requests(proxy: Any) -> None:
    assert asked(proxy, user(FINE))["messages"][1]["content"] == FINE
    assert asked(proxy, user(PRIVATE))["messages"][1]["content"] == REDACTED
    parts = [{"type": "text", "text": PRIVATE}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    data = {"model": "m", "messages": [{"role": "user", "content": parts}]}
    assert asked(proxy, data)["messages"][0]["content"][0]["text"] == REDACTED
    with pytest.raises(GuardrailRaisedException, match="veto: ") as refused:
        asked(proxy, user(VILE))
    assert refused.value.status_code == 400 and refused.value.blocked_content
    assert "idiot" not in str(refused.value)


def test_requests_of_other_kinds(proxy: Any) -> None:
    assert asked(proxy, {"model": "m", "prompt": PRIVATE}, "text_completion")["prompt"] == REDACTED
    assert asked(proxy, {"model": "m", "input": [FINE, PRIVATE]}, "embeddings")["input"] == [FINE, REDACTED]
    items = [{"role": "user", "content": [{"type": "input_text", "text": PRIVATE}]}]
    assert asked(proxy, {"model": "m", "input": items}, "responses")["input"][0]["content"][0]["text"] == REDACTED


def test_answers(proxy: Any) -> None:
    async def answered(text: str) -> Any:
        response = await litellm.acompletion(**user(FINE), mock_response=text)
        return await proxy.post_call_success_hook(data=user(FINE), response=response, user_api_key_dict=KEY)

    assert asyncio.run(answered("At nine.")).choices[0].message.content == "At nine."
    assert asyncio.run(answered(PRIVATE)).choices[0].message.content == REDACTED
    with pytest.raises(GuardrailRaisedException, match="veto: "):
        asyncio.run(answered(VILE))


def test_an_answer_of_a_shape_that_is_not_known(proxy: Any) -> None:
    with pytest.raises(GuardrailRaisedException, match="cannot be judged"):
        asyncio.run(proxy.post_call_success_hook(data=user(FINE), response=litellm.ImageResponse(), user_api_key_dict=KEY))


def test_streams(proxy: Any) -> None:
    async def streamed(text: str) -> tuple[str, str | None]:
        response = await litellm.acompletion(**user(FINE), mock_response=text, stream=True)
        guarded = proxy.async_post_call_streaming_iterator_hook(
            response=response, user_api_key_dict=KEY, request_data=user(FINE)
        )
        shown, reason = "", None
        async for chunk in guarded:
            for choice in chunk.choices:
                shown += choice.delta.content or ""
                reason = choice.finish_reason or reason
        return shown, reason

    assert asyncio.run(streamed(f"{FINE} {PRIVATE}")) == (f"{FINE} {REDACTED}", "stop")
    shown, reason = asyncio.run(streamed(f"{FINE} It opens at nine o'clock. {VILE} {FINE}"))
    assert shown.endswith(TEMPLATE) and "idiot" not in shown
    assert reason == "content_filter"


def test_a_stream_that_cannot_be_judged(proxy: Any) -> None:
    async def streamed() -> list[Any]:
        async def events() -> AsyncIterator[bytes]:
            yield b"event: content_block_delta\n\n"

        (guardrail,) = litellm.callbacks
        hook = guardrail.async_post_call_streaming_iterator_hook(KEY, events(), {})
        return [chunk async for chunk in hook]

    with pytest.raises(GuardrailRaisedException, match="cannot be judged"):
        asyncio.run(streamed())


def test_a_routers_answer(guard: Guard) -> None:
    router = litellm.Router(
        model_list=[{"model_name": "local", "litellm_params": {"model": "gpt-4o-mini", "mock_response": PRIVATE, "api_key": "x"}}]
    )
    response = asyncio.run(router.acompletion(model="local", messages=[{"role": "user", "content": FINE}]))
    guardrail = PortcullisGuardrail(guard, guardrail_name="portcullis")
    judged = asyncio.run(guardrail.async_post_call_success_hook({}, KEY, response))
    assert judged.choices[0].message.content == REDACTED


def test_from_a_configuration(tmp_path: Path) -> None:
    """As the proxy reads `guardrails:` of its config.yaml."""
    handler = InMemoryGuardrailHandler()
    policy = Path(__file__).parents[4] / "models" / "policies" / "default.toml"
    guardrail = handler.initialize_guardrail(
        guardrail={
            "guardrail_name": "portcullis",
            "litellm_params": {
                "guardrail": "portcullis.integrations.litellm.PortcullisGuardrail",
                "mode": ["pre_call", "post_call"],
                "default_on": True,
                "guard": {"policy": str(policy)},
            },
        },
        config_file_path=str(tmp_path / "config.yaml"),
    )
    assert guardrail is not None
    (callback,) = [found for found in litellm.callbacks if isinstance(found, PortcullisGuardrail)]
    litellm.callbacks = []
    assert asyncio.run(callback.async_pre_call_hook(KEY, None, user(PRIVATE), "completion"))["messages"][1]["content"] == REDACTED
