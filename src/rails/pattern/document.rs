//! Passports and driving licences: short numbers that only the words before them tell from others.

use super::context;
use super::near::{run, word_ends};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const PASSPORT: Detector = Detector {
    name: "pii.passport",
    category: "pii",
    placeholder: "[PASSPORT]",
    trigger: Trigger::Literals(&[
        "passport",
        "passeport",
        "reisepass",
        "pasaporte",
        "passaporto",
        "paspoort",
        "passaporte",
        "паспорт",
        "护照",
        "パスポート",
    ]),
    at: passport,
};
pub(super) const LICENCE: Detector = Detector {
    name: "pii.driving_licence",
    category: "pii",
    placeholder: "[LICENCE]",
    trigger: Trigger::Literals(&[
        "driver",
        "driving",
        "dln",
        "dl#",
        "dl number",
        "dl no",
        "dvla",
        "führerschein",
        "fuehrerschein",
        "permis de conduire",
        "permiso de conducir",
        "patente di guida",
        "rijbewijs",
    ]),
    at: licence,
};

/// After the word itself, in a form in use.
const ANNOUNCED: f32 = 0.75;
/// The British licence's sixteen places hold the holder's birth date, which is checked.
const BRITISH: f32 = 0.95;

const PASSPORT_LETTERS: usize = 3;
const LICENCE_LETTERS: usize = 2;

fn passport(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let window = context::ahead(text, at);
    let span = number(text, at, window, |word| {
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        let digits = word.len() - letters;
        let tail = word.bytes().skip(letters).filter(u8::is_ascii_digit).count();
        let numeric = tail == digits && letters <= PASSPORT_LETTERS;
        // Germany and the Netherlands mix letters without vowels and digits.
        let mixed = word.len() == 9
            && tail >= 3
            && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        (numeric && (6..=9).contains(&digits) && (7..=10).contains(&word.len())) || mixed
    })?;
    (span.start >= floor).then(|| Hit::new(span, ANNOUNCED))
}

fn licence(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let window = context::ahead(text, at);
    // "driver" alone is a program or a person.
    let lower = window.to_ascii_lowercase();
    let driver = lower.starts_with("driv");
    if driver && !lower.contains("licen") && !lower.contains("lic.") && !lower.contains("lic ") {
        return None;
    }
    let british = number(text, at, window, is_british);
    let span = british.or_else(|| {
        number(text, at, window, |word| {
            let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
            let digits = word.bytes().skip(letters).filter(u8::is_ascii_digit).count();
            letters + digits == word.len() && letters <= LICENCE_LETTERS && (6..=14).contains(&digits)
        })
    })?;
    let score = if british.is_some() { BRITISH } else { ANNOUNCED };
    (span.start >= floor).then(|| Hit::new(span, score))
}

/// The first word of the window that holds a digit, when it is such as asked for; hyphens and spaces inside it are not
/// passed over. `window` begins at byte `at`.
fn number(text: &str, at: usize, window: &str, is_form: impl Fn(&str) -> bool) -> Option<Span> {
    let bytes = text.as_bytes();
    let offset = window.find(|c: char| c.is_ascii_digit())?;
    let word = |c: char| c.is_ascii_alphanumeric();
    let head = window.get(..offset)?;
    let start = at + head.trim_end_matches(word).len();
    let end = start + run(bytes, start, 24, |b| b.is_ascii_alphanumeric());
    let form = text.get(start..end)?;
    let date_or_price =
        matches!(bytes.get(end), Some(b'/' | b',')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
    (is_form(form) && word_ends(bytes, end) && !date_or_price).then_some(Span::new(start, end))
}

/// The DVLA's form: five places of the surname filled with 9, birth date as `YMMDDY` (50 added to a woman's month), two
/// initials, a check digit that is not published and two letters.
fn is_british(word: &str) -> bool {
    let [surname @ .., _, _, _, _, _, _, _, _, _, _, _] = word.as_bytes() else { return false };
    let number = |from: usize, to: usize| word.get(from..to).and_then(|digits| digits.parse::<u32>().ok());
    let (Some(_), Some(month), Some(day)) = (number(5, 11), number(6, 8), number(8, 10)) else {
        return false;
    };
    let filled = surname.iter().rev().skip_while(|b| **b == b'9').all(u8::is_ascii_alphabetic);
    let initials =
        word.get(11..13).is_some_and(|two| two.bytes().all(|b| b.is_ascii_alphabetic() || b == b'9'));
    let tail = word.get(14..16).is_some_and(|two| two.bytes().all(|b| b.is_ascii_alphabetic()));
    word.len() == 16
        && surname.first().is_some_and(u8::is_ascii_alphabetic)
        && filled
        && matches!(month, 1..=12 | 51..=62)
        && (1..=31).contains(&day)
        && initials
        && tail
}
