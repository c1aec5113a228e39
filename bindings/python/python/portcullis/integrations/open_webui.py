"""
title: Portcullis
author: the Portcullis authors
version: 0.1.0
description: Judges what people write and what models answer, on this machine, and rewrites or withholds it.
requirements: portcullis
"""

# A filter function of Open WebUI: paste this file under Admin, Functions. The lines above are read by Open WebUI.

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from pydantic import BaseModel, Field

from portcullis import Guard
from portcullis.integrations.chunks import Chunks
from portcullis.integrations.messages import judge, slots
from portcullis.integrations.refusal import REFUSAL, Refused

#: Answers under way that are remembered; the oldest gives way, and what it held is not shown.
MOST_STREAMS = 1024


class Filter:
    """Judges messages on their way in, answers on their way out and while they are written."""

    class Valves(BaseModel):
        """What an administrator sets."""

        priority: int = Field(default=0, description="Filters with a lower number run first.")
        policy: str = Field(default="", description="Path of a policy file or bundle; empty for the default policy.")
        models: str = Field(default="", description="Directory of models; empty for the one inside the package.")
        refusal: str = Field(default=REFUSAL, description="Said in place of a text that is withheld.")

    def __init__(self) -> None:
        self.valves = self.Valves()
        self._guards: dict[tuple[str, str], Guard] = {}
        self._streams: OrderedDict[str, Chunks] = OrderedDict()

    async def inlet(self, body: dict[str, Any]) -> dict[str, Any]:
        """Judges the conversation; an exception is what stops a request in Open WebUI and is shown to the person."""
        try:
            await asyncio.to_thread(judge, self._guard(), list(slots(body.get("messages", []))))
        except Refused as refused:
            raise ValueError(f"{self.valves.refusal} ({refused})") from None
        return body

    async def stream(self, event: dict[str, Any], __message_id__: str | None = None) -> dict[str, Any]:
        """Judges an answer while it is written; what is withheld ends it."""
        if not event.get("choices"):
            return event
        name = str(__message_id__ or event.get("id"))
        held = self._streams.pop(name, None) or Chunks(self._guard())
        event = await asyncio.to_thread(held.push, event)
        self._streams[name] = held
        while len(self._streams) > MOST_STREAMS:
            self._streams.popitem(last=False)
        return event

    async def outlet(self, body: dict[str, Any]) -> dict[str, Any]:
        """Judges the whole answer before it is kept."""
        answers = [message for message in body.get("messages", []) if message.get("role") == "assistant"]
        for slot in slots(answers[-1:]):
            try:
                await asyncio.to_thread(judge, self._guard(), [slot])
            except Refused:
                slot.replace(self.valves.refusal)
        return body

    def _guard(self) -> Guard:
        key = (self.valves.policy, self.valves.models)
        if key not in self._guards:
            policy, models = key
            self._guards[key] = Guard(policy=policy or None, models=models or None)
        return self._guards[key]
