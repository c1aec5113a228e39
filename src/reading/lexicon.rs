//! What is known of words: the evidence that a spelling is a disguise and another one is meant.

use std::sync::LazyLock;

/// The words of a language, as a tokenizer's vocabulary knows them.
pub trait Lexicon: Sync {
    /// The place of a lower-case ASCII word among all words by how common it is, 0 for the commonest; `None` for a word
    /// that is not known whole.
    fn rank(&self, word: &str) -> Option<u32>;

    /// The number of known pieces that a lower-case ASCII word is read in; 1 for a known word.
    fn pieces(&self, word: &str) -> usize;
}

/// A lexicon without words: disguises that need evidence are not seen through.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWords;

impl Lexicon for NoWords {
    fn rank(&self, _: &str) -> Option<u32> {
        None
    }

    fn pieces(&self, word: &str) -> usize {
        word.len()
    }
}

/// One a line, in order: words that are often disguised and rare in vocabularies.
const TABLE: &str = include_str!("words.txt");

static LISTED: LazyLock<Vec<&str>> = LazyLock::new(|| TABLE.lines().collect());

/// Longest word that is looked up, in bytes.
pub(super) const LONGEST: usize = 32;
/// The rank of a listed word.
const LISTED_RANK: u32 = 20_000;
/// What a word with an ending ranks behind its stem.
const ENDING_RANK: u32 = 5_000;
/// Endings that make another word of a known one; a stem has at least four letters.
const ENDINGS: [&str; 11] = ["s", "es", "d", "ed", "r", "er", "rs", "ers", "ing", "ly", "y"];
const SHORTEST_STEM: usize = 4;

/// A lexicon with the listed words and with endings, asked without regard to case.
pub(super) struct Words<'a>(pub(super) &'a dyn Lexicon);

/// How good a spelling is: fewer pieces first, then the commoner word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost {
    pub(super) pieces: usize,
    pub(super) rank: u32,
}

impl Words<'_> {
    /// As [`Lexicon::rank`], for a word in any case; words with other characters than ASCII letters are not known.
    pub(super) fn rank(&self, word: &str) -> Option<u32> {
        let mut buffer = [0; LONGEST];
        let word = lower(word, &mut buffer)?;
        self.rank_lower(word)
    }

    /// Whether the word is known, with an ending or without, or listed.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.rank(word).is_some()
    }

    /// Whether the word, in lower case, is itself one of those listed.
    pub(super) fn lists_whole(&self, word: &str) -> bool {
        LISTED.binary_search(&word).is_ok()
    }

    /// Whether the word, without an ending, is one of those listed because they are often disguised.
    pub(super) fn lists(&self, word: &str) -> bool {
        let mut buffer = [0; LONGEST];
        let listed = |word: &str| LISTED.binary_search(&word).is_ok();
        lower(word, &mut buffer).is_some_and(|word| listed(word) || stems(word).any(listed))
    }

    /// The cost of a lower-case ASCII word.
    pub(super) fn cost(&self, word: &str) -> Cost {
        match self.rank_lower(word) {
            Some(rank) => Cost { pieces: 1, rank },
            None if word.len() > LONGEST => Cost { pieces: word.len(), rank: u32::MAX },
            None => Cost { pieces: self.0.pieces(word).max(2), rank: u32::MAX },
        }
    }

    fn rank_lower(&self, word: &str) -> Option<u32> {
        if word.len() > LONGEST {
            return None;
        }
        let plain = |word: &str| {
            self.0.rank(word).or_else(|| LISTED.binary_search(&word).is_ok().then_some(LISTED_RANK))
        };
        plain(word).or_else(|| stems(word).find_map(plain).map(|rank| rank.saturating_add(ENDING_RANK)))
    }
}

/// What is left of a word without each ending that it has.
fn stems(word: &str) -> impl Iterator<Item = &str> {
    let stem = |ending: &&str| word.strip_suffix(*ending).filter(|stem| stem.len() >= SHORTEST_STEM);
    ENDINGS.iter().filter_map(stem)
}

/// The word in lower case; nothing for one that is too long or not of ASCII letters alone.
fn lower<'b>(word: &str, buffer: &'b mut [u8; LONGEST]) -> Option<&'b str> {
    let place = buffer.get_mut(..word.len())?;
    for (to, from) in place.iter_mut().zip(word.bytes()) {
        if !from.is_ascii_alphabetic() {
            return None;
        }
        *to = from.to_ascii_lowercase();
    }
    std::str::from_utf8(place).ok().filter(|word| !word.is_empty())
}
