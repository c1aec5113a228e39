"""LangChain's values: the texts in them, each in its role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompt_values import ChatPromptValue, StringPromptValue

#: What becomes of one text in one role.
Visit = Callable[[str, str], str]


def visit_texts(value: Any, role: str, visit: Visit) -> Any:
    """The value with each of its texts as `visit` answers it."""
    if isinstance(value, str):
        return visit(role, value) if value else value
    if isinstance(value, SystemMessage):
        return value
    if isinstance(value, BaseMessage):
        return value.model_copy(update={"content": _content(value.content, _role(value, role), visit)})
    if isinstance(value, ChatPromptValue):
        return ChatPromptValue(messages=visit_texts(list(value.messages), role, visit))
    if isinstance(value, StringPromptValue):
        return StringPromptValue(text=visit_texts(value.text, role, visit))
    if isinstance(value, dict):
        return {key: visit_texts(part, role, visit) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([visit_texts(part, role, visit) for part in value])
    return value


def _content(content: Any, role: str, visit: Visit) -> Any:
    """A message's content: a string, or parts with `text`."""
    if isinstance(content, str):
        return visit(role, content) if content else content
    return [
        {**part, "text": visit(role, part["text"])}
        if isinstance(part, dict) and isinstance(part.get("text"), str) and part["text"]
        else (visit(role, part) if isinstance(part, str) and part else part)
        for part in content
    ]


def _role(message: BaseMessage, role: str) -> str:
    for kind, word in ((HumanMessage, "user"), (AIMessage, "assistant"), (ToolMessage, "tool")):
        if isinstance(message, kind):
            return word
    return role


def appended(chunk: Any, text: str) -> Any:
    if isinstance(chunk, str):
        return chunk + text
    if isinstance(chunk.content, str):
        return chunk.model_copy(update={"content": chunk.content + text})
    return chunk.model_copy(update={"content": [*chunk.content, {"type": "text", "text": text}]})
