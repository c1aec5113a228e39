//! Letters repeated for emphasis, or to slip past a word list.

use super::super::lexicon::{Cost, Words};
use super::{Piece, runs, spell, splice};

/// Equal letters in a row from which they are stretched.
const STRETCHED: usize = 3;
/// Stretched letters of a word that are tried once and twice; the others are written once.
const MOST_TRIED: usize = 4;

/// Writes stretched letters once or twice, whichever gives the better word; whether there were any.
pub(super) fn shorten(pieces: &mut Vec<Piece>, words: &Words<'_>) -> bool {
    let mut edits = Vec::new();
    for run in runs(pieces, |c| c.is_ascii_alphanumeric()) {
        let word = pieces.get(run.clone()).unwrap_or_default();
        if let Some(short) = shortened(word, words) {
            edits.push((run, short));
        }
    }
    splice(pieces, edits)
}

fn shortened(word: &[Piece], words: &Words<'_>) -> Option<Vec<Piece>> {
    let same = |one: &Piece, other: &Piece| one.c.eq_ignore_ascii_case(&other.c);
    let groups: Vec<&[Piece]> = word.chunk_by(same).collect();
    let stretched = groups.iter().filter(|group| group.len() >= STRETCHED).count();
    // Digits beside the letters: a key or a number, not a word.
    let letters = word.iter().all(|piece| piece.c.is_ascii_alphabetic());
    // One letter alone is a numeral, a size or a sound.
    if stretched == 0 || groups.len() == 1 || !letters || words.knows(&spell(word)) {
        return None;
    }
    let mut best: Option<(Cost, usize, Vec<Piece>)> = None;
    // Twice comes first, so that of two words as good the one nearer to what is written is taken.
    for twice in (0..1_usize << stretched.min(MOST_TRIED)).rev() {
        let short = write(&groups, twice);
        let cost = words.cost(&spell(&short));
        if best.as_ref().is_none_or(|(found, ..)| cost < *found) {
            best = Some((cost, short.len(), short));
        }
    }
    let (cost, len, short) = best?;
    // Not a word, and not near one: noise, or letters that mean something else.
    (cost.pieces == 1 || 3 * cost.pieces <= len + 2).then_some(short)
}

/// The groups with each stretched one written twice where its bit is set, else once. A letter stands for its whole group.
fn write(groups: &[&[Piece]], twice: usize) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut place = 0;
    for group in groups {
        let [first, .., last] = group else {
            out.extend(*group);
            continue;
        };
        if group.len() < STRETCHED {
            out.extend(*group);
            continue;
        }
        let second = place < MOST_TRIED && twice >> place & 1 == 1;
        place += 1;
        if second {
            out.push(*first);
            out.push(Piece { c: last.c, start: first.end, end: last.end });
        } else {
            out.push(Piece { c: first.c, start: first.start, end: last.end });
        }
    }
    out
}
