//! The words of a text: runs of letters and digits.

use std::ops::Range;

/// Where each word is, in bytes.
pub(super) fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    for (at, character) in text.char_indices().filter(|(_, character)| character.is_alphanumeric()) {
        let end = at + character.len_utf8();
        match words.last_mut() {
            Some(word) if word.end == at => word.end = end,
            _ => words.push(at..end),
        }
    }
    words
}

/// The text with some ranges written anew; they are in order and do not overlap.
pub(super) fn replaced(text: &str, edits: impl IntoIterator<Item = (Range<usize>, String)>) -> String {
    let mut written = String::with_capacity(text.len());
    let mut done = 0;
    for (range, new) in edits {
        written.push_str(text.get(done..range.start).unwrap_or_default());
        written.push_str(&new);
        done = range.end;
    }
    written.push_str(text.get(done..).unwrap_or_default());
    written
}
