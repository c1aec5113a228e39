//! The tokens of one text, in buffers that are used again for the next.

use super::bert::Scratch;
use super::format::Hash;
use super::windows::Windowing;
use crate::span::NormalizedSpan;
use std::fmt;
use std::ops::Range;

/// Letters and digits in words from which a text can be called unreadable.
const LEAST_WRITTEN: usize = 12;

/// How much of a text is in words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Legibility {
    /// Letters and digits in words.
    pub written: usize,
    /// Those of them that make no sense.
    pub unreadable: usize,
}

impl Legibility {
    /// The share that is unreadable, in `0..=1`, when `known` of the unreadable characters are known for what they are,
    /// such as keys and account numbers; 0 where less than twelve are left.
    #[must_use]
    pub fn unreadable_share(self, known: usize) -> f32 {
        let known = known.min(self.unreadable);
        match self.written - known {
            ..LEAST_WRITTEN => 0.0,
            written => (self.unreadable - known) as f32 / written as f32,
        }
    }
}

/// Whether the token at `span` is part of a word and not a sign.
fn is_in_word(text: &str, span: &NormalizedSpan) -> bool {
    text.get(span.start..span.end).is_some_and(|piece| piece.chars().all(char::is_alphanumeric))
}

/// Ids and byte ranges of a text's tokens, without special tokens.
///
/// Keep one for each worker: after the first texts, encoding allocates nothing.
#[derive(Default)]
pub struct Tokens {
    /// Vocabulary ids, in the order of the text.
    pub ids: Vec<u32>,
    /// For each id the bytes of the normalized text that it stands for.
    pub spans: Vec<NormalizedSpan>,
    /// Characters of the normalized text inside words, that is all but spaces and dropped controls.
    pub chars: usize,
    /// How many of [`chars`](Self::chars) the vocabulary has no tokens for, so that the model cannot read them.
    pub unknown_chars: usize,
    pub(super) scratch: Scratch,
    pub(super) hashes: Vec<Hash>,
}

impl Tokens {
    /// No tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many tokens there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the text has no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether the text is one word that is whole in the vocabulary.
    #[must_use]
    pub fn is_one_word(&self) -> bool {
        self.ids.len() == 1 && self.unknown_chars == 0
    }

    /// The letters and digits of `text`, whose tokens these are, and those of them in words that the vocabulary has to take
    /// apart into pieces of two characters or less in the mean: what no one wrote to be read, or not in this language.
    ///
    /// Words of one or two characters, and those without a letter, are left out.
    #[must_use]
    pub fn legibility(&self, text: &str) -> Legibility {
        let (mut all, mut unreadable) = (0, 0);
        let mut word = (0..0, 0);
        let end = NormalizedSpan { start: usize::MAX, end: usize::MAX };
        for span in self.spans.iter().chain([&end]) {
            let word_goes_on = span.start == word.0.end && is_in_word(text, span);
            if word_goes_on {
                word = (word.0.start..span.end, word.1 + 1);
                continue;
            }
            let written = text.get(word.0.clone()).unwrap_or_default();
            let length = written.chars().count();
            if length > 2 && written.chars().any(char::is_alphabetic) {
                all += length;
                unreadable += if 2 * word.1 >= length { length } else { 0 };
            }
            word = if is_in_word(text, span) { (span.start..span.end, 1) } else { (span.end..span.end, 0) };
        }
        Legibility { written: all, unreadable }
    }

    /// Ranges of [`ids`](Self::ids), each of at most `window - 2` tokens; every token is in at least one.
    ///
    /// Neighbours share the given overlap. Where there are two or more, each is full: the last one starts earlier rather
    /// than being short. A text without tokens has no window.
    pub fn windows(&self, windowing: Windowing) -> impl Iterator<Item = Range<usize>> + use<> {
        windowing.ranges(self.ids.len())
    }

    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.spans.clear();
        self.chars = 0;
        self.unknown_chars = 0;
    }

    pub(super) fn push(&mut self, id: u32, span: NormalizedSpan) {
        self.ids.push(id);
        self.spans.push(span);
    }
}

// The ids spell the judged text, so Debug shows sizes only.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("len", &self.ids.len())
            .field("chars", &self.chars)
            .field("unknown_chars", &self.unknown_chars)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
