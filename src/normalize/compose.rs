//! NFKC segment by segment, each character carrying the caller's bytes that it came from.

use super::emoji;
use super::invisible::is_invisible;
use super::map::ByteMap;
use std::iter;
use unicode_normalization::IsNormalized;
use unicode_normalization::char::{canonical_combining_class, compose, decompose_compatible};
use unicode_normalization::is_nfkc_quick;

/// Whether normalization keeps the character wherever it stands.
pub(super) fn is_stable(c: char) -> bool {
    c.is_ascii()
        || (is_nfkc_quick(iter::once(c)) == IsNormalized::Yes
            && canonical_combining_class(c) == 0
            && emoji::name(c).is_none())
}

/// Whether nothing before the character can reorder or compose with it.
pub(super) fn starts_segment(c: char) -> bool {
    let mut first = None;
    decompose_compatible(c, |d| first = first.or(Some(d)));
    first.is_none_or(starts_segment_decomposed)
}

fn starts_segment_decomposed(d: char) -> bool {
    // The quick check's "maybe" marks exactly the characters that can be the second half of a composition.
    d.is_ascii() || (canonical_combining_class(d) == 0 && is_nfkc_quick(iter::once(d)) != IsNormalized::Maybe)
}

/// One character of a segment and the caller's range that it came from.
#[derive(Clone, Copy)]
struct Piece {
    c: char,
    class: u8,
    start: usize,
    end: usize,
}

/// Builds the normalized text and its map.
pub(super) struct Composer {
    text: String,
    map: ByteMap,
    /// Byte of the caller's text that the next character starts at.
    at: usize,
    /// Decomposed characters since the last boundary.
    segment: Vec<Piece>,
    composed: Vec<Piece>,
}

impl Composer {
    /// Starts behind `prefix`, which stays as it is, with about `rest` bytes to come.
    pub(super) fn new(prefix: &str, rest: usize) -> Self {
        let mut text = String::with_capacity(prefix.len() + rest);
        text.push_str(prefix);
        let mut map = ByteMap::identity();
        if !prefix.is_empty() {
            map.push(0, prefix.len(), 0, prefix.len());
        }
        Self { text, map, at: prefix.len(), segment: Vec::new(), composed: Vec::new() }
    }

    /// Appends the caller's text that follows.
    pub(super) fn push_str(&mut self, mut rest: &str) {
        while let Some(c) = rest.chars().next() {
            let plain = rest.bytes().take_while(|&b| b.is_ascii() && b != 0).count();
            // The last letter may take a mark that follows.
            let len = if plain > 1 { plain - 1 } else { c.len_utf8() };
            let Some((head, tail)) = rest.split_at_checked(len) else { return };
            if plain > 1 {
                self.flush();
                self.map.push(self.text.len(), len, self.at, len);
                self.text.push_str(head);
                self.at += len;
            } else {
                self.push(c);
            }
            rest = tail;
        }
    }

    /// The text and its map.
    pub(super) fn finish(mut self) -> (String, ByteMap) {
        self.flush();
        (self.text, self.map)
    }

    fn push(&mut self, c: char) {
        let start = self.at;
        let end = start + c.len_utf8();
        self.at = end;
        if is_invisible(c) {
            return;
        }
        if let Some(name) = emoji::name(c) {
            for c in [' '].into_iter().chain(name.chars()).chain([' ']) {
                self.flush();
                self.segment.push(Piece { c, class: 0, start, end });
            }
            return;
        }
        let c = if c == '\0' { ' ' } else { c };
        if starts_segment(c) {
            self.flush();
        }
        let segment = &mut self.segment;
        decompose_compatible(c, |c| {
            segment.push(Piece { c, class: canonical_combining_class(c), start, end });
        });
    }

    /// Orders, composes and writes the segment (Unicode Standard, sections 3.11 D108 to D117).
    fn flush(&mut self) {
        for marks in self.segment.split_mut(|piece| piece.class == 0) {
            marks.sort_by_key(|piece| piece.class);
        }
        self.composed.clear();
        let mut starter: Option<usize> = None;
        let mut last_class = None;
        for &piece in &self.segment {
            let blocked = last_class.is_some_and(|class| class >= piece.class);
            if !blocked
                && let Some(base) = starter.and_then(|index| self.composed.get_mut(index))
                && let Some(c) = compose(base.c, piece.c)
            {
                base.c = c;
                base.start = base.start.min(piece.start);
                base.end = base.end.max(piece.end);
                continue;
            }
            if piece.class == 0 {
                starter = Some(self.composed.len());
                last_class = None;
            } else {
                last_class = Some(piece.class);
            }
            self.composed.push(piece);
        }
        self.segment.clear();
        // Marks that changed places would map backwards: widen their ranges until both ends rise.
        let mut end = 0;
        for piece in &mut self.composed {
            end = end.max(piece.end);
            piece.end = end;
        }
        let mut start = usize::MAX;
        for piece in self.composed.iter_mut().rev() {
            start = start.min(piece.start);
            piece.start = start;
        }
        for piece in &self.composed {
            self.map.push(self.text.len(), piece.c.len_utf8(), piece.start, piece.end - piece.start);
            self.text.push(piece.c);
        }
    }
}
