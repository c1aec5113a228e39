//! Digits and signs in the place of letters.
//!
//! A word is *plainly* leet when it is a known word once its digits are letters, and nothing else explains them: not an
//! ordinary word with a number before or behind it. What is less plain (`4n`, `17`, `5am`) is read so only where the text is
//! full of leet.

use super::super::lexicon::{Cost, Words};
use super::survey::Survey;
use super::{Piece, respelt, runs, spell, splice};

/// Most ways to read one word.
const MOST_WAYS: usize = 16;
/// The share of the chunks that are leet in a text full of it, as one in so many.
const HEAVY: usize = 3;
/// Words of two letters that are read so are among so many of the commonest.
const COMMON: u32 = 3_000;
/// Words that look the part and are not.
const KEPT: [&str; 8] = ["a11y", "c10k", "g11n", "i14y", "i18n", "k8s", "l10n", "p13n"];

/// The letters that a digit or sign stands for.
const fn letters(c: char) -> &'static str {
    match c {
        '4' | '@' => "a",
        '8' => "b",
        '3' => "e",
        '9' => "g",
        '6' => "gb",
        '1' | '!' | '|' => "il",
        '0' => "o",
        '5' | '$' => "s",
        '7' => "t",
        '2' => "z",
        _ => "",
    }
}

/// How a word with digits or signs reads.
enum Leet {
    Plainly(String),
    Perhaps(String),
}

/// Whether the text is full of leet.
pub(super) fn is_heavy(text: &str, survey: &Survey, words: &Words<'_>) -> bool {
    let (mut plain, mut all) = (0, 0);
    for odd in survey.odd.iter().filter(|odd| !odd.spaced && !odd.unknown) {
        let pieces = super::pieces(text.get(odd.range.clone()).unwrap_or_default(), 0);
        let found = runs(&pieces, is_part)
            .into_iter()
            .filter_map(|run| Some(read_run(trimmed(pieces.get(run)?), words)?.1))
            .max_by_key(|leet| matches!(leet, Leet::Plainly(_)));
        plain += usize::from(matches!(found, Some(Leet::Plainly(_))));
        all += usize::from(found.is_some());
    }
    // Words that are all digits are not among the odd ones.
    plain > 0 && HEAVY * all >= survey.chunks
}

/// Writes the leet words of a chunk in letters; whether there were any.
pub(super) fn fold(pieces: &mut Vec<Piece>, heavy: bool, words: &Words<'_>) -> bool {
    let mut edits = Vec::new();
    for run in runs(pieces, is_part) {
        let word = trimmed(pieces.get(run.clone()).unwrap_or_default());
        let start = word.first().map(|piece| piece.start);
        let skipped = pieces
            .get(run.clone())
            .and_then(|all| all.iter().position(|piece| Some(piece.start) == start))
            .unwrap_or_default();
        let before = (run.start + skipped).checked_sub(1).and_then(|before| pieces.get(before));
        let (mention, reads) = match read_run(word, words) {
            Some((mention, Leet::Plainly(reads))) => (mention, reads),
            Some((mention, Leet::Perhaps(reads))) if heavy => (mention, reads),
            None if heavy
                && word.len() == 1
                && before.is_some_and(|before| matches!(before.c, '\'' | '’')) =>
            {
                let Some(first) = word.first().and_then(|piece| letters(piece.c).get(..1)) else { continue };
                (0, first.to_owned())
            }
            _ => continue,
        };
        let word = word.get(mention..).unwrap_or_default();
        let from = run.start + skipped + mention;
        edits.push((from..from + word.len(), respelt(word, &reads)));
    }
    splice(pieces, edits)
}

/// The best known word that the pieces can be read as, and its cost; nothing where they are letters already, where one of
/// them is no letter, or where no reading is known.
pub(super) fn best(word: &[Piece], words: &Words<'_>) -> Option<(String, Cost)> {
    let (best, cost) = cheapest(word, words)?;
    (cost.pieces == 1).then_some((best, cost))
}

