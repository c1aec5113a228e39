//! Telephone numbers: E.164 with `+` or `00`, and the national forms that give themselves away.
//!
//! A bare run of digits is a telephone number only by the words before it, so most national forms score low until
//! a word such as "phone" or "call" precedes them, and "order" or "invoice" takes the benefit of the doubt away.

mod run;
mod shape;

use super::context::{self, Context};
use super::near::{before, byte};
use super::{Detector, Hit, Trigger};
use crate::span::Span;
use run::Run;
use shape::Shape;

pub(super) const DETECTOR: Detector = Detector {
    name: "pii.phone",
    category: "pii",
    placeholder: "[PHONE]",
    trigger: Trigger::Bytes(b"0123456789+("),
    at,
};

/// `+` and an assigned country code, with a length that E.164 allows.
const INTERNATIONAL: f32 = 0.95;
/// North American, with a valid area code and exchange.
const NORTH_AMERICAN: f32 = 0.9;
/// Another form, with a word about telephones before it.
const ANNOUNCED: f32 = 0.75;
/// A form that little else has: `00` and a country code, an area code in parentheses or with a leading zero, 3-3-4.
const NATIONAL: f32 = 0.6;
/// A number of digits that a telephone could have.
const BARE: f32 = 0.3;

/// Words that announce a telephone number.
const WORDS: [&str; 39] = [
    "answering",
    "call",
    "called",
    "calling",
    "cell",
    "cellphone",
    "celular",
    "contact",
    "dial",
    "fax",
    "handy",
    "hotline",
    "landline",
    "mobil",
    "mobile",
    "móvil",
    "phone",
    "phoned",
    "phones",
    "portable",
    "reach",
    "ring",
    "sms",
    "tel",
    "tél",
    "telefax",
    "telefon",
    "telefone",
    "telefono",
    "telefonnummer",
    "telephone",
    "teléfono",
    "telefoon",
    "texted",
    "texting",
    "téléphone",
    "voicemail",
    "whatsapp",
    "телефон",
];
/// The same in scripts without spaces.
const UNSPACED: [&str; 5] = ["电话", "手机", "電話", "携帯", "전화"];
/// Words that follow one, as in `555 0123 (office)`.
const LABELS: [&str; 9] = ["cell", "desk", "fax", "home", "landline", "mobile", "office", "phone", "work"];

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    if !opens(text, at, floor) {
        return None;
    }
    let run = Run::read(text, at)?;
    // In the middle of a row of numbers, unless this one is set apart by its own punctuation.
    if follows_number(bytes, at, floor) && !run.plus && !run.opens_punctuated() {
        return None;
    }
    // Something else may follow after a space: the longest run of whole groups that is a number wins.
    (1..=run.groups.len()).rev().find_map(|count| {
        let end = run.groups.get(count - 1)?.end;
        if !closes(text, end, &run, count) {
            return None;
        }
        let score = match shape::of(bytes, &run, count)? {
            Shape::International => INTERNATIONAL,
            shape => match (context_of(text, at, end), shape) {
                (Context::Against, _) | (Context::Silent, Shape::Bare) => BARE,
                (_, Shape::NorthAmerican) => NORTH_AMERICAN,
                (Context::For, _) => ANNOUNCED,
                (Context::Silent, _) => NATIONAL,
            },
        };
        Some(Hit::new(Span::new(at, run::extension(bytes, end)), score))
    })
}

fn context_of(text: &str, at: usize, end: usize) -> Context {
    match context::nearest(text, at, &WORDS, &UNSPACED) {
        Context::Silent if is_labelled(text, end) => Context::For,
        context => context,
    }
}

/// Whether a word such as "office" stands right after byte `end`.
fn is_labelled(text: &str, end: usize) -> bool {
    let ahead = text.get(end..).unwrap_or_default().trim_start_matches([' ', '-', '(']);
    LABELS.iter().any(|label| {
        let rest = ahead.get(label.len()..).unwrap_or_default();
        ahead.get(..label.len()).is_some_and(|word| word.eq_ignore_ascii_case(label))
            && !rest.starts_with(char::is_alphanumeric)
    })
}

/// Whether a telephone number can begin at `at`, by what stands before it. Most triggers end here, unread.
fn opens(text: &str, at: usize, floor: usize) -> bool {
    let bytes = text.as_bytes();
    let (one, two) = (before(bytes, at, 1, floor), before(bytes, at, 2, floor));
    if one.is_ascii_alphanumeric() || b"_@#%&?\\+^~".contains(&one) {
        return false;
    }
    if byte(bytes, at) == b'+' {
        return true;
    }
    let behind = text.get(floor..at).unwrap_or_default();
    if one == b'-' || behind.trim_end_matches(' ').ends_with(['$', '€', '£', '¥', '₹']) {
        return false;
    }
    match one {
        b'.' => !two.is_ascii_alphanumeric(),
        b',' | b':' => !two.is_ascii_digit(),
        // After another number, or its placeholder.
        b'/' => matches!(two, 0 | b']'),
        _ => true,
    }
}

fn follows_number(bytes: &[u8], at: usize, floor: usize) -> bool {
    before(bytes, at, 1, floor) == b' ' && before(bytes, at, 2, floor).is_ascii_digit()
}

/// Whether the number can end after `count` groups, before byte `end`.
fn closes(text: &str, end: usize, run: &Run, count: usize) -> bool {
    let bytes = text.as_bytes();
    if run::extension(bytes, end) > end {
        return true;
    }
    if let Some(next) = run.groups.get(count) {
        // What parts it from more digits must not be what parts its own groups.
        return match next.after {
            b' ' => run.plus || run.punctuated_before(count),
            b'/' => count > 1 && run.groups.iter().take(count).all(|group| group.after != b'/'),
            _ => false,
        };
    }
    let (one, two) = (byte(bytes, end), byte(bytes, end + 1));
    if one.is_ascii_alphanumeric() || b"_@%=".contains(&one) {
        return false;
    }
    let short_tail = run.groups.last().is_some_and(|group| group.end - group.start <= 3);
    match one {
        b':' | b'.' => !two.is_ascii_digit(),
        b',' => !(two.is_ascii_digit() && short_tail),
        b'-' | b'/' => !two.is_ascii_alphanumeric() || is_labelled(text, end),
        _ => {
            let ahead = text.get(end..).unwrap_or_default().trim_start_matches(' ');
            run.plus || !ahead.starts_with(['€', '$', '£', '¥', '₹', '%'])
        }
    }
}
