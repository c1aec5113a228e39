//! The form of a text that every rail reads: invisible characters dropped, emoji in words, then Unicode NFKC, mapped back
//! byte by byte.
//!
//! Look-alike spellings (`ｉｇｎｏｒｅ`, `ﬁle`, a zero-width space inside a word) must not hide a text from a rail, and what a
//! rail finds must be cut out of the caller's text exactly. So [`Normalized`] holds both the folded text and the map from
//! each of its bytes to the caller's bytes that produced it.
//!
//! NFKC is [Unicode Standard Annex #15](https://www.unicode.org/reports/tr15/). Composition is tracked character by
//! character, so a composed letter maps to its base and its marks, and one letter of a ligature maps to the whole ligature.

use crate::span::{NormalizedSpan, Span};
use std::borrow::Cow;

mod compose;
mod emoji;
mod invisible;
mod map;
#[cfg(test)]
mod tests;

pub use invisible::is_invisible;

pub(crate) use map::ByteMap;

use compose::Composer;

/// A text without invisible characters, in NFKC, with U+0000 read as a space and emoji as their names between spaces.
#[derive(Clone)]
pub struct Normalized<'a> {
    text: Cow<'a, str>,
    map: ByteMap,
}

impl<'a> Normalized<'a> {
    /// Normalizes `text`; borrows it, without allocating, where there is nothing to change.
    ///
    /// Time and memory are linear in the text, except that the marks behind one base character are sorted.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let kept = unchanged_prefix(text);
        let Some((prefix, rest)) = text.split_at_checked(kept).filter(|(_, rest)| !rest.is_empty()) else {
            return Self { text: Cow::Borrowed(text), map: ByteMap::identity() };
        };
        let mut composer = Composer::new(prefix, rest.len());
        composer.push_str(rest);
        let (text, map) = composer.finish();
        Self { text: Cow::Owned(text), map }
    }

    /// The normalized text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The map to the caller's text.
    pub(crate) const fn map(&self) -> &ByteMap {
        &self.map
    }

    /// The normalized text and its map.
    pub(crate) fn into_parts(self) -> (Cow<'a, str>, ByteMap) {
        (self.text, self.map)
    }

    /// Whether it differs from the caller's text.
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        matches!(self.text, Cow::Owned(_))
    }

    /// The smallest range of the caller's text that produced `span`, on its character boundaries.
    ///
    /// `span` is first widened to character boundaries and cut at the end of the text. A range that touches a part of what
    /// one caller's character became takes in that whole character. Invisible characters inside the range are covered,
    /// those at its edges are not. An empty `span` gives an empty range.
    #[must_use]
    pub fn to_caller(&self, span: NormalizedSpan) -> Span {
        let start = self.text.floor_char_boundary(span.start);
        if span.end <= span.start {
            let at = if start < self.text.len() { self.map.start(start) } else { self.map.end(start) };
            return Span::new(at, at);
        }
        let end = self.text.ceil_char_boundary(span.end);
        if start == end {
            let at = self.map.end(end);
            return Span::new(at, at);
        }
        Span::new(self.map.start(start), self.map.end(end))
    }
}

// The judged text stays out of Debug output.
impl std::fmt::Debug for Normalized<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Normalized")
            .field("bytes", &self.text.len())
            .field("changed", &self.is_changed())
            .finish()
    }
}

/// Length of a prefix that normalization keeps byte for byte, whatever follows it.
fn unchanged_prefix(text: &str) -> usize {
    if text.is_ascii() && !text.as_bytes().contains(&0) {
        return text.len();
    }
    // What follows may still compose with the character before it, so only the last boundary is safe.
    let mut boundary = 0;
    for (at, c) in text.char_indices() {
        if c == '\0' || is_invisible(c) || !compose::is_stable(c) {
            return boundary;
        }
        if compose::starts_segment(c) {
            boundary = at;
        }
    }
    text.len()
}
