//! Bytes as hexadecimal digits, in one run or in pairs with a sign between them.

use super::super::lexicon::Words;
use super::{Part, Says, readable, runs};
use crate::verdict::Disguise;
use std::ops::Range;

/// Digits of a run that is looked at, at least.
const LEAST: usize = 8;
/// Pairs that stand apart, at least.
const LEAST_PAIRS: usize = 4;
/// Most bytes between two pairs: `, 0x`.
const WIDEST_GAP: usize = 4;

/// Adds the runs that decode to text.
pub(super) fn find(text: &str, words: &Words<'_>, parts: &mut Vec<Part>) {
    let mut pairs: Vec<Range<usize>> = Vec::new();
    for run in runs(text, 2, |byte| byte.is_ascii_hexdigit()) {
        let touches = |at: Option<usize>| {
            let byte = at.and_then(|at| text.as_bytes().get(at));
            byte.is_some_and(u8::is_ascii_alphanumeric)
        };
        let prefixed = text.get(..run.start).is_some_and(|before| before.ends_with("0x"));
        let alone = (prefixed || !touches(run.start.checked_sub(1))) && !touches(Some(run.end));
        if run.len() == 2 && alone {
            let same_gap = follows(text, &pairs, &run);
            if !same_gap {
                together(text, &pairs, words, parts);
                pairs.clear();
            }
            pairs.push(run);
            continue;
        }
        if alone && run.len() >= LEAST && run.len().is_multiple_of(2) {
            together(text, &[run], words, parts);
        }
    }
    together(text, &pairs, words, parts);
}

/// Whether the pair stands behind the others as these behind each other.
fn follows(text: &str, pairs: &[Range<usize>], next: &Range<usize>) -> bool {
    let Some(last) = pairs.last() else { return true };
    let gap = |from: &Range<usize>, to: &Range<usize>| text.get(from.end..to.start);
    let width = next.start - last.end;
    let same = match pairs {
        [first, second, ..] => gap(first, second) == gap(last, next),
        _ => true,
    };
    width <= WIDEST_GAP && same
}

/// Adds what the digits of all ranges say together.
fn together(text: &str, ranges: &[Range<usize>], words: &Words<'_>, parts: &mut Vec<Part>) {
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return };
    if first.len() == 2 && ranges.len() < LEAST_PAIRS {
        return;
    }
    let digits = ranges.iter().filter_map(|range| text.get(range.clone())).flat_map(str::bytes);
    let digits: Vec<u8> = digits.collect();
    let bytes = digits.as_chunks().0.iter().filter_map(|[high, low]| Some(value(*high)? << 4 | value(*low)?));
    if let Some(says) = readable(bytes.collect(), words) {
        let prefix = text.get(..first.start).is_some_and(|before| before.ends_with("0x"));
        let range = first.start - 2 * usize::from(prefix)..last.end;
        parts.push(Part { range, says: Says::Block(says), disguise: Disguise::Hex });
    }
}

/// The value of a hexadecimal digit.
pub(super) const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
