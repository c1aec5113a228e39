//! The words of a text as the uncased BERT models see them, without a vocabulary.

use super::bert::{self, Scratch};
use super::format::Rules;
use super::windows::Windowing;
use crate::span::NormalizedSpan;
use std::fmt;
use std::mem;
use std::ops::Range;

/// Controls dropped, ideographs apart, accents off, lower case.
const RULES: Rules =
    Rules { clean_text: true, handle_chinese_chars: true, strip_accents: true, lowercase: true };
/// A longer word counts as several, each of this many bytes but the last, so that no word fills a window.
const LONGEST: usize = 32;
const SPACE: u8 = b' ';

/// The words of one text, in buffers that are used again for the next.
#[derive(Default)]
pub struct Words {
    /// Every word with a space before it, and a last space: " the words ".
    text: Vec<u8>,
    /// Where each word's space lies, and at last the last one.
    starts: Vec<usize>,
    scratch: Scratch,
}

impl Words {
    /// No words.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the content by the words of a normalized text; a punctuation mark is one, too.
    pub fn split(&mut self, text: &str) {
        let Self { text: out, starts, scratch } = self;
        out.clear();
        starts.clear();
        let mut taken = mem::take(scratch);
        bert::words(text, RULES, &mut taken, |word| {
            for part in word.text.chunks(LONGEST) {
                starts.push(out.len());
                out.push(SPACE);
                out.extend_from_slice(part);
            }
        });
        *scratch = taken;
        starts.push(out.len());
        out.push(SPACE);
    }

    /// Where each word of a normalized text lies, one that counts as several as often as it counts.
    #[must_use]
    pub fn places(text: &str) -> Vec<NormalizedSpan> {
        let mut places = Vec::new();
        bert::words(text, RULES, &mut Scratch::default(), |word| {
            places.extend(word.text.chunks(LONGEST).map(|_| word.span));
        });
        places
    }

    /// How many words there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether the text has no word.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ranges of words; every word is in at least one. A text without words has none.
    pub fn windows(&self, windowing: Windowing) -> impl Iterator<Item = Range<usize>> + use<> {
        windowing.ranges(self.len())
    }

    /// The words in `range`, UTF-8 but for words that were cut, each with a space on either side; none past the last.
    pub fn spaced(&self, range: Range<usize>) -> impl Iterator<Item = &[u8]> {
        let starts = self.starts.get(range.start..range.end.saturating_add(1)).unwrap_or_default();
        starts.array_windows().filter_map(|[start, end]| self.text.get(*start..=*end))
    }
}

// The words are the judged text, so Debug shows their number only.
impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut words = Words::new();
        words.split("what was there before");
        words.split(text);
        words.spaced(0..words.len()).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn words_are_small_and_apart() {
        assert_eq!(of("Hello, W\u{F6}rld!"), [" hello ", " , ", " world ", " ! "]);
        assert_eq!(of("\u{4E2D}\u{6587}"), [" \u{4E2D} ", " \u{6587} "]);
        assert_eq!(of(" \t\u{1} "), [""; 0]);
    }

    #[test]
    fn long_words_are_cut() {
        let long = "a".repeat(2 * LONGEST + 1);
        assert_eq!(of(&long).iter().map(String::len).collect::<Vec<_>>(), [LONGEST + 2, LONGEST + 2, 3]);
    }

    #[test]
    fn places_go_with_the_words() {
        let text = format!("Hi, {} W\u{F6}rld", "a".repeat(LONGEST + 1));
        let mut words = Words::new();
        words.split(&text);
        let places = Words::places(&text);
        assert_eq!(places.len(), words.len());
        let read: Vec<&str> = places.iter().map(|place| text.get(place.start..place.end).unwrap()).collect();
        let long = "a".repeat(LONGEST + 1);
        assert_eq!(read, ["Hi", ",", &long, &long, "W\u{F6}rld"]);
    }

    #[test]
    fn a_window_is_a_part() {
        let mut words = Words::new();
        assert!(words.is_empty() && words.spaced(0..1).next().is_none());
        words.split("one two three");
        assert_eq!(words.len(), 3);
        assert_eq!(words.spaced(1..2).collect::<Vec<_>>(), [b" two "]);
        assert_eq!(words.spaced(2..4).count(), 0, "a range past the last word");
        assert!(!format!("{words:?}").contains("two"));
    }
}