/// The cheapest way to read the pieces.
fn cheapest(word: &[Piece], words: &Words<'_>) -> Option<(String, Cost)> {
    let mut ways: Vec<String> = vec![String::with_capacity(word.len())];
    let mut leet = false;
    for piece in word {
        let c = piece.c.to_ascii_lowercase();
        let read = letters(c);
        if c.is_ascii_lowercase() {
            ways.iter_mut().for_each(|way| way.push(c));
            continue;
        }
        leet = true;
        let first = read.chars().next()?;
        let more: Vec<String> = if ways.len() < MOST_WAYS {
            let others = read.chars().skip(1);
            others.flat_map(|other| ways.iter().map(move |way| format!("{way}{other}"))).collect()
        } else {
            Vec::new()
        };
        ways.iter_mut().for_each(|way| way.push(first));
        ways.extend(more);
    }
    if !leet {
        return None;
    }
    let known = |way: &String| words.rank(way).map(|rank| Cost { pieces: 1, rank });
    let best = ways.iter().filter_map(|way| Some((known(way)?, way))).min();
    match best {
        Some((cost, way)) => Some((way.clone(), cost)),
        None => {
            let way = ways.into_iter().next()?;
            let cost = words.cost(&way);
            Some((way, cost))
        }
    }
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || !letters(c).is_empty()
}

/// Without the signs that end a sentence or a cell.
fn trimmed(word: &[Piece]) -> &[Piece] {
    let ends = |piece: &Piece| matches!(piece.c, '!' | '|');
    let len = word.len() - word.iter().rev().take_while(|piece| ends(piece)).count();
    let start = word.iter().take_while(|piece| piece.c == '|').count().min(len);
    word.get(start..len).unwrap_or_default()
}

/// As [`read`], also for a name behind `@`; with how many pieces to pass over.
fn read_run(word: &[Piece], words: &Words<'_>) -> Option<(usize, Leet)> {
    let named = || match word {
        [Piece { c: '@', .. }, name @ ..] => Some((1, read(name, words)?)),
        _ => None,
    };
    match read(word, words) {
        Some(leet @ Leet::Plainly(_)) => Some((0, leet)),
        perhaps => named().or(Some((0, perhaps?))),
    }
}

fn read(word: &[Piece], words: &Words<'_>) -> Option<Leet> {
    let (reads, cost) = cheapest(word, words)?;
    let spelt = spell(word);
    if KEPT.contains(&spelt.as_str()) {
        return None;
    }
    let len = word.len();
    let alphabetic = word.iter().filter(|piece| piece.c.is_ascii_alphabetic()).count();
    if cost.pieces > 1 {
        // No known word, but closer to one: enough in a text full of leet.
        let closer = alphabetic >= 2 && 3 * cost.pieces <= len + 2;
        return closer.then_some(Leet::Perhaps(reads));
    }
    let common = match len {
        1 => matches!(reads.as_str(), "a" | "i"),
        2 => cost.rank < COMMON || alphabetic == 1,
        _ => true,
    };
    if !common {
        return None;
    }
    let digit = |c: char| c.is_ascii_digit();
    let before = spelt.trim_end_matches(|c| digit(c) || matches!(c, '$' | '@'));
    let behind = spelt.trim_start_matches(|c| digit(c) || matches!(c, '$' | '@'));
    let listed = words.lists(&reads);
    // Letters and then a number are a name with a number, but for words that are known to be written so.
    let lettered = !listed && before.bytes().all(|byte| byte.is_ascii_alphabetic());
    let numbered = before.len() < len && (lettered || (before.len() > 1 && words.knows(before)));
    let counted = !listed && behind.len() < len && words.knows(behind);
    // Digits of a digest or of an identifier.
    let hex = !listed && spelt.bytes().all(|byte| byte.is_ascii_hexdigit()) && len - alphabetic >= 2;
    let long = match alphabetic {
        0 => false,
        1 => len >= 5 || (listed && len == 4),
        _ => len >= 4 || (listed && len == 3),
    };
    Some(if long && !numbered && !counted && !hex { Leet::Plainly(reads) } else { Leet::Perhaps(reads) })
}
