//! Carrying a decision out: the edit script of a rewrite, and the text it gives.

#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::decide::Rewrite;
use crate::verdict::Edit;

/// Why a text cannot be edited. Messages hold offsets only.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActError {
    /// A range that ends before it begins or past the text.
    #[error("the edit covers bytes {start}..{end}, expected a range inside the text's {len} bytes")]
    OutOfRange {
        /// First byte.
        start: usize,
        /// One past the last byte.
        end: usize,
        /// Length of the text.
        len: usize,
    },
    /// A range that cuts a character.
    #[error("the edit begins or ends at byte {at}, inside a character, expected a boundary")]
    NotOnBoundary {
        /// The offset.
        at: usize,
    },
    /// Edits out of order or over one another.
    #[error(
        "an edit begins at byte {start}, expected byte {expected} or later: edits are sorted and do not overlap"
    )]
    Overlap {
        /// Where it begins.
        start: usize,
        /// Where the one before ends.
        expected: usize,
    },
}

/// The edits that carry out all `rewrites` of `text`: sorted, on character boundaries, without overlap.
///
/// A rewrite of the whole text leaves room for no other: the earliest rule's is the one edit. Redactions that overlap
/// become one edit over all their bytes, with the placeholder of the longest of them (of the earliest rule, where two
/// are as long); redactions that only touch stay apart.
///
/// # Errors
/// [`ActError::OutOfRange`] and [`ActError::NotOnBoundary`] for a span that is not one of the text's.
pub fn edits(text: &str, rewrites: &[Rewrite]) -> Result<Vec<Edit>, ActError> {
    if let Some(whole) = rewrites.iter().filter(|rewrite| rewrite.spans.is_empty()).min_by_key(|r| r.rule) {
        return Ok(vec![Edit { start: 0, end: text.len(), replacement: whole.replacement.clone() }]);
    }
    let mut pieces = Vec::new();
    for rewrite in rewrites {
        for span in &rewrite.spans {
            check(text, span.start, span.end)?;
            if !span.is_empty() {
                pieces.push((*span, rewrite));
            }
        }
    }
    pieces.sort_by_key(|(span, rewrite)| (span.start, span.end, rewrite.rule));
    let mut edits: Vec<Edit> = Vec::new();
    let mut longest = (0, usize::MAX);
    for (span, rewrite) in pieces {
        let size = span.len();
        match edits.last_mut() {
            Some(last) if span.start < last.end => {
                last.end = last.end.max(span.end);
                if size > longest.0 || (size == longest.0 && rewrite.rule < longest.1) {
                    longest = (size, rewrite.rule);
                    last.replacement.clone_from(&rewrite.replacement);
                }
            }
            _ => {
                longest = (size, rewrite.rule);
                edits.push(Edit {
                    start: span.start,
                    end: span.end,
                    replacement: rewrite.replacement.clone(),
                });
            }
        }
    }
    Ok(edits)
}

/// The text with the edits applied; every byte outside them is untouched.
///
/// # Errors
/// Any [`ActError`], when the edits are not such as [`edits`] makes for this text.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, ActError> {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        check(text, edit.start, edit.end)?;
        let overlap = ActError::Overlap { start: edit.start, expected: done };
        out.push_str(text.get(done..edit.start).ok_or(overlap)?);
        out.push_str(&edit.replacement);
        done = edit.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Ok(out)
}

fn check(text: &str, start: usize, end: usize) -> Result<(), ActError> {
    if start > end || end > text.len() {
        return Err(ActError::OutOfRange { start, end, len: text.len() });
    }
    match [start, end].into_iter().find(|&at| !text.is_char_boundary(at)) {
        Some(at) => Err(ActError::NotOnBoundary { at }),
        None => Ok(()),
    }
}
