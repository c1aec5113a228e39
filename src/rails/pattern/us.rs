//! United States social security numbers and individual taxpayer identification numbers.
//!
//! Neither has a check digit. The rules are those of the Social Security Administration (area, group and serial, since
//! the randomization of 2011) and of the Internal Revenue Service (the fourth and fifth digits of an ITIN).

use super::context;
use super::near::{byte, digits, number_closes, number_opens, run};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const SSN: Detector = Detector {
    name: "pii.us_ssn",
    category: "pii",
    placeholder: "[SSN]",
    trigger: Trigger::Numbers,
    at: ssn,
};
pub(super) const ITIN: Detector = Detector {
    name: "pii.us_itin",
    category: "pii",
    placeholder: "[ITIN]",
    trigger: Trigger::Numbers,
    at: itin,
};

/// A number that can have been issued, after a word that says what it is.
const ANNOUNCED: f32 = 0.95;
/// The same in the groups 3-2-4 with hyphens, unannounced.
const HYPHENATED: f32 = 0.85;
/// Nine digits in one, announced.
const UNGROUPED: f32 = 0.8;
/// Groups with spaces, unannounced; or announced as something else.
const DOUBTFUL: f32 = 0.4;
/// Numbers printed in advertisements and never anyone's.
const VOID: f32 = 0.2;

const VOIDS: [[u8; 9]; 3] =
    [[0, 7, 8, 0, 5, 1, 1, 2, 0], [2, 1, 9, 0, 9, 9, 9, 9, 9], [4, 5, 7, 5, 5, 5, 4, 6, 2]];

const SSN_WORDS: [&str; 4] = ["social", "soc", "ssn", "ssns"];
const ITIN_WORDS: [&str; 4] = ["itin", "taxpayer", "tax", "tin"];

fn ssn(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let form = form(text, at, floor)?;
    let [a, b, c, d, e, f, g, h, i] = form.digits;
    let area = u16::from(a) * 100 + u16::from(b) * 10 + u16::from(c);
    if matches!(area, 0 | 666 | 900..) || (d, e) == (0, 0) || [f, g, h, i] == [0; 4] {
        return None;
    }
    let score = score(text, at, &form, &SSN_WORDS)?;
    Some(Hit::new(form.span, if form.is_void() { VOID } else { score }))
}

fn itin(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let form = form(text, at, floor)?;
    let [first, _, _, d, e, ..] = form.digits;
    let group = d * 10 + e;
    let issued = first == 9 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99);
    let score = issued.then(|| score(text, at, &form, &ITIN_WORDS))??;
    Some(Hit::new(form.span, if form.is_void() { VOID } else { score }))
}

fn score(text: &str, at: usize, form: &Form, words: &[&str]) -> Option<f32> {
    let announced = context::announces(text, at, words, &[]);
    match (form.separator, announced) {
        (0, true) => Some(UNGROUPED),
        (0, false) => None,
        (_, true) => Some(ANNOUNCED),
        (b'-', false) if context::nearest(text, at, words, &[]) != context::Context::Against => {
            Some(HYPHENATED)
        }
        (_, false) => Some(DOUBTFUL),
    }
}

impl Form {
    /// Whether it is known to be nobody's, or one digit over and over.
    fn is_void(&self) -> bool {
        let [first, ..] = self.digits;
        VOIDS.contains(&self.digits) || self.digits.iter().all(|digit| *digit == first)
    }
}

/// Nine digits, in one or as 3-2-4.
struct Form {
    digits: [u8; 9],
    span: Span,
    /// `b'-'`, `b' '`, or `0` for none.
    separator: u8,
}

fn form(text: &str, at: usize, floor: usize) -> Option<Form> {
    let bytes = text.as_bytes();
    let is_digit = |b: u8| b.is_ascii_digit();
    let first = run(bytes, at, 10, is_digit);
    let (end, separator) = match (first, byte(bytes, at + 3)) {
        (9, _) => (at + 9, 0),
        (3, separator @ (b'-' | b' ')) => {
            let second = run(bytes, at + 4, 3, is_digit);
            let third = run(bytes, at + 7, 5, is_digit);
            ((second, third) == (2, 4) && byte(bytes, at + 6) == separator).then_some((at + 11, separator))?
        }
        _ => return None,
    };
    if !number_opens(bytes, at, floor) || !number_closes(bytes, end) {
        return None;
    }
    let digits = digits(bytes, at, end).collect::<Vec<u8>>().try_into().ok()?;
    Some(Form { digits, span: Span::new(at, end), separator })
}
