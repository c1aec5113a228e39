"""The guard over what llama-cpp-python streams, from llama.cpp itself and a model that is made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from samples import FINE, PRIVATE, REDACTED, TEMPLATE, VILE

pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed: scripts/python.sh --integrations")
pytest.importorskip("gguf", reason="gguf is not installed: scripts/python.sh --integrations")

from llama_cpp import Llama
from parrot import write_parrot

from portcullis import Guard
from portcullis.integrations.llama_cpp import guarded


def model(directory: Path, sentence: str) -> Any:
    """A model that says the sentence."""
    path = directory / "parrot.gguf"
    write_parrot(path, distinct(sentence))
    return Llama(model_path=str(path), n_ctx=256, n_threads=1, verbose=False)


def distinct(sentence: str) -> list[str]:
    """The sentence cut into pieces of which no two are the same."""
    pieces: list[str] = []
    rest = sentence
    while rest:
        length = 3
        while rest[:length] in pieces:
            length += 1
        pieces.append(rest[:length])
        rest = rest[length:]
    return pieces


def test_completions(tmp_path: Path, guard: Guard) -> None:
    llama = model(tmp_path, f"{FINE} {PRIVATE}")
    raw = "".join(chunk["choices"][0]["text"] for chunk in llama.create_completion("?", max_tokens=99, temperature=0, stream=True))
    assert raw.strip() == f"{FINE} {PRIVATE}", "the model does not say what it was made to say"
    stream = llama.create_completion("?", max_tokens=99, temperature=0, stream=True)
    chunks = list(guarded(guard, stream))
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks).strip() == f"{FINE} {REDACTED}"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_chats(tmp_path: Path, guard: Guard) -> None:
    llama = model(tmp_path, f"{FINE} It opens at nine o'clock in the morning. {VILE} Nobody likes you, and now you know it too.")
    stream = llama.create_chat_completion([{"role": "user", "content": "?"}], max_tokens=99, temperature=0, stream=True)
    chunks = list(guarded(guard, stream))
    shown = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert shown.endswith(TEMPLATE) and "idiot" not in shown
    assert chunks[-1]["choices"][0]["finish_reason"] == "content_filter"
    with pytest.raises(StopIteration):
        next(iter(stream))
