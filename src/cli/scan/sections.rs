//! Where a long text is cut: at the ends of paragraphs and lines, with an overlap that no shorter match is torn by.

use std::ops::Range;

/// The most bytes judged together, so that a finding says where in a long text it is.
const SECTION: usize = 32 << 10;
/// The least bytes that two neighbours share: the length from which a stream may be cut anywhere, too.
const OVERLAP: usize = 4 << 10;

/// The sections of a text: one that is no longer than a section is one. A text of which the `whole` has to be judged together is cut
/// only where it is over the policy's `limit`.
pub(super) fn sections(text: &str, limit: usize, whole: bool) -> Vec<Range<usize>> {
    let most = if whole { limit } else { limit.min(SECTION) };
    let overlap = OVERLAP.min(most / 8);
    let mut sections = Vec::new();
    let mut start = 0;
    while text.len() - start > most {
        let cut = cut(text, start, most);
        sections.push(start..cut);
        start = next_start(text, cut, overlap).max(start + 1);
        while !text.is_char_boundary(start) {
            start += 1;
        }
    }
    sections.push(start..text.len());
    sections
}

/// The end of the section from `start` on: the last end of a paragraph in its second half, or else of a line, or of a word.
fn cut(text: &str, start: usize, most: usize) -> usize {
    let end = text.floor_char_boundary(start + most);
    if end <= start {
        return text.ceil_char_boundary(start + 1);
    }
    let from = text.ceil_char_boundary(start + most / 2).min(end);
    let half = text.get(from..end).unwrap_or_default();
    let after = |mark: &str| half.rfind(mark).map(|at| from + at + mark.len());
    let space = || {
        half.rfind(char::is_whitespace)
            .and_then(|at| Some(from + at + half.get(at..)?.chars().next()?.len_utf8()))
    };
    after("\n\n").or_else(|| after("\n")).or_else(space).unwrap_or(end)
}

/// The beginning of the next section: that of a line, where one begins soon enough.
fn next_start(text: &str, cut: usize, overlap: usize) -> usize {
    let latest = text.floor_char_boundary(cut - overlap.min(cut));
    let earliest = text.floor_char_boundary(latest - overlap.min(latest));
    let before = text.get(earliest..latest).unwrap_or_default();
    before.rfind('\n').map_or(latest, |at| earliest + at + 1)
}

#[cfg(test)]
mod tests;
