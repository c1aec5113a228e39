//! International bank account numbers: ISO 13616, with each country's length and the ISO 7064 mod 97 check digits.

use super::context;
use super::near::{byte, word_ends, word_start};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const DETECTOR: Detector =
    Detector { name: "pii.iban", category: "pii", placeholder: "[IBAN]", trigger: Trigger::Numbers, at };

/// Country, length and check digits agree.
const VALID: f32 = 1.0;
/// Country and length agree and a word about accounts precedes it, but the check digits do not.
const MISTYPED: f32 = 0.4;

const WORDS: [&str; 8] = ["account", "bank", "bban", "bic", "iban", "konto", "kontonummer", "rekening"];

/// The registry's lengths, each with the countries that have it.
const LENGTHS: [(usize, &str); 18] = [
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// Letters and digits of the longest number.
const MOST: usize = 33;

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = word_start(bytes, at, 2, floor).filter(|start| at - start == 2)?;
    let length = length(text.get(start..at)?)?;
    let mut number = Vec::with_capacity(MOST);
    let mut end = start;
    let mut grouped = false;
    while number.len() < length {
        let one = byte(bytes, end);
        // Groups of four, as on paper.
        if matches!(one, b' ' | b'-') && number.len() >= 4 && (number.len() % 4 == 0) {
            grouped = true;
        } else if one.is_ascii_alphanumeric() {
            number.push(one.to_ascii_uppercase());
        } else {
            return None;
        }
        end += 1;
    }
    if !word_ends(bytes, end) || number.iter().filter(|b| b.is_ascii_digit()).count() < 8 {
        return None;
    }
    if mod_97(&number) == 1 {
        return Some(Hit::new(Span::new(start, end), VALID));
    }
    let upper = !text.get(start..end)?.bytes().any(|b| b.is_ascii_lowercase());
    let announced = upper && context::announces(text, start, &WORDS, &[]);
    (announced && (grouped || number.len() == end - start)).then(|| Hit::new(Span::new(start, end), MISTYPED))
}

fn length(country: &str) -> Option<usize> {
    let of = |codes: &str| codes.split(' ').any(|code| code.eq_ignore_ascii_case(country));
    LENGTHS.iter().find(|(_, codes)| of(codes)).map(|(length, _)| *length)
}

/// ISO 7064: the first four characters moved to the end, letters read as 10 to 35.
fn mod_97(number: &[u8]) -> u32 {
    let (head, tail) = number.split_at(number.len().min(4));
    tail.iter().chain(head).fold(0, |rest, &c| match c {
        b'0'..=b'9' => (rest * 10 + u32::from(c - b'0')) % 97,
        _ => (rest * 100 + u32::from(c.saturating_sub(b'A')) + 10) % 97,
    })
}
