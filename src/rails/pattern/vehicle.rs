//! Vehicles: identification numbers (ISO 3779, with the check digit of 49 CFR 565) and British number plates.

use super::context;
use super::near::{byte, run, word_ends, word_start};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const VIN: Detector =
    Detector { name: "pii.vin", category: "pii", placeholder: "[VIN]", trigger: Trigger::Numbers, at: vin };
pub(super) const PLATE: Detector = Detector {
    name: "pii.licence_plate",
    category: "pii",
    placeholder: "[PLATE]",
    trigger: Trigger::Numbers,
    at: plate,
};

/// Check digit right, and announced.
const CHECKED_ANNOUNCED: f32 = 0.95;
/// Check digit right.
const CHECKED: f32 = 0.7;
/// Announced; not every maker outside North America uses the check digit.
const ANNOUNCED: f32 = 0.6;
/// A plate after a word about plates; without one it is a postcode or a product number just as well.
const PLATE_ANNOUNCED: f32 = 0.7;

const LENGTH: usize = 17;
const WORDS: [&str; 6] = ["chassis", "fahrgestellnummer", "fin", "vehicle", "vehicles", "vin"];
const PLATE_WORDS: [&str; 8] =
    ["car", "kennzeichen", "plate", "plates", "reg", "registration", "van", "vehicle"];

fn vin(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = word_start(bytes, at, 12, floor)?;
    let end = start + LENGTH;
    if run(bytes, start, LENGTH + 1, |b| b.is_ascii_alphanumeric()) != LENGTH || !word_ends(bytes, end) {
        return None;
    }
    let number = text.get(start..end)?;
    let allowed = number.bytes().all(|b| !b"IOQioq".contains(&b));
    // The serial number ends in four digits, and the model year is never 0, U or Z.
    let serial = number.bytes().rev().take(4).all(|b| b.is_ascii_digit());
    let year = !b"0UZuz".contains(&number.as_bytes().get(9).copied().unwrap_or(b'0'));
    let letters = number.bytes().filter(u8::is_ascii_alphabetic).count();
    let lower = number.bytes().any(|b| b.is_ascii_lowercase());
    if !allowed || !serial || !year || !(2..=13).contains(&letters) {
        return None;
    }
    let announced = context::announces(text, start, &WORDS, &[]);
    let score = match (check_digit(number), announced) {
        (true, true) => CHECKED_ANNOUNCED,
        (true, false) if !lower => CHECKED,
        (false, true) => ANNOUNCED,
        _ => return None,
    };
    Some(Hit::new(Span::new(start, end), score))
}

/// The weighted sum modulo 11 stands in the ninth place, `X` for 10.
fn check_digit(number: &str) -> bool {
    const WEIGHTS: [u32; LENGTH] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |c: u8| match c.to_ascii_uppercase() {
        digit @ b'0'..=b'9' => u32::from(digit - b'0'),
        letter @ b'A'..=b'H' => u32::from(letter - b'A') + 1,
        letter @ b'J'..=b'R' => u32::from(letter - b'J') + 1,
        letter => u32::from(letter.saturating_sub(b'S')) + 2,
    };
    let sum: u32 = number.bytes().zip(WEIGHTS).map(|(c, weight)| value(c) * weight).sum();
    let check = number.as_bytes().get(8).copied().unwrap_or(0).to_ascii_uppercase();
    match sum % 11 {
        10 => check == b'X',
        rest => u32::from(check) == u32::from(b'0') + rest,
    }
}

/// The form since 2001: two letters, two digits, a space or none, three letters.
fn plate(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = word_start(bytes, at, 2, floor).filter(|start| at - start == 2)?;
    if run(bytes, at, 3, |b| b.is_ascii_digit()) != 2 {
        return None;
    }
    let tail = at + 2 + usize::from(byte(bytes, at + 2) == b' ');
    let end = tail + 3;
    let form = run(bytes, tail, 4, |b| b.is_ascii_uppercase()) == 3
        && text.get(start..at)?.bytes().all(|b| b.is_ascii_uppercase())
        && word_ends(bytes, end);
    (form && context::announces(text, start, &PLATE_WORDS, &[]))
        .then(|| Hit::new(Span::new(start, end), PLATE_ANNOUNCED))
}
