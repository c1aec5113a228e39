import random

import pytest

from train import frames


@pytest.mark.parametrize("frame", (*frames._ANY, *frames._PRESSED))
def test_every_dress_holds_the_question_in_some_form(frame):
    assert any(slot in frame for slot in ("{q}", "{starred}")) or ("{head}" in frame and "{tail}" in frame)


def test_no_slot_stays_open_and_what_a_question_holds_is_kept():
    asked = "Why is {q} written as %s?"
    for seed in range(400):
        text = frames.frame(asked, seed % 2 == 0, random.Random(seed))
        slots = ("{who}", "{where}", "{for}", "{n}", "{m}", "{head}", "{tail}", "{starred}")
        assert not any(slot in text for slot in slots)
        assert text.lower().replace("*", "").replace("\"; b = \"", "").count(asked.lower()) == 1


def test_nothing_presses_for_an_answer_to_an_innocent_question():
    for seed in range(400):
        text = frames.frame("How do I boil an egg?", False, random.Random(seed))
        assert "refuse" not in text.lower() and "scruples" not in text.lower()
