//! The tokens of one text, in buffers that are used again for the next.

use super::bert::Scratch;
use super::format::Hash;
use super::windows::Windowing;
use crate::span::NormalizedSpan;
use std::fmt;
use std::ops::Range;

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
