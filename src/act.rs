//! Carrying a decision out: the edit script of a rewrite, and the text it gives.

mod key;
mod synthetic;
#[cfg(test)]
mod tests;

pub use key::{HashKey, LEAST_KEY_BYTES};

use thiserror::Error;

use crate::decide::{Replace, Rewrite};
use crate::sentence::Sentences;
use crate::span::Span;
use crate::vault::Vault;
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
    /// A hash is asked for, and there is nothing to key it with.
    #[error("a rewrite by a hash needs a key, found none")]
    NoHashKey,
}

/// What replacements are made with.
#[derive(Clone, Debug, Default)]
pub struct Rewriter {
    key: Option<HashKey>,
}

/// [`Rewriter::edits`] without a key and a vault.
///
/// # Errors
/// As there.
pub fn edits(text: &str, rewrites: &[Rewrite]) -> Result<Vec<Edit>, ActError> {
    Rewriter::default().edits(text, rewrites, None)
}

impl Rewriter {
    /// Replacements under this key, if there is one.
    #[must_use]
    pub const fn new(key: Option<HashKey>) -> Self {
        Self { key }
    }

    /// Whether it has a key to hash with.
    #[must_use]
    pub const fn can_hash(&self) -> bool {
        self.key.is_some()
    }

    /// The edits that carry out all `rewrites` of `text`: sorted, on character boundaries, without overlap. Where an edit
    /// would change nothing there is none.
    ///
    /// A rewrite of the whole text leaves room for no other but notices: the earliest rule's is the one edit. Rewrites that
    /// overlap become one edit over all their bytes, in the way of the longest of them (of the earliest rule, where two
    /// are as long); those that only touch stay apart. A notice is added at the end, unless the text holds it
    /// already.
    ///
    /// With a vault, placeholders are numbered, and the vault keeps what they stand for.
    ///
    /// # Errors
    /// [`ActError::OutOfRange`] and [`ActError::NotOnBoundary`] for a span that is not one of the text's, and
    /// [`ActError::NoHashKey`].
    pub fn edits(
        &self,
        text: &str,
        rewrites: &[Rewrite],
        mut vault: Option<&mut Vault>,
    ) -> Result<Vec<Edit>, ActError> {
        let is_notice = |rewrite: &&Rewrite| matches!(rewrite.replacement, Replace::Append(_));
        let (notices, others): (Vec<&Rewrite>, Vec<&Rewrite>) = rewrites.iter().partition(is_notice);
        let whole = others.iter().filter(|rewrite| rewrite.spans.is_empty()).min_by_key(|r| r.rule);
        let pieces = match whole {
            Some(whole) => vec![(Span::new(0, text.len()), *whole)],
            None => merged(text, &others)?,
        };
        let mut edits = Vec::with_capacity(pieces.len());
        for (Span { start, end }, rewrite) in pieces {
            let found = text.get(start..end).unwrap_or_default();
            let vault = vault.as_deref_mut();
            let replacement = self.replacement(&rewrite.replacement, found, text, vault)?;
            if replacement != found {
                edits.push(Edit { start, end, replacement });
            }
        }
        notify(text, &notices, &mut edits);
        Ok(edits)
    }

    /// What takes the place of `found` in `text`.
    fn replacement(
        &self,
        how: &Replace,
        found: &str,
        text: &str,
        vault: Option<&mut Vault>,
    ) -> Result<String, ActError> {
        let placeholder = |plain: &String| {
            vault.and_then(|vault| vault.keep(plain, found, text)).unwrap_or_else(|| plain.clone())
        };
        Ok(match how {
            Replace::Placeholder(plain) => placeholder(plain),
            Replace::Mask { keep } => mask(found, *keep),
            Replace::Hash { placeholder } => {
                let hash = self.key.as_ref().ok_or(ActError::NoHashKey)?.hash(found);
                format!("{}_{hash}]", placeholder.strip_suffix(']').unwrap_or(placeholder))
            }
            Replace::Synthetic { detector, placeholder: plain } => {
                let seed = HashKey::seed(self.key.as_ref(), found);
                synthetic::synthetic(detector, found, seed).unwrap_or_else(|| placeholder(plain))
            }
            Replace::Sentence => String::new(),
            Replace::Text(text) | Replace::Append(text) => text.clone(),
        })
    }
}

/// Spans in order, those that overlap as one, each with the rewrite that decides about it.
fn merged<'a>(text: &str, rewrites: &[&'a Rewrite]) -> Result<Vec<(Span, &'a Rewrite)>, ActError> {
    let whole_sentences = rewrites.iter().any(|rewrite| rewrite.replacement == Replace::Sentence);
    let sentences = whole_sentences.then(|| Sentences::new(text));
    let mut pieces = Vec::new();
    for rewrite in rewrites {
        for span in &rewrite.spans {
            check(text, span.start, span.end)?;
            let span = match &sentences {
                Some(sentences) if rewrite.replacement == Replace::Sentence => sentences.around(*span),
                _ => *span,
            };
            if !span.is_empty() {
                pieces.push((span, *rewrite));
            }
        }
    }
    pieces.sort_by_key(|(span, rewrite)| (span.start, span.end, rewrite.rule));
    let mut merged: Vec<(Span, &Rewrite)> = Vec::new();
    let mut longest = (0, usize::MAX);
    for (span, rewrite) in pieces {
        let size = span.len();
        match merged.last_mut() {
            Some((last, chosen)) if span.start < last.end => {
                last.end = last.end.max(span.end);
                if size > longest.0 || (size == longest.0 && rewrite.rule < longest.1) {
                    longest = (size, rewrite.rule);
                    *chosen = rewrite;
                }
            }
            _ => {
                longest = (size, rewrite.rule);
                merged.push((span, rewrite));
            }
        }
    }
    Ok(merged)
}

/// Adds the notices that the text does not hold, in the order of their rules, as one edit at its end.
fn notify(text: &str, notices: &[&Rewrite], edits: &mut Vec<Edit>) {
    let mut ordered = notices.to_vec();
    ordered.sort_by_key(|rewrite| rewrite.rule);
    let mut added = String::new();
    for rewrite in ordered {
        let Replace::Append(notice) = &rewrite.replacement else { continue };
        let notice = notice.trim();
        if !text.contains(notice) && !added.contains(notice) {
            let line_ended = added.is_empty() && text.ends_with('\n');
            added.push_str(if line_ended { "\n" } else { "\n\n" });
            added.push_str(notice);
        }
    }
    if !added.is_empty() {
        edits.push(Edit { start: text.len(), end: text.len(), replacement: added });
    }
}

/// The text with `*` for each letter and digit but the last `keep`, of which no more than half are kept.
fn mask(text: &str, keep: usize) -> String {
    let signs = text.chars().filter(|c| c.is_alphanumeric()).count();
    let mut hidden = signs - keep.min(signs / 2);
    let cover = |c: char| {
        let cover = c.is_alphanumeric() && hidden > 0;
        hidden -= usize::from(cover);
        if cover { '*' } else { c }
    };
    text.chars().map(cover).collect()
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
