//! Words spelt so that a person reads them and a model does not, spelt as they are read.
//!
//! The text is cut at white space. Most chunks have nothing odd about them, which one look at their bytes tells; the others
//! go through the steps below in order, each of which changes a word only on evidence that another one is meant. Text in
//! any script without such signs stays as it is.

mod homoglyphs;
mod leet;
mod marks;
mod spaced;
mod stretched;
mod survey;
mod typos;

use super::edited::{Edited, Editor};
use super::lexicon::Words;
use crate::verdict::Disguise;
use std::ops::Range;
use survey::{Odd, Survey};

/// One character and the bytes of the source that it stands for.
#[derive(Clone, Copy)]
struct Piece {
    c: char,
    start: usize,
    end: usize,
}

/// The text with disguised words as they are read; nothing where there are none.
pub(super) fn respell(text: &str, words: &Words<'_>) -> Option<(Edited, Vec<Disguise>)> {
    let mut survey = Survey::of(text, words);
    if survey.odd.is_empty() {
        return None;
    }
    let around = homoglyphs::surroundings(text, &survey);
    let heavy = leet::is_heavy(text, &survey, words);
    let mistyped = typos::is_mistyped(text, &survey, words);
    let numbers = if heavy { std::mem::take(&mut survey.numbers) } else { Vec::new() };
    let singles = if around.mixed { std::mem::take(&mut survey.singles) } else { Vec::new() };
    if !(numbers.is_empty() && singles.is_empty()) {
        let more = numbers.into_iter().chain(singles);
        survey.odd.extend(more.map(|range| Odd { range, spaced: false, unknown: false }));
        survey.odd.sort_by_key(|odd| odd.range.start);
    }
    let mut editor = Editor::new(text);
    let mut via = Vec::new();
    let mut done = 0;
    for Odd { range, spaced, .. } in &survey.odd {
        if range.start < done {
            continue;
        }
        done = range.end;
        let source = text.get(range.clone()).unwrap_or_default();
        let mut pieces = pieces(source, range.start);
        let before = via.len();
        let mut note = |changed: bool, disguise| {
            if changed {
                via.push(disguise);
            }
        };
        if *spaced {
            note(spaced::join_across(&mut pieces, words), Disguise::Spaced);
        } else {
            if !source.is_ascii() {
                note(marks::drop_noise(&mut pieces), Disguise::Marks);
                note(homoglyphs::fold(&mut pieces, around, words), Disguise::Homoglyphs);
            }
            note(spaced::join_within(&mut pieces, words), Disguise::Spaced);
            note(leet::fold(&mut pieces, heavy, words), Disguise::Leetspeak);
            note(stretched::shorten(&mut pieces, words), Disguise::Stretched);
            if mistyped {
                note(typos::mend(&mut pieces, words), Disguise::Typos);
            }
        }
        if via.len() > before {
            editor.begin(range);
            for piece in pieces {
                editor.letter(piece.c, piece.start..piece.end);
            }
            editor.end(range.end);
        }
    }
    via.sort_unstable();
    via.dedup();
    Some((editor.finish()?, via))
}

fn pieces(source: &str, start: usize) -> Vec<Piece> {
    source
        .char_indices()
        .map(|(at, c)| Piece { c, start: start + at, end: start + at + c.len_utf8() })
        .collect()
}

/// The letters in lower case.
fn spell(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.c.to_ascii_lowercase()).collect()
}

/// Ranges of the maximal runs of pieces whose characters are `part` of a word.
fn runs(pieces: &[Piece], part: impl Fn(char) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in pieces.iter().enumerate().filter(|(_, piece)| part(piece.c)) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// Replaces each range of pieces by others; ranges are in order and do not overlap.
fn splice(pieces: &mut Vec<Piece>, edits: Vec<(Range<usize>, Vec<Piece>)>) -> bool {
    let changed = !edits.is_empty();
    let mut out = Vec::with_capacity(pieces.len());
    let mut done = 0;
    for (range, new) in edits {
        out.extend(pieces.get(done..range.start).unwrap_or_default());
        out.extend(new);
        done = range.end;
    }
    if changed {
        out.extend(pieces.get(done..).unwrap_or_default());
        *pieces = out;
    }
    changed
}

/// The pieces with other characters, one for one, in the case of the old ones.
fn respelt(pieces: &[Piece], word: &str) -> Vec<Piece> {
    let upper = pieces.iter().filter(|piece| piece.c.is_uppercase()).count();
    let all_upper = upper > 1 && !pieces.iter().any(|piece| piece.c.is_lowercase());
    pieces
        .iter()
        .zip(word.chars())
        .map(|(piece, c)| {
            let upper = all_upper || piece.c.is_uppercase();
            Piece { c: if upper { c.to_ascii_uppercase() } else { c }, ..*piece }
        })
        .collect()
}
