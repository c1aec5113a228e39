"""Many texts: lists, generators, columns of Arrow, and what is missing among them."""

from collections.abc import Iterator
from typing import Any

import pytest

from checkout import MODELS
from portcullis import Guard, RequestError, Verdict

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

TEXTS = ["How do I descale a kettle?", "Mail jo@example.org – now.", None, "You are a complete idiot.", "Grüße 👋"]


def told(verdicts: list[Any]) -> list[Any]:
    """What does not depend on when a verdict was made."""

    def one(verdict: Verdict | None) -> Any:
        if verdict is None:
            return None
        line = verdict.to_dict()
        return {key: line[key] for key in line if key not in ("timing_us", "decision_id")}

    return [one(verdict) for verdict in verdicts]


@pytest.fixture(scope="module")
def expected(guard: Guard) -> list[Any]:
    return told([None if text is None else guard.check(text) for text in TEXTS])


def test_a_batch_says_what_single_checks_say(guard: Guard, expected: list[Any]) -> None:
    assert told(guard.check_batch(TEXTS)) == expected
    assert told(guard.check_batch(tuple(TEXTS))) == expected
    assert told(guard.check_batch(text for text in TEXTS)) == expected
    assert guard.check_batch([]) == []


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
def test_columns_of_arrow(guard: Guard, expected: list[Any], kind: str) -> None:
    array = pa.array(TEXTS)
    array = array.dictionary_encode() if kind == "dictionary" else array.cast(getattr(pa, kind)())
    assert told(guard.check_batch(array)) == expected
    for start in range(len(TEXTS)):
        for end in range(start, len(TEXTS) + 1):
            part = array.slice(start, end - start)
            assert told(guard.check_batch(part)) == expected[start:end], (kind, start, end)
    chunks = pa.chunked_array([array.slice(1, 3), array.slice(0, 0), array.slice(4)])
    assert told(guard.check_batch(chunks)) == expected[1:]


def test_nulls_far_into_a_column(guard: Guard) -> None:
    texts = [None if n % 3 == 0 else f"Mail a{n}@example.org." for n in range(40)]
    array = pa.array([*(["x"] * 13), *texts]).slice(13)
    for found in (guard.check_batch(array), guard.check_batch(array.slice(5, 20))):
        assert any(verdict is None for verdict in found)
    verdicts = guard.check_batch(array)
    for text, verdict in zip(texts, verdicts, strict=True):
        assert (verdict is None) == (text is None)
        assert verdict is None or verdict.text == "Mail [EMAIL]."


def test_columns_without_a_text(guard: Guard) -> None:
    assert guard.check_batch(pa.array([], pa.string())) == []
    assert guard.check_batch(pa.array([None, None], pa.string())) == [None, None]
    assert guard.check_batch(pa.nulls(3)) == [None] * 3
    assert guard.check_batch(pa.chunked_array([], pa.string())) == []
    with pytest.raises(TypeError, match="int64"):
        guard.check_batch(pa.array([1, 2]))
    with pytest.raises(TypeError, match="binary"):
        guard.check_batch(pa.array([b"a"]))


def test_a_column_that_lies_is_an_error(guard: Guard) -> None:
    offsets, text = pa.array([0, 4, 2], pa.int32()).buffers()[1], pa.py_buffer(b"abcd")
    with pytest.raises(ValueError, match="buffers"):
        guard.check_batch(pa.Array.from_buffers(pa.string(), 2, [None, offsets, text]))
    offsets = pa.array([0, 400], pa.int32()).buffers()[1]
    with pytest.raises(ValueError, match="buffers|larger than"):
        guard.check_batch(pa.Array.from_buffers(pa.string(), 1, [None, offsets, text]))
    offsets = pa.array([0, 2], pa.int32()).buffers()[1]
    bad = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    (refused,) = guard.check_batch(bad, on_error="keep")
    assert isinstance(refused, RequestError) and refused.kind == "invalid_utf8"


