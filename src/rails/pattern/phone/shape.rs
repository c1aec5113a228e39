//! Which form of telephone number a row of groups has, if any.

use super::run::Run;
use crate::rails::pattern::near::digits;

/// The forms, from the most to the least telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `+` and a country code.
    International,
    /// Area code, exchange and line of the North American plan, all valid.
    NorthAmerican,
    /// Punctuated as telephone numbers are and little else is.
    National,
    /// Some seven to thirteen digits.
    Bare,
}

/// Country codes of two digits (ITU-T E.164, list of assigned codes); `1` and `7` have one digit, the rest have three.
const TWO_DIGITS: [u8; 44] = [
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58,
    60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];
/// First two digits of assigned codes of three digits.
const THREE_DIGITS: [u8; 18] = [21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 85, 96, 97];

/// The form of the first `count` groups of `run`, or `None` when they are no telephone number.
pub(super) fn of(bytes: &[u8], run: &Run, count: usize) -> Option<Shape> {
    let groups = run.groups.get(..count)?;
    let (first, last) = (groups.first()?, groups.last()?);
    let number: Vec<u8> = digits(bytes, first.start, last.end).collect();
    let sizes: Vec<usize> = groups.iter().map(|group| group.end - group.start).collect();
    let signs: Vec<u8> = groups.iter().skip(1).map(|group| group.after).collect();
    let only = |sign: u8| signs.iter().all(|&found| found == sign);
    let enclosed = groups.iter().position(|group| group.enclosed);
    if run.plus {
        // The trunk zero of `+44 (0)20 …` is not dialled; a lone last digit is a count of something.
        let trunk = groups.iter().any(|group| group.enclosed && group.end - group.start == 1);
        let lone = count > 1 && sizes.last() == Some(&1);
        return (!lone && is_international(&number, usize::from(trunk))).then_some(Shape::International);
    }
    if looks_like_something_else(&number, &sizes, &signs) || enclosed.is_some_and(|place| place > 1) {
        return None;
    }
    let total = number.len();
    let prefixed = match number.as_slice() {
        [0, 0, rest @ ..] => is_international(rest, 0).then_some(rest),
        _ => None,
    };
    if prefixed.is_some() {
        return Some(if count > 1 { Shape::National } else { Shape::Bare });
    }
    let ten = match (number.as_slice(), sizes.as_slice()) {
        (ten, [3, 3, 4] | [3, 7]) => Some(ten),
        ([1, ten @ ..], [1, 3, 3, 4]) => Some(ten),
        _ => None,
    };
    if let Some(&[area, _, _, exchange, ..]) = ten {
        let punctuated = !only(b' ') || enclosed.is_some();
        return match (area >= 2 && exchange >= 2, punctuated, area) {
            (true, true, _) if sizes.as_slice() != [3, 7] || enclosed.is_some() => Some(Shape::NorthAmerican),
            (_, true, _) | (true, false, _) | (_, _, 0) => Some(Shape::National),
            _ => Some(Shape::Bare),
        };
    }
    let area_code = enclosed == Some(0)
        && (7..=11).contains(&total)
        && (2..=5).contains(first_of(&sizes))
        && !is_year(&number, &sizes, 0);
    let trunk_zero = matches!(number.as_slice(), [0, second, ..] if *second != 0)
        && (9..=11).contains(&total)
        && (2..=5).contains(&count)
        && (2..=5).contains(first_of(&sizes))
        && sizes.iter().all(|&size| size >= 2);
    if area_code || trunk_zero {
        return Some(Shape::National);
    }
    let uniform = signs.first().is_none_or(|&sign| only(sign)) && enclosed.is_none();
    (uniform && (7..=13).contains(&total) && sizes.iter().all(|&size| size >= 2)).then_some(Shape::Bare)
}

fn first_of(sizes: &[usize]) -> &usize {
    sizes.first().unwrap_or(&0)
}

/// Country code and length: eight to fifteen digits in all (E.164 section 6.2), eleven where the plan says so.
fn is_international(number: &[u8], trunk_digits: usize) -> bool {
    let total = number.len() - trunk_digits.min(number.len());
    let code = match number {
        [1 | 7, ..] if total != 11 => return false,
        [1 | 7, rest @ ..] => Some(rest),
        [a, b, rest @ ..] if TWO_DIGITS.contains(&(a * 10 + b)) => Some(rest),
        [a, b, _, rest @ ..] if THREE_DIGITS.contains(&(a * 10 + b)) => Some(rest),
        [8, 0 | 7 | 8, _, rest @ ..] => Some(rest),
        _ => None,
    };
    (8..=15).contains(&total) && code.is_some_and(|rest| rest.iter().any(|&digit| digit != 0))
}

/// Dates, ranges of years, amounts, versions, article and social security numbers, postcodes.
fn looks_like_something_else(number: &[u8], sizes: &[usize], signs: &[u8]) -> bool {
    let only = |sign: u8| !signs.is_empty() && signs.iter().all(|&found| found == sign);
    let date = match sizes {
        [2, 2, 4, ..] | [1, 2, 4, ..] | [2, 1, 4, ..] => is_year(number, sizes, 2),
        [4, 2, 2, ..] => is_year(number, sizes, 0),
        [8, ..] => {
            is_year(number, &[4], 0)
                && number.get(4..6).is_some_and(|month| matches!(month, [0, _] | [1, 0..=2]))
        }
        _ => false,
    };
    let years =
        (1..sizes.len()).any(|place| is_year(number, sizes, place - 1) && is_year(number, sizes, place));
    let amount = only(b' ')
        && sizes.iter().skip(1).all(|&size| size == 3)
        && *first_of(sizes) <= 3
        && number.ends_with(&[0, 0, 0]);
    let version = only(b'.') && sizes.len() <= 4 && sizes.iter().all(|&size| size <= 3);
    let book = number.len() == 13 && (number.starts_with(&[9, 7, 8]) || number.starts_with(&[9, 7, 9]));
    let registered = matches!(sizes, [3, 2, 4] | [5, 4]) && only(b'-');
    let uniform = number.iter().all(|digit| number.first() == Some(digit));
    date || years || amount || version || book || registered || uniform
}

/// Whether the group at `place` is a year from 1900 to 2099.
fn is_year(number: &[u8], sizes: &[usize], place: usize) -> bool {
    let start = sizes.iter().take(place).sum::<usize>();
    sizes.get(place) == Some(&4) && matches!(number.get(start..start + 2), Some([1, 9] | [2, 0]))
}
