//! Recovery phrases of wallets: 12 to 24 words of BIP-39's English list, the last of which holds a checksum.

use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

use super::{CATEGORY, Detector, Hit, Trigger};
use crate::span::Span;

pub(in crate::rails::pattern) const DETECTOR: Detector = Detector {
    name: "secret.recovery_phrase",
    category: CATEGORY,
    placeholder: "[RECOVERY PHRASE]",
    // Twelve words of three letters and the spaces between them: no phrase lies between two looks.
    trigger: Trigger::Every(47),
    at,
};

/// The checksum holds.
const CHECKED: f32 = 1.0;
/// As many words of the list in a row as a phrase has, without the checksum.
const WORDS_ONLY: f32 = 0.4;

/// The 2,048 words in order, of python-mnemonic (`LICENSE-BIP39`).
const WORDS: &str = include_str!("bip39-english.txt");

const LENGTHS: [usize; 5] = [24, 21, 18, 15, 12];
/// Most words read in one direction.
const REACH: usize = 24;
/// Most bytes between two words.
const GAP: usize = 3;

/// A word of the list, by its place there and in the text.
#[derive(Clone, Copy)]
struct Word {
    index: u16,
    span: Span,
}

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let is_letter = |b: u8| b.is_ascii_alphabetic();
    let mut start = at;
    // From between two words to the next.
    while start < at + GAP && !bytes.get(start).copied().is_some_and(is_letter) {
        start += 1;
    }
    while start > floor && at - start.min(at) <= 8 && bytes.get(start - 1).copied().is_some_and(is_letter) {
        start -= 1;
    }
    let first = word(text, start, floor)?;
    let mut run = Vec::with_capacity(2 * REACH);
    let mut place = first.span.start;
    for _ in 0..REACH {
        let Some(word) = word_back(text, place, floor) else { break };
        place = word.span.start;
        run.push(word);
    }
    run.reverse();
    let looked_at = run.len();
    run.push(first);
    let mut place = first.span.end;
    for _ in 0..REACH {
        let next = place + bytes.get(place..)?.iter().take(GAP).take_while(|b| is_gap(**b)).count();
        let Some(word) = word(text, next, place) else { break };
        if next == place {
            break;
        }
        place = word.span.end;
        run.push(word);
    }
    phrase(&run, looked_at)
}

/// The phrase in a row of words that holds the one in place `looked_at`: others are found where they are looked at.
fn phrase(run: &[Word], looked_at: usize) -> Option<Hit> {
    let hit = |words: &[Word], score| {
        let (first, last) = (words.first()?, words.last()?);
        Some(Hit::new(Span::new(first.span.start, last.span.end), score))
    };
    for length in LENGTHS {
        // In a long row of such words only the common lengths are looked for, so that the work stays bounded.
        if run.len() > REACH && !matches!(length, 12 | 24) {
            continue;
        }
        let from = (looked_at + 1).saturating_sub(length);
        let near = run.get(from..(looked_at + length).min(run.len()))?;
        if let Some(words) = near.windows(length).find(|words| is_checked(words)) {
            return hit(words, CHECKED);
        }
    }
    LENGTHS.contains(&run.len()).then(|| hit(run, WORDS_ONLY))?
}

/// The word at byte `at` when it is one of the list.
fn word(text: &str, at: usize, floor: usize) -> Option<Word> {
    let bytes = text.as_bytes();
    let length = bytes.get(at..)?.iter().take(9).take_while(|b| b.is_ascii_alphabetic()).count();
    let joined = at > floor && bytes.get(at - 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80);
    let follows = bytes.get(at + length).is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80);
    if !(3..=8).contains(&length) || joined || follows {
        return None;
    }
    let index = LIST.index(bytes.get(at..at + length)?)?;
    Some(Word { index, span: Span::new(at, at + length) })
}

/// The word that ends before byte `end`, with a gap between.
fn word_back(text: &str, end: usize, floor: usize) -> Option<Word> {
    let before = text.as_bytes().get(floor..end)?;
    let gap = before.iter().rev().take(GAP).take_while(|b| is_gap(**b)).count();
    let length = before.iter().rev().skip(gap).take(9).take_while(|b| b.is_ascii_alphabetic()).count();
    (gap > 0).then(|| word(text, end - gap - length, floor))?
}

const fn is_gap(b: u8) -> bool {
    matches!(b, b' ' | b'\n' | b'\r' | b'\t' | b',')
}

/// The words by their first four letters, which no two of them share.
struct List {
    words: Vec<&'static str>,
    /// For each hash the letters and the place of a word, the next free slot where another word has the same.
    slots: Vec<Option<(u32, u16)>>,
}

static LIST: LazyLock<List> = LazyLock::new(List::new);

impl List {
    /// Twice as many as words.
    const SLOTS: usize = 4096;

    fn new() -> Self {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let mut slots = vec![None; Self::SLOTS];
        for (place, word) in words.iter().enumerate() {
            let letters = letters(word.as_bytes());
            let free = Self::probe(letters).find(|&slot| slots.get(slot).is_some_and(Option::is_none));
            if let (Some(slot), Ok(index)) = (free.and_then(|free| slots.get_mut(free)), u16::try_from(place))
            {
                *slot = Some((letters, index));
            }
        }
        Self { words, slots }
    }

    /// The place of a word, whatever the case of its letters.
    fn index(&self, word: &[u8]) -> Option<u16> {
        let letters = letters(word);
        let slots = Self::probe(letters).map_while(|slot| self.slots.get(slot).copied().flatten());
        let (_, index) = slots.into_iter().find(|(known, _)| *known == letters)?;
        let known = self.words.get(usize::from(index))?;
        known.as_bytes().eq_ignore_ascii_case(word).then_some(index)
    }

    /// The slots in which a word with these letters may be.
    fn probe(letters: u32) -> impl Iterator<Item = usize> {
        let first = (letters.wrapping_mul(0x9e37_79b1) >> 20) as usize;
        (0..Self::SLOTS).map(move |step| (first + step) % Self::SLOTS)
    }
}

/// The first four letters, five bits each.
fn letters(word: &[u8]) -> u32 {
    word.iter().take(4).fold(0, |letters, letter| letters << 5 | u32::from(letter & 31))
}

/// BIP-39: eleven bits a word, of which the last of every thirty-three are the first of the SHA-256 of the others.
fn is_checked(words: &[Word]) -> bool {
    let checksum_bits = words.len() / 3;
    let mut bits = words.iter().flat_map(|word| (0..11).rev().map(move |bit| (word.index >> bit) & 1 == 1));
    let entropy: Vec<u8> = (0..words.len() * 4 / 3)
        .map(|_| bits.by_ref().take(8).fold(0, |byte, bit| byte << 1 | u8::from(bit)))
        .collect();
    let hash = Sha256::digest(&entropy);
    let mut expected =
        hash.iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1 == 1)).take(checksum_bits);
    bits.all(|bit| expected.next() == Some(bit))
}

#[cfg(test)]
mod tests {
    use super::{LIST, WORDS};

    #[test]
    fn every_word_of_the_list_is_known_by_its_place_and_no_other() {
        for (place, word) in WORDS.split_whitespace().enumerate() {
            assert_eq!(LIST.index(word.as_bytes()).map(usize::from), Some(place), "{word}");
            assert_eq!(LIST.index(word.to_ascii_uppercase().as_bytes()).map(usize::from), Some(place));
            assert_eq!(LIST.index(format!("{word}s").as_bytes()), None);
        }
        assert_eq!(WORDS.split_whitespace().count(), 2048);
        assert_eq!(LIST.index(b"the"), None);
    }
}
