"""Normalization and duplicate keys."""

from train.normalize import key, ngram_keys, normalize, squeezed


def test_invisible_characters_vanish():
    assert normalize("ig\u200bno\u00adre\ufeff") == "ignore"
    assert normalize("a\U000e0041b\U000e007fc") == "abc"
    assert normalize("x\u202ey\u2066z") == "xyz"


def test_nul_counts_as_a_space():
    assert normalize("a\0b") == "a b"


def test_compatibility_forms_fold_after_the_removal():
    assert normalize("\uff49\uff47\uff4e\uff4f\uff52\uff45") == "ignore"
    assert normalize("e\u200b\u0301") == "\u00e9"


def test_ordinary_text_stays():
    text = "Tab\there,\nline there \u2013 na\u00efve \u2192"
    assert normalize(text) == text


def test_keys_ignore_case_spacing_and_punctuation():
    assert key("Hello,  World!") == key("hello world")
    assert key("hello world") != key("hello word")
    assert squeezed("A-b_C 1") == "abc1"


def test_runs_of_seven_words():
    assert len(ngram_keys("one two three four five six")) == 0
    assert len(ngram_keys("one two three four five six seven eight")) == 2
    assert ngram_keys("One, two three four five six SEVEN") == ngram_keys("one two three four five six seven")


def test_emoji_are_named():
    assert normalize("you \U0001F412!") == "you  monkey !"
    assert normalize("\U0001F469\u200d\U0001F680") == " woman  rocket "
