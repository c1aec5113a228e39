//! United Kingdom: NHS numbers with their mod 11 check digit, and national insurance numbers.

use super::context;
use super::near::{byte, digits, number_closes, number_opens, run, word_ends, word_start};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const NHS: Detector = Detector {
    name: "pii.uk_nhs",
    category: "pii",
    placeholder: "[NHS]",
    trigger: Trigger::Numbers,
    at: nhs,
};
pub(super) const NINO: Detector = Detector {
    name: "pii.uk_nino",
    category: "pii",
    placeholder: "[NINO]",
    trigger: Trigger::Numbers,
    at: nino,
};

/// Check digit right, and a word about the health service before it.
const NHS_ANNOUNCED: f32 = 0.95;
/// Check digit right and the groups 3-3-4, unannounced: also the shape of a telephone number.
const NHS_GROUPED: f32 = 0.4;

/// All letters and digits as they are issued, announced.
const NINO_ANNOUNCED: f32 = 0.95;
/// The same, unannounced.
const NINO_FORM: f32 = 0.8;
/// Without its last letter, announced.
const NINO_SHORT: f32 = 0.6;

const NHS_WORDS: [&str; 6] = ["health", "hospital", "medical", "nhs", "nhsnumber", "patient"];
const NINO_WORDS: [&str; 6] = ["insurance", "ni", "nin", "nino", "national", "payroll"];

/// Prefixes that are not issued.
const NOT_ISSUED: [[u8; 2]; 7] = [*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"];

fn nhs(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let is_digit = |b: u8| b.is_ascii_digit();
    let (end, grouped) = match (run(bytes, at, 11, is_digit), byte(bytes, at + 3)) {
        (10, _) => (at + 10, false),
        (3, separator @ (b' ' | b'-')) => {
            let groups = (run(bytes, at + 4, 4, is_digit), run(bytes, at + 8, 5, is_digit));
            (groups == (3, 4) && byte(bytes, at + 7) == separator).then_some((at + 12, true))?
        }
        _ => return None,
    };
    if !number_opens(bytes, at, floor) || !number_closes(bytes, end) || !mod_11(bytes, at, end) {
        return None;
    }
    let announced = context::announces(text, at, &NHS_WORDS, &[]);
    match (announced, grouped) {
        (true, _) => Some(Hit::new(Span::new(at, end), NHS_ANNOUNCED)),
        (false, true) => Some(Hit::new(Span::new(at, end), NHS_GROUPED)),
        (false, false) => None,
    }
}

/// The NHS data dictionary: weights 10 to 2, the check digit is 11 less the remainder, and 10 is never issued.
fn mod_11(bytes: &[u8], start: usize, end: usize) -> bool {
    let number: Vec<u32> = digits(bytes, start, end).map(u32::from).collect();
    let Some((check, body)) = number.split_last() else { return false };
    let sum: u32 = body.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    let same = number.iter().all(|digit| digit == check);
    !same && (11 - sum % 11) % 11 == *check
}

fn nino(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    // The letters may be set apart: `AB 12 34 56 C`.
    let spaced = byte(bytes, at.wrapping_sub(1)) == b' ';
    let letters_end = at.checked_sub(usize::from(spaced))?;
    let start = word_start(bytes, letters_end, 2, floor).filter(|start| letters_end - start == 2)?;
    let (first, second) = (byte(bytes, start), byte(bytes, start + 1));
    let upper = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
    let [one, two] = upper;
    let issued = !b"DFIQUV".contains(&one) && !b"DFIQUVO".contains(&two) && !NOT_ISSUED.contains(&upper);
    if !issued {
        return None;
    }
    let (mut end, mut count) = (at, 0);
    while count < 6 {
        match byte(bytes, end) {
            b'0'..=b'9' => count += 1,
            b' ' | b'-' if count > 0 && count % 2 == 0 => {}
            _ => return None,
        }
        end += 1;
    }
    let suffix_at = end + usize::from(matches!(byte(bytes, end), b' ' | b'-'));
    let suffix = byte(bytes, suffix_at).to_ascii_uppercase();
    let announced = context::announces(text, start, &NINO_WORDS, &[]);
    let lower = first.is_ascii_lowercase() || second.is_ascii_lowercase();
    if lower && !announced {
        return None;
    }
    if matches!(suffix, b'A'..=b'D') && word_ends(bytes, suffix_at + 1) {
        let score = if announced { NINO_ANNOUNCED } else { NINO_FORM };
        return Some(Hit::new(Span::new(start, suffix_at + 1), score));
    }
    (announced && word_ends(bytes, end)).then(|| Hit::new(Span::new(start, end), NINO_SHORT))
}
