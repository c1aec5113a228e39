//! Properties of the normalized text and of its map.

use super::{Normalized, emoji, is_invisible};
use crate::span::{NormalizedSpan, Span};
use proptest::prelude::*;
use std::time::{Duration, Instant};
use unicode_normalization::UnicodeNormalization;

/// What the text must be, straight from the definition.
fn reference(text: &str) -> String {
    let spell = |c: char| match (c, emoji::name(c)) {
        (_, Some(name)) => format!(" {name} "),
        ('\0', None) => " ".to_owned(),
        _ => c.to_string(),
    };
    let spelt: String = text.chars().filter(|&c| !is_invisible(c)).map(spell).collect();
    spelt.nfkc().collect()
}

fn mapped(text: &str, part: &str) -> (usize, usize) {
    let normalized = Normalized::new(text);
    let start = normalized.text().find(part).expect("the part is there");
    let span = normalized.to_caller(NormalizedSpan::new(start, start + part.len()));
    (span.start, span.end)
}

fn check(text: &str) {
    let normalized = Normalized::new(text);
    let out = normalized.text();
    assert_eq!(out, reference(text));
    let whole = normalized.to_caller(NormalizedSpan::new(0, out.len()));
    let mut visible = text
        .char_indices()
        .filter(|&(_, c)| !is_invisible(c))
        .map(|(at, c)| Span::new(at, at + c.len_utf8()));
    // Nothing visible is left out, and nothing invisible at the edges is taken in.
    if let (Some(first), Some(last)) = (visible.clone().next(), visible.next_back()) {
        assert_eq!(whole, Span::new(first.start, last.end));
    }
    let mut before = Span::new(0, 0);
    for (at, c) in out.char_indices() {
        let span = normalized.to_caller(NormalizedSpan::new(at, at + c.len_utf8()));
        assert!(span.start < span.end && span.end <= text.len());
        assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
        assert!(before.start <= span.start && before.end <= span.end, "ranges fall at byte {at}");
        // No visible character between two neighbours belongs to neither.
        let gap = text.get(before.end..span.start.max(before.end)).expect("boundaries");
        assert!(gap.chars().all(is_invisible), "a gap at byte {at}");
        before = span;
        if let Some(own) = text.get(span.start..span.end) {
            assert!(reference(own).contains(c) || own.chars().count() > 1);
        }
    }
    // Any range, on boundaries or not, is the hull of its characters.
    for start in 0..=out.len().min(40) {
        for end in start..=out.len().min(40) {
            let span = normalized.to_caller(NormalizedSpan::new(start, end));
            assert!(span.start <= span.end && text.get(span.start..span.end).is_some());
        }
    }
    assert!(text.get(normalized.to_caller(NormalizedSpan::new(0, usize::MAX)).end..).is_some());
}

#[test]
fn spellings_that_hide() {
    assert_eq!(Normalized::new("ｉｇｎｏｒｅ ﬁle ①").text(), "ignore file 1");
    assert_eq!(mapped("xx ｉｇ ", "ig"), (3, 9));
    assert_eq!(mapped("a\u{200B}b\u{200B}", "ab"), (0, 5));
    assert_eq!(mapped("a\u{200B}b\u{200B}", "b"), (4, 5));
    assert_eq!(Normalized::new("a\0b").text(), "a b");
    assert_eq!(mapped("a\0b", "b"), (2, 3));
}

#[test]
fn ligatures_map_whole() {
    assert_eq!(mapped("oﬃce", "f"), (1, 4));
    assert_eq!(mapped("oﬃce", "fi"), (1, 4));
    assert_eq!(mapped("oﬃce", "ic"), (1, 5));
    let text = "a ﷺ b";
    assert_eq!(mapped(text, "الله"), (2, 5));
    assert_eq!(mapped(text, "b"), (6, 7));
}

#[test]
fn composition_crosses_characters() {
    // Letter and mark, with an invisible character between them.
    assert_eq!(Normalized::new("cafe\u{200D}\u{301}!").text(), "café!");
    assert_eq!(mapped("cafe\u{200D}\u{301}!", "é"), (3, 9));
    assert_eq!(mapped("cafe\u{200D}\u{301}!", "!"), (9, 10));
    // The dot below joins the letter, the acute before it stays.
    let text = "q a\u{301}\u{323} q";
    assert_eq!(Normalized::new(text).text(), "q \u{1EA1}\u{301} q".nfkc().collect::<String>());
    // Hangul letters.
    assert_eq!(mapped("x\u{1112}\u{1161}\u{11AB}y", "한"), (1, 10));
    // Vowel signs that are starters: joined where they compose, apart where they do not.
    assert_eq!(mapped("\u{9C7}\u{9BE}", "\u{9CB}"), (0, 6));
    assert_eq!(mapped("\u{FB01}\u{995}\u{9BE}", "\u{9BE}"), (6, 9));
    // A compatibility character whose decomposition takes a mark.
    check("\u{FB01}\u{301}x");
    check("\u{212B}\u{301}\u{FF76}\u{FF9E}");
}