def test_whoever_speaks_arrow_is_understood(guard: Guard, expected: list[Any]) -> None:
    class Speaker:
        """As a data frame's column: no class of pyarrow, but its interface."""

        def __init__(self, array: Any) -> None:
            self.array = array

        def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
            return self.array.__arrow_c_array__(requested_schema)

    assert told(guard.check_batch(Speaker(pa.array(TEXTS)))) == expected


def test_one_bad_text_among_many(guard: Guard) -> None:
    texts: list[str | None] = ["Good morning.", "", "Mail jo@example.org."]
    for many in (texts, pa.array(texts)):
        with pytest.raises(RequestError) as caught:
            guard.check_batch(many)
        assert (caught.value.kind, caught.value.index) == ("empty_text", 1)
        first, refused, last = guard.check_batch(many, on_error="keep")
        assert isinstance(first, Verdict) and isinstance(last, Verdict)
        assert isinstance(refused, RequestError) and (refused.kind, refused.index) == ("empty_text", 1)
    with pytest.raises(ValueError, match="on_error"):
        guard.check_batch(texts, on_error="ignore")  # type: ignore[call-overload]


def test_requests_among_texts(guard: Guard) -> None:
    mail = {"id": 1, "text": "Mail jo@example.org.", "role": "tool"}
    many: list[str | dict[str, Any]] = [mail, "Good morning.", {"id": 2, "text": "Good evening."}]
    first, second, third = guard.check_batch(many, role="assistant")
    assert first is not None and second is not None and third is not None
    assert (first.id, second.id, third.id) == (1, None, 2)
    with pytest.raises(RequestError) as caught:
        guard.check_batch([{"txt": "a"}])
    assert caught.value.index == 0


@pytest.mark.parametrize("wrong", ["one text", {"text": "one"}, [1], [b"bytes"], 7])
def test_what_is_no_batch(guard: Guard, wrong: Any) -> None:
    with pytest.raises(TypeError):
        guard.check_batch(wrong)


def test_more_than_one_block(guard: Guard) -> None:
    def texts() -> Iterator[str]:
        for n in range(2100):
            yield f"Mail a{n}@example.org." if n % 700 == 0 else "Hi."

    tiny = Guard(models=MODELS, model="portcullis-tiny")
    column = pa.chunked_array([list(texts())])
    for verdicts in (tiny.check_batch(texts()), tiny.check_batch(column)):
        found = [n for n, verdict in enumerate(verdicts) if verdict is not None and "pii.email" in verdict.rules]
        assert len(verdicts) == 2100 and found == [0, 700, 1400]
    columns = tiny.check_columns(column)
    assert [n for n, rules in enumerate(columns["rules"]) if "pii.email" in rules] == [0, 700, 1400]


def test_columns_say_what_verdicts_say(guard: Guard) -> None:
    texts = [*TEXTS, ""]
    for many in (texts, pa.array(texts)):
        columns = guard.check_columns(many)
        verdicts = guard.check_batch(many, on_error="keep")
        names = ["decision", "text", "coverage", "rules", "error", "policy", "model"]
        assert list(columns) == names + [f"score.{name}" for name in guard.score_names]
        assert {len(column) for column in columns.values()} == {len(texts)}
        for row, verdict in enumerate(verdicts):
            line = {name: column[row] for name, column in columns.items()}
            if isinstance(verdict, Verdict):
                assert line.pop("policy") == guard.policy["digest"] and line.pop("model") == guard.model["digest"]
                assert line.pop("error") is None
                for name in ("decision", "text", "coverage", "rules"):
                    assert line.pop(name) == getattr(verdict, name)
                assert line == {f"score.{name}": score for name, score in verdict.scores.items()}
            else:
                assert line.pop("error") == (None if verdict is None else "empty_text")
                assert set(line.values()) == {None}
    table = pa.table(guard.check_columns(pa.array(texts)))
    assert table.num_rows == len(texts) and table.column("rules").type == pa.list_(pa.string())
