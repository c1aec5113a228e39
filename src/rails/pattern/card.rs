//! Payment cards: ISO/IEC 7812 numbers of 12 to 19 digits with a known issuer, its lengths and the Luhn check digit.

use super::context::{self, Context};
use super::near::{before, byte, digits};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const DETECTOR: Detector =
    Detector { name: "pii.card", category: "pii", placeholder: "[CARD]", trigger: Trigger::Numbers, at };

/// Issuer, length and check digit agree, and the grouping is one that is printed on cards, or none.
const CARD: f32 = 0.95;
/// The same in another grouping.
const ODD_GROUPS: f32 = 0.6;
/// Twelve or thirteen digits with no word about cards before them: also the shape of an article number.
const SHORT: f32 = 0.4;

const MOST_DIGITS: usize = 19;
const LEAST_DIGITS: usize = 12;
/// Up to so many a number may as well be another kind.
const SHORT_DIGITS: usize = 13;
const MOST_GROUPS: usize = 6;

const WORDS: [&str; 14] = [
    "amex",
    "card",
    "cards",
    "carte",
    "cc",
    "credit",
    "debit",
    "karte",
    "kreditkarte",
    "maestro",
    "mastercard",
    "pay",
    "tarjeta",
    "visa",
];

/// Issuer ranges: first and last value of the leading digits, as many digits as the numbers have, and the lengths in
/// use. The first row that holds decides.
const ISSUERS: [(u32, u32, &[usize]); 27] = [
    (34, 34, &[15]),                                 // American Express
    (37, 37, &[15]),                                 // American Express
    (4, 4, &[13, 16, 19]),                           // Visa
    (51, 55, &[16]),                                 // Mastercard
    (2221, 2720, &[16]),                             // Mastercard
    (2200, 2204, &[16, 17, 18, 19]),                 // Mir
    (6011, 6011, &[16, 17, 18, 19]),                 // Discover
    (622_126, 622_925, &[16, 17, 18, 19]),           // Discover and UnionPay
    (644, 649, &[16, 17, 18, 19]),                   // Discover
    (65, 65, &[16, 17, 18, 19]),                     // Discover, RuPay, Verve
    (300, 305, &[14, 16, 17, 18, 19]),               // Diners Club
    (3095, 3095, &[14, 16, 17, 18, 19]),             // Diners Club
    (36, 36, &[14, 15, 16, 17, 18, 19]),             // Diners Club
    (38, 39, &[14, 16, 17, 18, 19]),                 // Diners Club
    (3528, 3589, &[16, 17, 18, 19]),                 // JCB
    (1800, 1800, &[15]),                             // JCB
    (2131, 2131, &[15]),                             // JCB
    (62, 62, &[16, 17, 18, 19]),                     // UnionPay
    (81, 81, &[16, 17, 18, 19]),                     // UnionPay, RuPay
    (60, 60, &[16]),                                 // RuPay
    (508, 508, &[16]),                               // RuPay
    (506_099, 506_198, &[16, 18, 19]),               // Verve
    (9792, 9792, &[16]),                             // Troy
    (5018, 5020, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
    (5038, 5038, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
    (6304, 6304, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
    (6759, 6763, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
];

/// Groupings printed on cards or typed into forms.
const GROUPINGS: [&[usize]; 7] =
    [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3], &[6, 13], &[4, 4, 4, 2], &[8, 8]];

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    if !opens(bytes, at, floor) {
        return None;
    }
    let groups = groups(bytes, at)?;
    // A security code or date may follow the number: the longest run of whole groups that is a card wins.
    (1..=groups.len()).rev().find_map(|count| {
        let taken = groups.get(..count)?;
        let end = taken.last()?.1;
        let number: Vec<u8> = digits(bytes, at, end).collect();
        if !closes(bytes, end) || !issued(&number) || !luhn(&number) {
            return None;
        }
        let sizes: Vec<usize> = taken.iter().map(|(start, end)| end - start).collect();
        let printed = count == 1 || GROUPINGS.contains(&sizes.as_slice());
        let score = if number.len() <= SHORT_DIGITS && context::nearest(text, at, &WORDS, &[]) != Context::For
        {
            SHORT
        } else if printed {
            CARD
        } else {
            ODD_GROUPS
        };
        Some(Hit::new(Span::new(at, end), score))
    })
}

/// Whether a number can begin at `at`.
fn opens(bytes: &[u8], at: usize, floor: usize) -> bool {
    let (one, two) = (before(bytes, at, 1, floor), before(bytes, at, 2, floor));
    !(one.is_ascii_alphanumeric() || b"_-".contains(&one) || (b".,".contains(&one) && two.is_ascii_digit()))
}

/// Whether a number can end before `end`.
fn closes(bytes: &[u8], end: usize) -> bool {
    let (one, two) = (byte(bytes, end), byte(bytes, end + 1));
    !(one.is_ascii_alphanumeric()
        || b"_@".contains(&one)
        || (one == b'-' && two.is_ascii_alphanumeric())
        || (one == b'.' && two.is_ascii_digit()))
}

/// Runs of digits from `at` on, as byte ranges, with one space or hyphen between them; at most six whole runs of
/// nineteen digits in all.
fn groups(bytes: &[u8], at: usize) -> Option<Vec<(usize, usize)>> {
    let mut groups = Vec::new();
    let (mut start, mut count) = (at, 0);
    loop {
        let longest = start + MOST_DIGITS - count;
        let mut end = start;
        while end <= longest && byte(bytes, end).is_ascii_digit() {
            end += 1;
        }
        if end == start || end > longest || groups.len() == MOST_GROUPS {
            break;
        }
        count += end - start;
        groups.push((start, end));
        if !b" -".contains(&byte(bytes, end)) {
            break;
        }
        start = end + 1;
    }
    (count >= LEAST_DIGITS).then_some(groups)
}

fn issued(number: &[u8]) -> bool {
    ISSUERS.iter().any(|&(first, last, lengths)| {
        let places = first.ilog10() as usize + 1;
        let lead = number.iter().take(places).fold(0, |lead, &digit| lead * 10 + u32::from(digit));
        (first..=last).contains(&lead) && lengths.contains(&number.len())
    })
}

/// ISO/IEC 7812-1 annex B: every second digit from the right doubled, the digits of the products summed.
fn luhn(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}
