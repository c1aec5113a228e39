"""Chunks of OpenAI's shape, which several hosts share; needs no host."""

from __future__ import annotations

from typing import Any

from samples import FINE, PRIVATE, REDACTED, TEMPLATE, VILE, chunks

from portcullis import Guard
from portcullis.integrations.chunks import Chunks
from portcullis.integrations.llama_cpp import guarded


def shown(given: list[dict[str, Any]], index: int = 0) -> str:
    """The text of one choice."""
    found = [choice for chunk in given for choice in chunk["choices"] if choice["index"] == index]
    return "".join(choice.get("text") or (choice.get("delta") or {}).get("content") or "" for choice in found)


def reasons(given: list[dict[str, Any]]) -> list[str]:
    return [choice["finish_reason"] for chunk in given for choice in chunk["choices"] if choice["finish_reason"]]


def test_text_passes_and_is_rewritten(guard: Guard) -> None:
    for key in ("content", "text"):
        given = list(guarded(guard, chunks(f"{FINE} {PRIVATE}", key)))
        assert shown(given) == f"{FINE} {REDACTED}"
        assert reasons(given) == ["stop"]


def test_a_veto_ends_the_answer_and_the_source(guard: Guard) -> None:
    read = []

    def source() -> Any:
        for chunk in chunks(f"{FINE} It opens at nine. {VILE} " + f"{FINE} " * 40):
            read.append(chunk)
            yield chunk

    given = list(guarded(guard, source()))
    assert shown(given).endswith(TEMPLATE)
    assert "idiot" not in shown(given)
    assert reasons(given) == ["content_filter"]
    assert len(read) < 100, "the model goes on after the veto"


def test_the_source_is_not_changed(guard: Guard) -> None:
    source = list(chunks(PRIVATE))
    list(guarded(guard, source))
    assert source == list(chunks(PRIVATE))


def test_choices_are_apart(guard: Guard) -> None:
    mixed = [chunk for pair in zip(chunks(PRIVATE, index=0), chunks(PRIVATE, index=1), strict=True) for chunk in pair]
    given = list(guarded(guard, mixed))
    assert shown(given, 0) == shown(given, 1) == REDACTED


def test_an_end_that_is_never_told(guard: Guard) -> None:
    assert shown(list(guarded(guard, list(chunks(PRIVATE))[:-1]))) == REDACTED


def test_log_probabilities_do_not_tell_what_is_held(guard: Guard) -> None:
    chunk = {"choices": [{"index": 0, "text": "jo@", "finish_reason": None, "logprobs": {"tokens": ["jo@"]}}]}
    assert Chunks(guard).push(chunk)["choices"][0] == {"index": 0, "text": "", "finish_reason": None, "logprobs": None}


def test_reasoning_is_judged_too(guard: Guard) -> None:
    given = list(guarded(guard, chunks(PRIVATE, "reasoning_content")))
    said = "".join(choice["delta"].get("reasoning_content") or "" for chunk in given for choice in chunk["choices"])
    assert said == REDACTED


def test_chunks_without_text_pass(guard: Guard) -> None:
    usage = {"choices": [], "usage": {"total_tokens": 9}}
    call = {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}, "finish_reason": None}]}
    assert Chunks(guard).push(usage) == usage
    assert Chunks(guard).push(call) == call
