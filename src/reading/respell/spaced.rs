//! Words whose letters stand apart, by white space or by one sign.

use super::super::lexicon::Words;
use super::{Piece, leet, spell, splice};
use std::ops::Range;

/// Letters of a word that is put together, at least.
const LEAST: usize = 3;
/// Letters that are cut into words at a time.
const MOST: usize = 128;
/// Signs that part letters.
const SIGNS: &str = ".-_*/\\~'`\",+=|:;#^·•…–—";
/// Capitals with full stops that are initials, at most.
const MOST_INITIALS: usize = 5;
/// Most signs between two letters.
const WIDEST: usize = 3;
/// The longest word that letters are cut into.
const LONGEST: usize = 20;
/// A word of two letters in a row of words is one of so many of the commonest.
const COMMON: u32 = 3_000;
/// A longer word among them that carries the others.
const CARRIES: usize = 4;
const CARRIES_RANK: u32 = 15_000;
/// Letters for each piece of a word that is not known whole, at least.
const LETTERS_A_PIECE: usize = 3;
/// The same where a sign parts the letters, which has fewer uses than a space.
const LETTERS_A_PIECE_PARTED: usize = 2;

/// Joins letters parted by white space: `h a t e`; where some gaps are wider than others, these part words.
pub(super) fn join_across(pieces: &mut Vec<Piece>, words: &Words<'_>) -> bool {
    let letters: Vec<Piece> = pieces.iter().filter(|piece| !piece.c.is_whitespace()).copied().collect();
    let gap = |pair: &[Piece; 2]| {
        let [one, other] = pair;
        other.start - one.end
    };
    let narrow = letters.array_windows().map(gap).min().unwrap_or_default();
    let mut out = Vec::with_capacity(pieces.len());
    let mut changed = false;
    let mut last: Option<Piece> = None;
    for group in letters.chunk_by(|one, other| other.start - one.end <= narrow) {
        // The white space before the group stays.
        if let (Some(last), Some(first)) = (last, group.first()) {
            out.push(Piece { c: ' ', start: last.end, end: first.start });
        }
        last = group.last().copied();
        let how = Join { a_piece: LETTERS_A_PIECE, alone: group.len() == letters.len() };
        match joined(group, how, words) {
            Some(joined) => {
                out.extend(joined);
                changed = true;
            }
            None => {
                let mut before: Option<&Piece> = None;
                for piece in group {
                    if let Some(before) = before {
                        out.push(Piece { c: ' ', start: before.end, end: piece.start });
                    }
                    out.push(*piece);
                    before = Some(piece);
                }
            }
        }
    }
    if changed {
        *pieces = out;
    }
    changed
}

/// Joins letters of a chunk parted by a sign, the same one each time: `h.a.t.e`.
pub(super) fn join_within(pieces: &mut Vec<Piece>, words: &Words<'_>) -> bool {
    let mut edits = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let rest = pieces.get(at..).unwrap_or_default();
        let after_word = at.checked_sub(1).and_then(|before| pieces.get(before)).is_some_and(is_part);
        let (letters, len) = row(rest);
        if !after_word
            && letters.len() >= LEAST
            && !is_initials(&letters, rest, words)
            && let Some(joined) = joined(&letters, WITHIN, words)
        {
            edits.push((at..at + len, joined));
        }
        at += len.max(1);
    }
    splice(pieces, edits)
}

/// The letters of the row that begins here, and how many pieces it spans.
fn row(pieces: &[Piece]) -> (Vec<Piece>, usize) {
    let mut letters = Vec::new();
    let mut sign = None;
    let mut at = 0;
    let mut len = 0;
    while let Some(letter) = pieces.get(at).filter(|piece| is_part(piece)) {
        let next = pieces.get(at + 1);
        // A letter with another behind it begins a word of its own.
        if next.is_some_and(is_part) {
            break;
        }
        letters.push(*letter);
        len = at + 1;
        let Some(next) = next else { break };
        let sign = *sign.get_or_insert(next.c);
        if !SIGNS.contains(sign) {
            break;
        }
        let signs = pieces.get(at + 1..).unwrap_or_default();
        let signs = signs.iter().take(WIDEST).take_while(|piece| piece.c == sign).count();
        if signs == 0 {
            break;
        }
        at += 1 + signs;
    }
    (letters, len)
}

/// Whether the row is initials rather than a word: a few capitals with full stops.
fn is_initials(letters: &[Piece], row: &[Piece], words: &Words<'_>) -> bool {
    let stopped = row.get(1).is_some_and(|sign| sign.c == '.');
    let capitals = letters.iter().all(|piece| piece.c.is_ascii_uppercase());
    stopped && capitals && letters.len() <= MOST_INITIALS && !words.lists(&spell(letters))
}

