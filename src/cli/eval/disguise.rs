//! Ways to disguise a text that a person still reads: what people do to slip past a filter.
//!
//! The same text and seed always give the same disguise.

use super::words::{replaced, words};
use std::ops::Range;

/// A way to disguise a text.
pub(super) struct Disguise {
    pub(super) name: &'static str,
    /// The text disguised; the seed is for those that choose.
    pub(super) apply: fn(&str, u64) -> String,
}

/// Every disguise, in the order of the reports.
pub(super) const DISGUISES: [Disguise; 23] = [
    Disguise { name: "uppercase", apply: |text, _| text.to_uppercase() },
    Disguise { name: "leetspeak", apply: |text, _| text.chars().map(leet).collect() },
    Disguise { name: "spaced", apply: |text, _| spaced(text) },
    Disguise { name: "full-width", apply: |text, _| text.chars().map(full_width).collect() },
    Disguise { name: "homoglyphs", apply: |text, _| text.chars().map(homoglyph).collect() },
    Disguise { name: "zero-width", apply: |text, _| in_words(text, |word, _| joined(word, "\u{200B}")) },
    Disguise { name: "stretched", apply: |text, _| in_words(text, |word, _| stretched(word)) },
    Disguise { name: "typos", apply: |text, seed| in_words(text, |word, at| typo(word, mix(seed, at))) },
    Disguise { name: "punctuated", apply: |text, _| in_words(text, |word, _| joined(word, ".")) },
    Disguise { name: "zalgo", apply: zalgo },
    Disguise { name: "mathematical", apply: |text, _| text.chars().map(mathematical).collect() },
    Disguise { name: "emoji letters", apply: |text, _| text.chars().map(boxed).collect() },
    Disguise { name: "bidi", apply: |text, _| in_words(text, |word, _| overridden(word)) },
    Disguise { name: "tags", apply: |text, _| text.chars().map(tag).collect() },
    Disguise { name: "base64", apply: |text, _| base64(text.as_bytes()) },
    Disguise { name: "hex", apply: |text, _| each_byte(text, |byte| format!("{byte:02x}")) },
    Disguise { name: "percent", apply: |text, _| in_words(text, |word, _| each_byte(word, percent)) },
    Disguise { name: "entities", apply: |text, _| in_words(text, |word, _| each_char(word, reference)) },
    Disguise { name: "quoted-printable", apply: |text, _| in_words(text, |word, _| each_byte(word, quoted)) },
    Disguise { name: "escapes", apply: |text, _| in_words(text, |word, _| each_char(word, escape)) },
    Disguise { name: "rot13", apply: |text, _| text.chars().map(rot13).collect() },
    Disguise { name: "reversed", apply: |text, _| text.chars().rev().collect() },
    Disguise { name: "nested", apply: |text, _| base64(each_byte(text, percent).as_bytes()) },
];

/// The shortest word, in characters, that a disguise of words changes.
const LEAST_WORD: usize = 4;
/// How often a stretched letter is written.
const STRETCH: usize = 4;
/// The marks that a letter carries in zalgo text.
const MARKS: u64 = 2;

fn leet(character: char) -> char {
    match character.to_ascii_lowercase() {
        'a' => '4',
        'e' => '3',
        'i' => '1',
        'o' => '0',
        's' => '5',
        't' => '7',
        _ => character,
    }
}

/// The full-width form of printable ASCII; a space stays one.
fn full_width(character: char) -> char {
    match character {
        '!'..='~' => char::from_u32(u32::from(character) + 0xFEE0).unwrap_or(character),
        _ => character,
    }
}

/// A Cyrillic or Greek letter that looks the same, where there is one.
fn homoglyph(character: char) -> char {
    match character {
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'i' => 'і',
        'j' => 'ј',
        'o' => 'о',
        'p' => 'р',
        's' => 'ѕ',
        'v' => 'ν',
        'x' => 'х',
        'y' => 'у',
        'A' => 'Α',
        'B' => 'Β',
        'C' => 'С',
        'E' => 'Ε',
        'H' => 'Η',
        'I' => 'Ι',
        'K' => 'Κ',
        'M' => 'Μ',
        'N' => 'Ν',
        'O' => 'Ο',
        'P' => 'Ρ',
        'S' => 'Ѕ',
        'T' => 'Τ',
        'X' => 'Χ',
        'Y' => 'Υ',
        'Z' => 'Ζ',
        _ => character,
    }
}

