//! Dates of birth: a date of the calendar after a word about birth.

use super::context;
use super::near::{byte, run, word_ends};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const DETECTOR: Detector = Detector {
    name: "pii.date_of_birth",
    category: "pii",
    placeholder: "[DATE OF BIRTH]",
    trigger: Trigger::Literals(&[
        "birth",
        "born",
        "dob",
        "d.o.b",
        "geburt",
        "geboren",
        "né le",
        "née le",
        "naissance",
        "nacimiento",
        "nacido",
        "nacida",
        "nascita",
        "nato il",
        "nata il",
        "nascimento",
        "geboorte",
        "urodzenia",
        "рождения",
        "生日",
        "出生",
        "生年月日",
    ]),
    at,
};

/// After "date of birth", "DOB" and the like.
const LABELLED: f32 = 0.9;
/// After "born", in digits or of the one who writes.
const BORN: f32 = 0.7;
/// After "born" of someone else with the month in words, as biographies have it.
const BIOGRAPHY: f32 = 0.4;

const MONTHS: [&str; 36] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "janv", "fév",
    "mars", "avr", "mai", "juin", "juil", "août", "sept", "octo", "déc", "ene", "abr", "ago", "dic", "okt",
    "dez", "märz", "gen", "mag", "giu", "lug", "set", "ott",
];

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    // Inside another word: "airborne", "stubborn", "reborn".
    if at > 0 && byte(bytes, at - 1).is_ascii_alphanumeric() {
        return None;
    }
    let window = context::ahead(text, at);
    let (span, in_words) = date(text, at, window)?;
    let label = text.get(at..span.start)?.to_ascii_lowercase();
    let born = ["born", "geboren", "né", "nacid", "nat"].iter().any(|word| label.starts_with(word));
    // "birth rate in 1990", "birthplace": a date after the date's own word only.
    let labelled = !born && (label.len() < 32);
    let before = text.get(text.ceil_char_boundary(at.saturating_sub(12))..at)?.to_ascii_lowercase();
    let own = ["i was ", "i'm ", "i am ", "i’m ", "my "].iter().any(|words| before.ends_with(words));
    let score = match (labelled, born) {
        (true, _) => LABELLED,
        (_, true) if own || !in_words => BORN,
        (_, true) => BIOGRAPHY,
        _ => return None,
    };
    (span.start >= floor).then(|| Hit::new(span, score))
}

/// The first date in the window, which begins at byte `at`, and whether its month is in words.
fn date(text: &str, at: usize, window: &str) -> Option<(Span, bool)> {
    let offset = window.find(|c: char| c.is_ascii_digit())?;
    let start = at + offset;
    if let Some(end) = numeric(text.as_bytes(), start) {
        return Some((Span::new(start, end), false));
    }
    // `May 4, 1985`: the month stands before the day.
    let head = window.get(..offset)?.trim_end_matches([' ', '\u{a0}']);
    let word = head.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let bytes = text.as_bytes();
    if is_month(word) {
        let day = run(bytes, start, 3, |b| b.is_ascii_digit());
        let after = start + day + ordinal(bytes, start + day);
        let gap = run(bytes, after, 3, |b| b == b',' || b == b' ');
        let end = year(bytes, after + gap)?;
        let from = at + head.len() - word.len();
        return (day <= 2 && gap > 0).then_some((Span::new(from, end), true));
    }
    // `4 May 1985`, `4th of May, 1985`, `4. Mai 1985`.
    let day = run(bytes, start, 3, |b| b.is_ascii_digit());
    let mut place = start + day + ordinal(bytes, start + day);
    place += run(bytes, place, 2, |b| b == b'.' || b == b' ' || b == b'-');
    if text.get(place..place + 3).is_some_and(|of| of.eq_ignore_ascii_case("of "))
        || bytes.get(place..place + 3) == Some(b"de ")
    {
        place += 3;
    }
    let rest = text.get(place..)?;
    let month: usize = rest.chars().take(12).take_while(|c| c.is_alphabetic()).map(char::len_utf8).sum();
    if day > 2 || !is_month(rest.get(..month)?) {
        return None;
    }
    place += month;
    let gap = run(bytes, place, 3, |b| b",. -".contains(&b));
    place += gap;
    if bytes.get(place..place + 3) == Some(b"de ") {
        place += 3;
    }
    (gap > 0).then_some((Span::new(start, year(bytes, place)?), true))
}

/// `1985-05-04`, `04/05/1985`, `4.5.85` and the like, with a day and a month of the calendar in either order.
fn numeric(bytes: &[u8], start: usize) -> Option<usize> {
    let mut parts = [(0_u32, 0_usize); 3];
    let mut end = start;
    let mut separator = 0;
    for (place, part) in parts.iter_mut().enumerate() {
        if place > 0 {
            let one = byte(bytes, end);
            if !b"-/.".contains(&one) || (separator != 0 && one != separator) {
                return None;
            }
            separator = one;
            end += 1;
        }
        let length = run(bytes, end, 5, |b| b.is_ascii_digit());
        let digits = std::str::from_utf8(bytes.get(end..end + length)?).ok()?;
        *part = (digits.parse().ok()?, length);
        end += length;
    }
    if !word_ends(bytes, end) {
        return None;
    }
    let is_day = |n: u32| (1..=31).contains(&n);
    let is_month = |n: u32| (1..=12).contains(&n);
    let date = match parts {
        [(year, 4), (month, 1..=2), (day, 1..=2)] => is_year(year) && is_month(month) && is_day(day),
        [(a, 1..=2), (b, 1..=2), (year, length @ (2 | 4))] => {
            (length == 2 || is_year(year)) && ((is_day(a) && is_month(b)) || (is_month(a) && is_day(b)))
        }
        _ => false,
    };
    date.then_some(end)
}

/// The end of a year of four digits at `at`.
fn year(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = std::str::from_utf8(bytes.get(at..at + 4)?).ok()?;
    let four = run(bytes, at, 5, |b| b.is_ascii_digit()) == 4;
    (four && is_year(digits.parse().ok()?) && word_ends(bytes, at + 4)).then_some(at + 4)
}

/// A year that someone's paper can hold.
fn is_year(year: u32) -> bool {
    (1850..=2099).contains(&year)
}

/// Length of `st`, `nd`, `rd` or `th`.
fn ordinal(bytes: &[u8], at: usize) -> usize {
    let two = bytes.get(at..at + 2).unwrap_or_default().to_ascii_lowercase();
    if [b"st", b"nd", b"rd", b"th"].iter().any(|suffix| suffix.as_slice() == two) { 2 } else { 0 }
}

fn is_month(word: &str) -> bool {
    let lower = word.to_lowercase();
    lower.chars().count() >= 3 && MONTHS.iter().any(|month| lower.starts_with(month))
}