fn is_part(piece: &Piece) -> bool {
    piece.c.is_alphanumeric() || matches!(piece.c, '@' | '$')
}

/// How sure one must be of a row.
#[derive(Clone, Copy)]
struct Join {
    /// Letters for each piece of a word that is not known, at least.
    a_piece: usize,
    /// Whether no other row is beside it.
    alone: bool,
}

const WITHIN: Join = Join { a_piece: LETTERS_A_PIECE_PARTED, alone: true };

/// The letters as a word, or as several with a space between them; nothing where they are none.
fn joined(letters: &[Piece], how: Join, words: &Words<'_>) -> Option<Vec<Piece>> {
    let alphabetic = letters.iter().filter(|piece| piece.c.is_ascii_alphabetic()).count();
    if letters.len() < LEAST || 2 * alphabetic < letters.len() {
        return None;
    }
    let mut out = Vec::with_capacity(letters.len());
    for part in letters.chunks(MOST) {
        let word = match leet::best(part, words) {
            Some((word, _)) => word,
            None => spell(part),
        };
        // Three letters alone in a row are a list, a product or initials as often as a word.
        let doubtful = how.alone && letters.len() == LEAST && !words.lists(&word);
        if doubtful || !word.bytes().all(|byte| byte.is_ascii_lowercase()) || is_alphabet(&word) {
            return None;
        }
        let respelt = super::respelt(part, &word);
        let mut before: Option<Piece> = out.last().copied();
        for range in meant(&word, how.a_piece, words)? {
            let word = respelt.get(range).unwrap_or_default();
            if let (Some(before), Some(first)) = (before, word.first()) {
                out.push(Piece { c: ' ', start: before.end, end: first.start });
            }
            out.extend(word);
            before = word.last().copied();
        }
    }
    Some(out)
}

/// A row of the alphabet, as lists are numbered by.
fn is_alphabet(word: &str) -> bool {
    word.as_bytes().array_windows().all(|[one, other]| *other == one + 1)
}

/// Where the words are in a row of lower-case letters; one that is not known has at least so many letters a piece.
fn meant(letters: &str, a_piece: usize, words: &Words<'_>) -> Option<Vec<Range<usize>>> {
    let whole = 0..letters.len();
    if words.knows(letters) {
        return Some(vec![whole]);
    }
    if let Some(cut) = cut(letters, words) {
        return Some(cut);
    }
    let pieces = words.cost(letters).pieces;
    (letters.len() >= 2 * a_piece && pieces * a_piece <= letters.len()).then(|| vec![whole])
}

/// The fewest known words that the letters are, of several ways the one with the commonest words.
fn cut(letters: &str, words: &Words<'_>) -> Option<Vec<Range<usize>>> {
    // For each end: words so far, the sum of their ranks, and where the last one begins.
    let mut best: Vec<Option<(usize, u64, usize)>> = vec![Some((0, 0, 0))];
    for end in 1..=letters.len() {
        let mut found: Option<(usize, u64, usize)> = None;
        for start in end.saturating_sub(LONGEST)..end {
            let Some(Some((count, ranks, _))) = best.get(start) else { continue };
            let Some(rank) = letters.get(start..end).and_then(|word| plain_rank(word, words)) else {
                continue;
            };
            let way = (count + 1, ranks + u64::from(rank), start);
            if found.is_none_or(|found| (way.0, way.1) < (found.0, found.1)) {
                found = Some(way);
            }
        }
        best.push(found);
    }
    let mut ranges = Vec::new();
    let mut end = letters.len();
    while end > 0 {
        let (_, _, start) = (*best.get(end)?)?;
        ranges.push(start..end);
        end = start;
    }
    ranges.reverse();
    let carries = |range: &Range<usize>| {
        let rank = letters.get(range.clone()).and_then(|word| words.rank(word));
        range.len() >= CARRIES && rank.is_some_and(|rank| rank < CARRIES_RANK) || range.len() > LONGEST / 2
    };
    let common = |range: &Range<usize>| {
        letters.get(range.clone()).and_then(|word| words.rank(word)).is_some_and(|rank| rank < COMMON)
    };
    (ranges.iter().any(carries) || ranges.iter().all(common)).then_some(ranges)
}

fn plain_rank(word: &str, words: &Words<'_>) -> Option<u32> {
    match word.len() {
        1 => matches!(word, "a" | "i").then_some(0),
        2 => words.rank(word).filter(|rank| *rank < COMMON),
        _ => words.rank(word),
    }
}
