"""Conversations in OpenAI's shape: every text in them judged in its own role, and rewritten in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from portcullis.integrations.refusal import released

if TYPE_CHECKING:
    from portcullis import Guard

#: What the guard calls the roles; the application's own words are not judged.
ROLES = {"user": "user", "assistant": "assistant", "tool": "tool", "function": "tool"}
OWN = ("system", "developer")


class Slot(NamedTuple):
    """A text, its role, and how to put another in its place."""

    role: str
    text: str
    replace: Callable[[str], None]


def item(role: str, holder: Any, key: Any) -> Iterator[Slot]:
    """The slot under a key of a mapping or list, where a text is there."""
    text = holder.get(key) if isinstance(holder, dict) else holder[key]
    if isinstance(text, str) and text:
        yield Slot(role, text, partial(holder.__setitem__, key))


def attribute(role: str, holder: Any, name: str) -> Iterator[Slot]:
    """The slot in an attribute, where a text is there."""
    text = getattr(holder, name, None)
    if isinstance(text, str) and text:
        yield Slot(role, text, partial(setattr, holder, name))


def slots(messages: Iterable[Any]) -> Iterator[Slot]:
    """The texts of messages: their `content`, or the `text` of its parts."""
    for message in messages:
        if not isinstance(message, dict) or message.get("role") in OWN:
            continue
        role = ROLES.get(str(message.get("role")), "user")
        yield from item(role, message, "content")
        if isinstance(message.get("content"), list):
            for part in message["content"]:
                if isinstance(part, dict):
                    yield from item(role, part, "text")


def judge(guard: Guard, found: Iterable[Slot]) -> None:
    """Replaces each text by what the guard releases of it; raises `Refused`, with all in place, where it releases nothing."""
    found = list(found)
    verdicts = guard.check_batch([{"text": slot.text, "role": slot.role} for slot in found])
    for slot, text in zip(found, [released(verdict) for verdict in verdicts if verdict is not None], strict=True):
        slot.replace(text)
