//! What is read, what is left alone, and that every reading maps back.

mod benign;
mod decoded;
mod documented;
mod properties;
mod respelt;

use super::{Lexicon, Reading, Readings};
use crate::bundle::{Bundle, Bytes};
use crate::normalize::Normalized;
use crate::span::{NormalizedSpan, Span};
use crate::tokenize::WordPiece;
use crate::verdict::Disguise;
use std::sync::LazyLock;

static WORDS: LazyLock<WordPiece<Bytes>> = LazyLock::new(|| Bundle::embedded_words().expect("a vocabulary"));

fn readings_with(text: &str, lexicon: &dyn Lexicon, depth: usize) -> Readings {
    let normalized = Normalized::new(text);
    let readings = Readings::new(text, &normalized, lexicon, depth);
    for reading in readings.list() {
        check(text, &normalized, reading);
    }
    readings
}

fn readings(text: &str) -> Vec<Reading> {
    readings_with(text, &*WORDS, 3).list().to_vec()
}

/// What a reading must be, whatever the text.
fn check(text: &str, normalized: &Normalized<'_>, reading: &Reading) {
    let said = reading.text();
    assert_ne!(said, normalized.text());
    assert!(!reading.via().is_empty() && reading.via().is_sorted());
    assert!(!reading.places().is_empty());
    let mut done = 0;
    for place in reading.places() {
        assert!(done <= place.start && place.start < place.end, "places in order");
        assert!(text.get(place.start..place.end).is_some(), "on boundaries");
        done = place.end;
    }
    let mut last = Span::new(0, 0);
    for (at, c) in said.char_indices() {
        let span = reading.to_caller(NormalizedSpan::new(at, at + c.len_utf8()));
        assert!(span.start < span.end, "byte {at} of {said:?} is from nothing");
        assert!(text.get(span.start..span.end).is_some(), "on boundaries");
        assert!(last.start <= span.start && last.end <= span.end, "ranges fall at byte {at} of {said:?}");
        last = span;
        // Outside the places nothing was changed but by normalization.
        if !reading.places().iter().any(|place| place.overlaps(span)) {
            let own = text.get(span.start..span.end).unwrap_or_default();
            assert!(Normalized::new(own).text().contains(c), "{c:?} is not from {own:?}");
        }
    }
    let whole = reading.to_caller(NormalizedSpan::new(0, usize::MAX));
    assert!(text.get(whole.start..whole.end).is_some());
}

/// Each text has the reading beside it, which saw through just that; all that do not are named.
fn all_read_as<const N: usize>(cases: [(&str, &str, &[Disguise]); N]) {
    let mut wrong = Vec::new();
    for (text, expected, via) in cases {
        let (said, saw) = read(text);
        if said != expected || saw != via {
            wrong.push(format!("{text:?} reads {said:?} {saw:?}, expected {expected:?} {via:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The one reading of a text, and what it saw through.
fn read(text: &str) -> (String, Vec<Disguise>) {
    match readings(text).as_slice() {
        [] => (String::new(), Vec::new()),
        all => {
            let last = all.last().expect("one");
            (last.text().to_owned(), last.via().to_vec())
        }
    }
}

/// The caller's bytes of the first place where a reading says `part`.
fn place(text: &str, part: &str) -> String {
    let found = readings(text)
        .iter()
        .find_map(|reading| {
            let start = reading.text().find(part)?;
            Some(reading.to_caller(NormalizedSpan::new(start, start + part.len())))
        })
        .expect("the part is there");
    text.get(found.start..found.end).expect("boundaries").to_owned()
}
