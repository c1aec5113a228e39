"""Texts that the tests of integrations judge, whole and as a model would write them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

# Hosts that would report their use or look for news: this has to be said before they are imported.
os.environ.update(
    {
        "DO_NOT_TRACK": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
        "NEMO_GUARDRAILS_TELEMETRY_ENABLED": "0",
        "OTEL_SDK_DISABLED": "true",
    }
)

FINE = "What time does the library open?"
PRIVATE = "Mail me at jo@example.org please."
REDACTED = "Mail me at [EMAIL] please."
VILE = "You are a complete idiot."
TEMPLATE = "[The rest of this answer was withheld.]"


def tokens(text: str) -> Iterator[str]:
    """A text as a model would write it, in pieces of five characters."""
    yield from (text[start : start + 5] for start in range(0, len(text), 5))


def chunks(text: str, key: str = "content", index: int = 0) -> Iterator[dict[str, Any]]:
    """The same as chunks of OpenAI's shape, the last with the reason for the end."""
    for token in tokens(text):
        body: dict[str, Any] = {"text": token} if key == "text" else {"delta": {key: token}}
        yield {"id": "one", "choices": [{"index": index, "finish_reason": None, **body}]}
    end: dict[str, Any] = {"text": ""} if key == "text" else {"delta": {}}
    yield {"id": "one", "choices": [{"index": index, "finish_reason": "stop", **end}]}
