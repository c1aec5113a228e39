//! One rung of the decode ladder: every encoded part of a text that decodes to text, decoded in its place.
//!
//! Each decoder scans the text once and looks at what it decodes: bytes that are no text, or words that are none, were not
//! encoded, whatever they look like. What is decoded is never longer than what it was encoded in.

mod base64;
mod escapes;
mod hex;
mod turned;

use super::edited::{Edited, Editor};
use super::lexicon::Words;
use crate::verdict::Disguise;
use std::ops::Range;

/// An encoded part of a text and what it says.
struct Part {
    /// Bytes of the text.
    range: Range<usize>,
    says: Says,
    disguise: Disguise,
}

/// What a part says.
enum Says {
    /// One text for the whole part.
    Block(String),
    /// Characters, each with the bytes that it was encoded in.
    Letters(Vec<(char, Range<usize>)>),
}

/// Letters of a word that counts as evidence, at least.
const LEAST_WORD: usize = 3;
/// Bytes of a text that needs no known word to be one, at least.
const LEAST_PLAIN: usize = 16;

/// The text with its encoded parts decoded; nothing where there are none.
pub(super) fn decode(text: &str, words: &Words<'_>) -> Option<(Edited, Vec<Disguise>)> {
    let mut parts = Vec::new();
    escapes::find(text, words, &mut parts);
    base64::find(text, words, &mut parts);
    hex::find(text, words, &mut parts);
    turned::find(text, words, &mut parts);
    if parts.is_empty() {
        return None;
    }
    // Of two that overlap the one that begins first, then the longer one, then the one found first.
    parts.sort_by_key(|part| (part.range.start, std::cmp::Reverse(part.range.end)));
    let mut editor = Editor::new(text);
    let mut via = Vec::new();
    let mut done = 0;
    for part in parts {
        if part.range.start < done {
            continue;
        }
        done = part.range.end;
        via.push(part.disguise);
        editor.begin(&part.range);
        match part.says {
            Says::Block(says) => editor.block(&says, part.range.clone()),
            Says::Letters(letters) => {
                for (c, from) in letters {
                    editor.letter(c, from);
                }
            }
        }
        editor.end(part.range.end);
    }
    via.sort_unstable();
    via.dedup();
    Some((editor.finish()?, via))
}

/// The bytes as text that a person could have written, or that encodes another: printable, and either of some length and
/// mostly letters or without a space, or mostly of known words.
fn readable(bytes: Vec<u8>, words: &Words<'_>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let (mut chars, mut letters) = (0, 0);
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
            return None;
        }
        chars += 1;
        letters += usize::from(c.is_alphabetic() || c == ' ');
    }
    let encoded = || text.bytes().all(|byte| byte.is_ascii_graphic());
    let plain = text.len() >= LEAST_PLAIN && (10 * letters >= 6 * chars || encoded());
    (plain || is_of_words(&text, words)).then_some(text)
}

/// Whether known words of three letters or more, one of them longer, hold most of the letters of the text.
fn is_of_words(text: &str, words: &Words<'_>) -> bool {
    let (mut all, mut known, mut longest) = (0, 0, 0);
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        all += word.len();
        if word.len() >= LEAST_WORD && words.knows(word) {
            known += word.len();
            longest = longest.max(word.len());
        }
    }
    longest > LEAST_WORD && 2 * known >= all
}

/// Maximal runs of bytes that are `part` of something, of at least `least` bytes.
fn runs(text: &str, least: usize, part: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let rest = bytes.get(at..)?;
            let len = rest.iter().take_while(|&&byte| part(byte)).count();
            let start = at;
            // What ends the run is no part of one.
            at += len + 1;
            if len >= least {
                return Some(start..start + len);
            }
        }
        None
    })
}
