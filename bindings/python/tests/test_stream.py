"""Live text: streams, filters, and what becomes of the rest after a veto."""

from collections.abc import AsyncIterator, Iterator

import asyncio
import pytest

from portcullis import Guard, Piece, Vetoed

ANSWER = "Sure! Grüße 👋 an jo@example.org. The garden opens at nine. Ask at the gate.\n"
SHOWN = ANSWER.replace("jo@example.org", "[EMAIL]")


@pytest.fixture(scope="module")
def stopping(guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> Guard:
    """A guard whose policy vetoes addresses, with words for a stream that it stops."""
    policy = tmp_path_factory.mktemp("policy") / "policy.toml"
    policy.write_text(
        """schema = 1
id = "stopping"
version = "1.0.0"

[[rule]]
id = "no-mail"
detector = "pii.email"
threshold = 0.5
action = "veto"
"""
    )
    return Guard(policy=policy, threads=1)


def chunks(text: str, size: int) -> Iterator[bytes]:
    raw = text.encode()
    for start in range(0, len(raw), size):
        yield raw[start : start + size]


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_any_split_gives_the_same(guard: Guard, size: int) -> None:
    stream = guard.stream()
    pieces: list[Piece] = []
    for chunk in chunks(ANSWER, size):
        pieces += stream.push(chunk)
        assert stream.held <= len(ANSWER.encode())
    pieces += stream.finish()
    assert "".join(piece.text for piece in pieces) == SHOWN
    assert [(piece.start, piece.end) for piece in pieces][0][0] == 0
    assert stream.closed and stream.decision == "rewrite" and stream.held == 0
    (rewritten,) = [piece for piece in pieces if piece.decision == "rewrite"]
    (finding,) = rewritten.findings
    assert ANSWER.encode()[slice(*finding.spans[0])] == b"jo@example.org"
    assert rewritten.released and rewritten.edits and rewritten.to_dict()["text"] == rewritten.text
    assert (rewritten.coverage, rewritten.coverage_reason, rewritten.fault) == ("full", None, None)


def test_a_filter_gives_the_safe_text(guard: Guard) -> None:
    live = guard.filter(chunks(ANSWER, 5))
    parts = list(live)
    assert "".join(parts) == SHOWN and len(parts) > 1 and all(parts)
    assert (live.decision, live.closed, live.stopped_by) == ("rewrite", True, None)
    assert list(live) == []
    assert "".join(guard.filter([ANSWER])) == SHOWN


def test_a_veto_ends_the_filter(stopping: Guard) -> None:
    read = []

    def answer() -> Iterator[str]:
        begin = ["The garden is open today until nine. It is free.\n", "Write to jo@example.org.\n"]
        for sentence in [*begin, *(f"Gate number {n} is green.\n" for n in range(50))]:
            read.append(sentence)
            yield sentence

    live = stopping.filter(answer())
    shown = "".join(live)
    assert "open today" in shown and "jo@" not in shown and "green" not in shown
    assert live.decision == "veto" and live.closed and len(read) < 50
    assert live.stopped_by is not None and live.stopped_by.findings[0].rule == "no-mail"


def test_a_veto_is_raised_where_asked_for(stopping: Guard) -> None:
    begin = "The garden is open today until nine. It is free.\n"
    live = stopping.filter([begin, "Write to jo@example.org. The gate is green.\n"], on_veto="raise")
    shown = []
    with pytest.raises(Vetoed) as caught:
        for part in live:
            shown.append(part)
    assert "open today" in "".join(shown)
    assert caught.value.piece.decision == "veto" and "jo@" not in str(caught.value)
    with pytest.raises(ValueError, match="on_veto"):
        stopping.filter([], on_veto="ignore")  # type: ignore[arg-type]


def test_what_is_no_text_ends_a_stream(guard: Guard) -> None:
    stream = guard.stream()
    pieces = stream.push(b"Good morning. \xff\xfe And more.")
    assert stream.closed and not pieces[-1].released and pieces[-1].fault
    assert stream.push("more") == [] and stream.finish() == []
    with pytest.raises(TypeError):
        stream.push(7)  # type: ignore[arg-type]


def test_an_asynchronous_filter(guard: Guard, stopping: Guard) -> None:
    async def answer() -> AsyncIterator[bytes]:
        for chunk in chunks(ANSWER, 5):
            await asyncio.sleep(0)
            yield chunk

    async def main() -> None:
        live = guard.filter_async(answer())
        assert "".join([part async for part in live]) == SHOWN
        assert (live.decision, live.closed, live.stopped_by) == ("rewrite", True, None)
        with pytest.raises(Vetoed):
            _ = [part async for part in stopping.filter_async(answer(), on_veto="raise")]

    asyncio.run(main())
