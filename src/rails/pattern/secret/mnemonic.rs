//! Recovery phrases of wallets: 12 to 24 words of BIP-39's English list, the last of which holds a checksum.

use sha2::{Digest as _, Sha256};

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

/// The 2,048 words in order: python-mnemonic, MIT, copyright Pavol Rusnak.
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
    let index = index(&text.get(at..at + length)?.to_ascii_lowercase())?;
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

/// The place of a word in lower case.
fn index(word: &str) -> Option<u16> {
    static LIST: std::sync::LazyLock<Vec<&'static str>> =
        std::sync::LazyLock::new(|| WORDS.split_whitespace().collect());
    LIST.binary_search(&word).ok().and_then(|index| u16::try_from(index).ok())
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
