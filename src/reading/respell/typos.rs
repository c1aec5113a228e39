//! Two letters of a word swapped, the first not among them.
//!
//! A word that is not known may be a name or a rare word, so this is done only in texts where it makes words of many, or one
//! of those words that people disguise.

use super::super::lexicon::Words;
use super::survey::{LEAST_WORD, Survey};
use super::{Piece, runs, spell};
use crate::language::is_common;

/// Longest word that is mended.
const LONGEST: usize = 20;
/// Most pieces of a mended word that is not known.
const MOST_PIECES: usize = 2;
/// Mendable words that make a text mistyped, at least; fewer are enough where the text is plainly English. And among its words of [`LEAST_WORD`] letters, one in so many. Of the
/// unknown ones it is half: another language has more that nothing mends.
const LEAST_MENDABLE: usize = 3;
const LEAST_MENDABLE_ENGLISH: usize = 2;
/// Mendable words that people disguise, from which it is mistyped whatever else it holds; in English, and of longer words
/// without an ending, one.
const LEAST_LISTED: usize = 2;
const SHARE: usize = 4;

/// Whether so many of the text's words are one swap from a known one that it is mistyped rather than full of names.
pub(super) fn is_mistyped(text: &str, survey: &Survey, words: &Words<'_>) -> bool {
    let unknown = survey.odd.iter().filter(|odd| odd.unknown);
    let (mut all, mut mendable, mut listed) = (survey.known, 0, 0);
    for odd in unknown {
        all += 1;
        let word = text.get(odd.range.clone()).unwrap_or_default();
        let word = word.trim_matches(|c: char| !c.is_ascii_alphabetic()).to_ascii_lowercase();
        if let Some(mended) = swapped(&word, words) {
            mendable += 1;
            let sure = mended.len() > LEAST_WORD && words.lists_whole(&mended);
            listed += if sure { LEAST_LISTED } else { usize::from(words.lists(&mended)) };
        }
    }
    if mendable == 0 {
        return false;
    }
    let english = is_english(text);
    if listed >= LEAST_LISTED || (listed > 0 && english) {
        return true;
    }
    let enough = mendable >= LEAST_MENDABLE || (mendable >= LEAST_MENDABLE_ENGLISH && english);
    enough && SHARE * mendable >= all && 2 * mendable >= all - survey.known
}

/// Whether a word of the text is English and of no other large language.
fn is_english(text: &str) -> bool {
    text.split(|c: char| !c.is_alphabetic() && c != '\'').any(|word| is_common(&word.to_ascii_lowercase()))
}

/// Mends the words of a chunk that are not known; whether there were any.
pub(super) fn mend(pieces: &mut [Piece], words: &Words<'_>) -> bool {
    let mut changed = false;
    for run in runs(pieces, |c| c.is_ascii_alphabetic()) {
        let Some(word) = pieces.get_mut(run) else { continue };
        let spelt = spell(word);
        if words.knows(&spelt) {
            continue;
        }
        let Some(mended) = swapped(&spelt, words).or_else(|| nearer(&spelt, words)) else { continue };
        let new = super::respelt(word, &mended);
        word.copy_from_slice(&new);
        changed = true;
    }
    changed
}

/// The word of fewest pieces that a swap of two neighbours gives, where it has fewer than the word has.
fn nearer(word: &str, words: &Words<'_>) -> Option<String> {
    let mut best = None;
    let mut fewest = words.cost(word).pieces;
    each_swap(word, |swapped| {
        let pieces = words.cost(swapped).pieces;
        if pieces < fewest {
            (fewest, best) = (pieces, Some(swapped.to_owned()));
        }
    });
    best.filter(|_| fewest <= MOST_PIECES)
}

/// The commonest known word that a swap of two neighbours gives.
fn swapped(word: &str, words: &Words<'_>) -> Option<String> {
    let mut best: Option<(u32, String)> = None;
    each_swap(word, |swapped| {
        if let Some(rank) = words.rank(swapped)
            && best.as_ref().is_none_or(|(found, _)| rank < *found)
        {
            best = Some((rank, swapped.to_owned()));
        }
    });
    best.map(|(_, word)| word)
}

/// Calls `each` with the word after every swap of two neighbours but the first two.
fn each_swap(word: &str, mut each: impl FnMut(&str)) {
    if !(LEAST_WORD..=LONGEST).contains(&word.len()) {
        return;
    }
    let mut letters = word.as_bytes().to_vec();
    for at in 1..letters.len() - 1 {
        letters.swap(at, at + 1);
        if let Ok(swapped) = std::str::from_utf8(&letters) {
            each(swapped);
        }
        letters.swap(at, at + 1);
    }
}
