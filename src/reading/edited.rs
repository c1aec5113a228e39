//! A text with some parts spelt anew, and the map from it back to the text it was made from.

use crate::normalize::ByteMap;
use std::ops::Range;

/// What an edit gave.
pub(super) struct Edited {
    /// The new text.
    pub(super) text: String,
    /// From its bytes to the source's.
    pub(super) map: ByteMap,
    /// The ranges of the source that were spelt anew, in order, neighbours that touch as one.
    pub(super) places: Vec<Range<usize>>,
}

/// Writes an [`Edited`] from front to back; ranges of the source must rise.
pub(super) struct Editor<'a> {
    source: &'a str,
    done: usize,
    edited: Edited,
}

impl<'a> Editor<'a> {
    /// Nothing written yet.
    pub(super) fn new(source: &'a str) -> Self {
        let edited = Edited { text: String::new(), map: ByteMap::identity(), places: Vec::new() };
        Self { source, done: 0, edited }
    }

    /// Writes `c` for the characters in `from`; what lies between the last range and this one is dropped.
    pub(super) fn letter(&mut self, c: char, from: Range<usize>) {
        let Edited { text, map, .. } = &mut self.edited;
        map.push(text.len(), c.len_utf8(), from.start, from.len());
        text.push(c);
        self.done = self.done.max(from.end);
    }

    /// Writes `text` for the whole of `from`, which is not empty: no part of it can be told from another.
    pub(super) fn block(&mut self, text: &str, from: Range<usize>) {
        if !text.is_empty() {
            self.edited.map.push_block(self.edited.text.len(), from.start, from.len());
            self.edited.text.push_str(text);
        }
        self.done = self.done.max(from.end);
    }

    /// Begins an edit of `range`: keeps the source up to it and notes the place.
    pub(super) fn begin(&mut self, range: &Range<usize>) {
        self.keep_to(range.start);
        match self.edited.places.last_mut() {
            Some(last) if last.end >= range.start => last.end = range.end,
            _ => self.edited.places.push(range.clone()),
        }
    }

    /// Ends an edit at byte `end` of the source: what was not written of it is dropped.
    pub(super) fn end(&mut self, end: usize) {
        self.done = self.done.max(end);
    }

    /// The new text; nothing where there was no edit.
    pub(super) fn finish(mut self) -> Option<Edited> {
        if self.edited.places.is_empty() {
            return None;
        }
        self.keep_to(self.source.len());
        Some(self.edited)
    }

    fn keep_to(&mut self, at: usize) {
        let kept = self.source.get(self.done..at).unwrap_or_default();
        if kept.is_empty() {
            return;
        }
        let Edited { text, map, .. } = &mut self.edited;
        map.push(text.len(), kept.len(), self.done, kept.len());
        text.push_str(kept);
        self.done = at;
    }
}