/// The letters of the longest word apart; of several the first.
fn spaced(text: &str) -> String {
    let length = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default().chars().count();
    // The last of the greatest is the one `max_by_key` answers.
    let longest = words(text).into_iter().rev().max_by_key(length);
    let edit = longest.map(|range| (range.clone(), joined(text.get(range).unwrap_or_default(), " ")));
    replaced(text, edit)
}

/// The text with every word of [`LEAST_WORD`] characters or more changed by `change`, which is told its place.
fn in_words(text: &str, change: impl Fn(&str, u64) -> String) -> String {
    let edits = words(text).into_iter().zip(0..).filter_map(|(range, at)| {
        let word = text.get(range.clone())?;
        (word.chars().count() >= LEAST_WORD).then(|| (range, change(word, at)))
    });
    replaced(text, edits)
}

/// The word's letters with `between` between them.
fn joined(word: &str, between: &str) -> String {
    word.chars().map(String::from).collect::<Vec<_>>().join(between)
}

/// The word with its last vowel written [`STRETCH`] times, or its last letter where it has none.
fn stretched(word: &str) -> String {
    let vowel = word.char_indices().rfind(|(_, letter)| "aeiouAEIOU".contains(*letter));
    let Some((at, letter)) = vowel.or_else(|| word.char_indices().next_back()) else {
        return word.to_owned();
    };
    let long = String::from(letter).repeat(STRETCH);
    replaced(word, [(at..at + letter.len_utf8(), long)])
}

/// The word with two neighbouring letters swapped, neither of them its first.
fn typo(word: &str, random: u64) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let places = (letters.len() as u64).saturating_sub(2).max(1);
    let at = 1 + (random % places) as usize;
    if at + 1 < letters.len() {
        letters.swap(at, at + 1);
    }
    letters.into_iter().collect()
}

/// Marks from U+0300 to U+036F, [`MARKS`] behind every letter or digit.
fn zalgo(text: &str, seed: u64) -> String {
    let mut written = String::with_capacity(text.len() * 5);
    for (character, at) in text.chars().zip(0..) {
        written.push(character);
        if character.is_alphanumeric() {
            let marks = (0..MARKS).map(|mark| 0x300 + (mix(seed, MARKS * at + mark) % 0x70) as u32);
            written.extend(marks.filter_map(char::from_u32));
        }
    }
    written
}

/// The bold letter of the mathematical alphabets.
fn mathematical(character: char) -> char {
    match character {
        'A'..='Z' => moved(character, 'A', 0x1D400),
        'a'..='z' => moved(character, 'a', 0x1D41A),
        '0'..='9' => moved(character, '0', 0x1D7CE),
        _ => character,
    }
}

/// The letter in a negative square.
fn boxed(character: char) -> char {
    match character {
        'A'..='Z' => moved(character, 'A', 0x1F170),
        'a'..='z' => moved(character, 'a', 0x1F170),
        _ => character,
    }
}

/// The tag character of printable ASCII.
fn tag(character: char) -> char {
    match character {
        ' '..='~' => moved(character, '\0', 0xE0000),
        _ => character,
    }
}

/// The letter by thirteen places on.
fn rot13(character: char) -> char {
    match character {
        'A'..='M' | 'a'..='m' => moved(character, '\0', 13),
        'N'..='Z' | 'n'..='z' => moved(character, '\r', 0),
        _ => character,
    }
}

/// The character as far from `to` as it is from `from`.
fn moved(character: char, from: char, to: u32) -> char {
    let place = u32::from(character).checked_sub(u32::from(from));
    place.and_then(|place| char::from_u32(to + place)).unwrap_or(character)
}

/// The word backwards, shown forwards by an override.
fn overridden(word: &str) -> String {
    format!("\u{202E}{}\u{202C}", word.chars().rev().collect::<String>())
}

fn each_byte(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

fn each_char(text: &str, write: impl Fn(char) -> String) -> String {
    text.chars().map(write).collect()
}

fn percent(byte: u8) -> String {
    format!("%{byte:02X}")
}

fn quoted(byte: u8) -> String {
    format!("={byte:02X}")
}

fn reference(character: char) -> String {
    format!("&#{};", u32::from(character))
}

fn escape(character: char) -> String {
    character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut written = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(chunk.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            let digit = if digit <= chunk.len() { DIGITS.get(value).copied() } else { None };
            written.push(char::from(digit.unwrap_or(b'=')));
        }
    }
    written
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014) on the seed and a place in the text.
fn mix(seed: u64, at: u64) -> u64 {
    let mut z = seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(at).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