#[test]
fn emoji_are_named() {
    assert_eq!(Normalized::new("you 🐒!").text(), "you  monkey !");
    assert_eq!(mapped("you 🐒!", "monkey"), (4, 8));
    assert_eq!(mapped("you 🐒!", "!"), (8, 9));
    // Joiners and variation selectors vanish, and each part has its name.
    assert_eq!(Normalized::new("👩\u{200D}🚀❤\u{FE0F}").text(), " woman  rocket  red heart ");
    assert_eq!(mapped("👩\u{200D}🚀", "rocket"), (7, 11));
    check("🙂\u{301}🙂🙂");
    check("x🐒🏿\u{FE0F}y ①🐒é");
}

#[test]
fn empty_and_outside() {
    for text in ["", "\u{200B}", "é", "ﬁ"] {
        let normalized = Normalized::new(text);
        check(text);
        for at in [0, 1, 2, 3, usize::MAX] {
            assert!(normalized.to_caller(NormalizedSpan::new(at, at)).is_empty());
        }
    }
    let normalized = Normalized::new("ab\u{200B}");
    assert_eq!(normalized.to_caller(NormalizedSpan::new(5, 9)), Span::new(2, 2));
}

#[test]
fn unchanged_text_is_borrowed() {
    for text in ["plain text\n", "curly “quotes” — naïve café", "ελληνικά", "漢字かな", "한국어", "→ ▪ ©"]
    {
        assert!(matches!(Normalized::new(text).text, std::borrow::Cow::Borrowed(_)), "{text}");
        check(text);
    }
}

#[test]
fn every_character_alone_and_behind_a_letter() {
    for c in '\0'..=char::MAX {
        let text = format!("e{c}a");
        let normalized = Normalized::new(&text);
        assert_eq!(normalized.text(), reference(&text), "U+{:04X}", u32::from(c));
        // Folding must not bring back what was dropped.
        assert!(!normalized.text().contains(is_invisible), "U+{:04X}", u32::from(c));
        if normalized.text().ends_with('a') {
            let len = normalized.text().len();
            let span = normalized.to_caller(NormalizedSpan::new(len - 1, len));
            assert_eq!(span, Span::new(text.len() - 1, text.len()), "U+{:04X}", u32::from(c));
        }
    }
}

#[test]
fn a_million_marks_take_linear_time() {
    let marks = ['\u{301}', '\u{323}', '\u{315}', '\u{334}', '\u{345}'];
    let text: String = std::iter::once('a').chain(marks.iter().copied().cycle().take(500_000)).collect();
    let started = Instant::now();
    let normalized = Normalized::new(&text);
    assert_eq!(normalized.text(), reference(&text));
    let len = normalized.text().len();
    assert_eq!(normalized.to_caller(NormalizedSpan::new(0, len)), Span::new(0, text.len()));
    // Quadratic work would take minutes.
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn debug_holds_no_text() {
    assert!(!format!("{:?}", Normalized::new("seｃret")).contains("secret"));
}

/// Characters that decompose, compose, reorder or vanish, between plain ones.
fn tricky() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        4 => prop::char::range(' ', '~'),
        2 => prop::char::range('\u{300}', '\u{36F}'),
        1 => prop::char::range('\u{C0}', '\u{24F}'),
        1 => prop::char::range('\u{1100}', '\u{11FF}'),
        1 => prop::char::range('\u{AC00}', '\u{AC40}'),
        1 => prop::char::range('\u{900}', '\u{DFF}'),
        1 => prop::char::range('\u{2000}', '\u{2150}'),
        1 => prop::char::range('\u{3040}', '\u{33FF}'),
        2 => prop::char::range('\u{F900}', '\u{FFFF}'),
        1 => prop::char::range('\u{1D100}', '\u{1D4FF}'),
        1 => prop::char::range('\u{1F300}', '\u{1F6FF}'),
        1 => prop::char::range('\u{11000}', '\u{11FFF}'),
        1 => prop::char::range('\u{2F800}', '\u{2FA1F}'),
        1 => Just('\0'),
        1 => any::<char>(),
    ];
    prop::collection::vec(c, 0..40).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn text_and_map_hold(text in tricky()) {
        check(&text);
    }

    #[test]
    fn ascii_is_the_identity(text in "[\\x01-\\x7F]{0,80}", start in 0usize..80, len in 0usize..80) {
        let normalized = Normalized::new(&text);
        prop_assert_eq!(normalized.text(), &text);
        let start = start.min(text.len());
        let end = (start + len).min(text.len());
        prop_assert_eq!(normalized.to_caller(NormalizedSpan::new(start, end)), Span::new(start, end));
    }
}
