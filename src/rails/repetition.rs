//! The repetition rail: one short unit over and over, which fills most of a text.
//!
//! Such texts waste a reader's time or a model's budget, and are a known way to make a model leave its course.

#[cfg(test)]
mod tests;

use crate::span::Span;
use crate::verdict::{Detection, Source};

pub(super) const NAME: &str = "text.repetition";
pub(super) const PLACEHOLDER: &str = "[REPEATED TEXT]";

/// The unit fills nine tenths of the text, and more than half.
const NEARLY_ALL: f32 = 0.9;
const MOST: f32 = 0.6;

/// Shortest text that is looked at, and longest unit, in bytes.
const LEAST_TEXT: usize = 512;
const LONGEST_UNIT: usize = 64;
/// Pieces in which a unit is looked for: a run over half of the text holds at least three of the middles of eight parts.
const PIECES: usize = 8;
const PIECE: usize = 2 * LONGEST_UNIT;

/// Appends one detection when a unit of at most 64 bytes, repeated without a gap, makes up more than half of a text of at
/// least 512 bytes; its span is the longest such run. Time is linear in `text.len()`.
pub fn scan(text: &str, out: &mut Vec<Detection>) {
    let bytes = text.as_bytes();
    if bytes.len() < LEAST_TEXT {
        return;
    }
    let mut units: Vec<usize> = (0..PIECES)
        .filter_map(|piece| {
            let middle = bytes.len() * (2 * piece + 1) / (2 * PIECES);
            let start = middle.min(bytes.len() - PIECE);
            unit(bytes.get(start..start + PIECE)?)
        })
        .collect();
    units.sort_unstable();
    units.dedup();
    let longest =
        units.into_iter().filter_map(|unit| longest_run(bytes, unit)).max_by_key(|run| run.1 - run.0);
    let Some((start, end)) = longest else { return };
    let (start, end) = (text.ceil_char_boundary(start), text.floor_char_boundary(end));
    let filled = end.saturating_sub(start);
    let score = match () {
        () if filled * 10 >= bytes.len() * 9 => NEARLY_ALL,
        () if filled * 2 > bytes.len() => MOST,
        () => return,
    };
    out.push(Detection {
        detector: NAME.to_owned(),
        category: "repetition".to_owned(),
        score,
        spans: vec![Span::new(start, end)],
        source: Source::Pattern,
        via: Vec::new(),
        place: None,
        repair: None,
    });
}

/// The shortest length after which the whole piece repeats.
fn unit(piece: &[u8]) -> Option<usize> {
    (1..=LONGEST_UNIT).find(|&unit| piece.get(unit..) == piece.get(..piece.len() - unit))
}

/// The longest range in which every byte is that of `unit` bytes before, the first unit included.
fn longest_run(bytes: &[u8], unit: usize) -> Option<(usize, usize)> {
    let mut longest: Option<(usize, usize)> = None;
    let mut start = 0;
    let shifted = bytes.get(unit..)?;
    for (at, (now, before)) in shifted.iter().zip(bytes).enumerate() {
        if now != before {
            start = at + 1;
        } else if longest.is_none_or(|(from, to)| at + unit + 1 - start > to - from) {
            longest = Some((start, at + unit + 1));
        }
    }
    longest
}
