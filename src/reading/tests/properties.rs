//! Whatever the text: readings map back, rewriting through them touches nothing else, and work is linear.

use super::{WORDS, readings_with};
use crate::act::{apply, edits};
use crate::decide::{Replace, Rewrite};
use crate::reading::Lexicon;
use crate::span::NormalizedSpan;
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pieces of which hostile texts are made.
fn piece() -> impl Strategy<Value = String> {
    let listed = prop::sample::select(vec![
        "k1ll",
        "h.a.t.e",
        "i d i o t",
        "idioooot",
        "іdіоt",
        "сор",
        "🅷🅰🆃🅴",
        "🇭 🇦 🇹",
        "\u{202E}toidi\u{202C}",
        "\u{202E}",
        "\u{E0068}\u{E0069}",
        "\u{E0068}",
        "\u{FE01}",
        "a\u{336}\u{300}",
        "WW91IGFyZSBhbiBpZGlvdA==",
        "aWRpb3Q=",
        "6b696c6c206d65",
        "%6b%69ll",
        "%",
        "=6b=69ll",
        "=\n",
        "&#107;ill",
        "&amp;#107;ill",
        "\\u006bill",
        "\\ud83d\\ude00",
        "\\x6b",
        "Lbh ner na vqvbg",
        "toidi na era uoY",
        "sutpid mornos",
        " ",
        "\n",
        ".",
        "ﷺ",
        "0x",
        "ß",
        "é",
        "中",
        "%ff",
        "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29y\naGVsbG8gd29ybGQ=",
        "\u{200B}",
    ]);
    prop_oneof![3 => listed.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from), 1 => "[ -~]{0,6}"]
}

fn hostile() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn readings_map_back_and_rewrites_touch_nothing_else(text in hostile(), from in 0usize..60, len in 1usize..20) {
        for reading in readings_with(&text, &*WORDS, 3).list() {
            let said = reading.text();
            let start = from.min(said.len().saturating_sub(1));
            let span = reading.to_caller(NormalizedSpan::new(start, start + len));
            let rewrite = Rewrite { rule: 0, spans: vec![span], replacement: Replace::Text("[X]".to_owned()) };
            let script = edits(&text, &[rewrite]).unwrap();
            let rewritten = apply(&text, &script).unwrap();
            prop_assert!(rewritten.starts_with(text.get(..span.start).unwrap()));
            prop_assert!(rewritten.ends_with(text.get(span.end..).unwrap()));
        }
    }

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        readings_with(&text, &*WORDS, 8);
    }

    #[test]
    fn the_same_text_has_the_same_readings(text in hostile()) {
        let said = || -> Vec<String> {
            readings_with(&text, &*WORDS, 3).list().iter().map(|reading| reading.text().to_owned()).collect()
        };
        prop_assert_eq!(said(), said());
    }
}

/// Counts what is looked up.
struct Counting(AtomicUsize);

impl Lexicon for Counting {
    fn rank(&self, word: &str) -> Option<u32> {
        self.0.fetch_add(word.len(), Ordering::Relaxed);
        WORDS.rank(word)
    }

    fn pieces(&self, word: &str) -> usize {
        self.0.fetch_add(word.len() * word.len(), Ordering::Relaxed);
        Lexicon::pieces(&*WORDS, word)
    }
}

/// Bytes looked up in a text of `unit` over and over, and bytes of its readings.
fn work(unit: &str, bytes: usize) -> (usize, usize) {
    let text = unit.repeat(bytes / unit.len());
    let normalized = crate::normalize::Normalized::new(&text);
    let counting = Counting(AtomicUsize::new(0));
    let readings = super::Readings::new(&text, &normalized, &counting, 3);
    let said = readings.list().iter().map(|reading| reading.text().len()).sum();
    (counting.0.into_inner(), said)
}

const UNITS: [&str; 22] = [
    "a", "aa ", "1", "k1", "4", "a ", "a.", ".", "a-b.", "aaaab", "%61", "%", "=6", "&#97;", "&", "\\u0061",
    "\\", "vtaber ", "aWRpb3Q=", "61", "🇭", "і",
];

#[test]
fn work_is_linear_whatever_the_text() {
    for unit in UNITS {
        let (small, _) = work(unit, 20_000);
        let (large, said) = work(unit, 200_000);
        assert!(large <= 11 * small + 100_000, "{unit:?}: {small} bytes are looked up, then {large}");
        assert!(said <= 4 * 200_000, "{unit:?} reads as {said} bytes");
    }
}
