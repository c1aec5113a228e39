//! The pattern rail: exact detectors of personal data, secrets, dangerous commands and hidden characters, each a shape
//! with its own validation.
//!
//! A detector names what it can be triggered by: bytes, the first digit of a number, or literals. The rail walks the text
//! once for the bytes and numbers, one automaton finds the literals of all detectors together, and a detector looks only at
//! a bounded neighbourhood of its trigger; so the time is linear in the length of the text, whatever the text holds, and
//! hardly grows with the number of detectors. What is likely is then hidden and the text walked again, because what stands
//! beside a number decides whether it is one: after a redaction a second scan finds nothing likely.
//!
//! Scores are constants of the detector: how far the match was validated, not how bad it is. Thresholds are the
//! policy's. Detectors read the text as it stands: full-width digits, words for digits or `name (at) host` are not
//! seen through.

mod birth;
mod card;
mod code;
mod context;
mod document;
mod email;
mod gps;
mod iban;
mod invisible;
mod ip;
mod literals;
mod mac;
mod near;
mod phone;
mod secret;
#[cfg(test)]
mod tests;
mod uk;
mod us;
mod vehicle;
mod wallet;

use std::borrow::Cow;

use super::repetition;
use super::url::UrlRail;
use crate::span::Span;
use crate::verdict::{Detection, Source};
use literals::Literals;
use near::before;
use secret::Token;

/// Most walks over one text: the first, and those over what the earlier ones left.
const WALKS: usize = 4;

/// From this score on, a match is more likely its kind of data than not, and hides its bytes from the next walk.
const LIKELY: f32 = 0.5;

/// One kind of data, how it is recognised and what a redaction puts in its place.
struct Detector {
    name: &'static str,
    category: &'static str,
    placeholder: &'static str,
    trigger: Trigger,
    /// Looks for a match around byte `at`; nothing before `floor` belongs to it.
    at: fn(text: &str, at: usize, floor: usize) -> Option<Hit>,
}

impl Detector {
    /// Whether a likely match is taken for data that a redaction removes, and hides its bytes from the next walk.
    fn hides(&self) -> bool {
        matches!(self.category, "pii" | "secret")
    }
}

/// Where [`Detector::at`] is called.
enum Trigger {
    /// At each of these ASCII bytes, or first bytes of characters.
    Bytes(&'static [u8]),
    /// At every ASCII digit that follows none.
    Numbers,
    /// At the first byte of each of these, whatever the case of ASCII letters.
    Literals(&'static [&'static str]),
    /// At the first byte of the prefix of each of these.
    Tokens(&'static [Token]),
    /// Each time so many bytes have gone by.
    Every(usize),
}

/// One match.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hit {
    span: Span,
    score: f32,
    /// The category, where it is narrower than the detector's.
    category: Option<&'static str>,
}

impl Hit {
    const fn new(span: Span, score: f32) -> Self {
        Self { span, score, category: None }
    }

    const fn of(self, category: Option<&'static str>) -> Self {
        Self { category, ..self }
    }
}

/// Every detector. A bit of a trigger mask stands for a row.
static DETECTORS: [Detector; 42] = [
    email::DETECTOR,
    card::DETECTOR,
    ip::DETECTOR,
    phone::DETECTOR,
    iban::DETECTOR,
    us::SSN,
    us::ITIN,
    uk::NHS,
    uk::NINO,
    document::PASSPORT,
    document::LICENCE,
    mac::DETECTOR,
    vehicle::VIN,
    vehicle::PLATE,
    wallet::DETECTOR,
    birth::DETECTOR,
    gps::DETECTOR,
    secret::PRIVATE_KEY,
    secret::CONNECTION,
    secret::JWT,
    secret::CRYPTO_KEY,
    secret::MNEMONIC,
    secret::AWS,
    secret::AZURE,
    secret::GOOGLE,
    secret::GITHUB,
    secret::GITLAB,
    secret::SLACK,
    secret::DISCORD,
    secret::TELEGRAM,
    secret::STRIPE,
    secret::OPENAI,
    secret::ANTHROPIC,
    secret::HUGGINGFACE,
    secret::REGISTRY,
    secret::VENDOR,
    secret::ASSIGNMENT,
    code::SHELL_DANGER,
    code::BLOCK,
    invisible::TAGS,
    invisible::BIDI,
    invisible::ZERO_WIDTH,
];

/// One bit a detector.
type Mask = u64;
const _: () = assert!(DETECTORS.len() <= Mask::BITS as usize, "a mask has a bit for every detector");

/// The pattern detectors, ready to scan.
#[derive(Clone, Debug)]
pub struct PatternRail {
    /// For each byte value, the detectors it triggers.
    triggers: [Mask; 256],
    /// Of these, the detectors that only the first digit of a number triggers.
    numbers: Mask,
    literals: &'static Literals,
}

impl PatternRail {
    /// The rail with every detector.
    #[must_use]
    pub fn new() -> Self {
        let mut rail = Self { triggers: [0; 256], numbers: 0, literals: Literals::all() };
        for (row, detector) in DETECTORS.iter().enumerate() {
            let bytes = match detector.trigger {
                Trigger::Bytes(bytes) => bytes,
                Trigger::Numbers => {
                    rail.numbers |= 1 << row;
                    b"0123456789"
                }
                // The automaton and the strides know their rows.
                Trigger::Literals(_) | Trigger::Tokens(_) | Trigger::Every(_) => continue,
            };
            for &byte in bytes {
                if let Some(mask) = rail.triggers.get_mut(usize::from(byte)) {
                    *mask |= 1 << row;
                }
            }
        }
        rail
    }

    /// Appends what the detectors find in `text`: one detection for each detector and score, with every span that
    /// earned this score, in text order; detections in the order of their first span, then of the detectors' names.
    ///
    /// Spans are byte ranges of `text` on character boundaries. Spans of one detector do not overlap; those of two
    /// detectors may. Time and memory are linear in `text.len()`.
    pub fn scan(&self, text: &str, out: &mut Vec<Detection>) {
        let mut view = Cow::Borrowed(text);
        let mut hits: Vec<(usize, Hit)> = Vec::new();
        for left in (0..WALKS).rev() {
            let mut fresh = Vec::new();
            self.walk(&view, &mut fresh);
            let hides = |row: usize, hit: &Hit| {
                hit.score >= LIKELY && DETECTORS.get(row).is_some_and(Detector::hides)
            };
            let last = left == 0 || !fresh.iter().any(|(row, hit)| hides(*row, hit));
            if last {
                hits.append(&mut fresh);
                break;
            }
            // A weak match may turn into another once its neighbour is known for what it is.
            fresh.retain(|(row, hit)| hides(*row, hit));
            view = Cow::Owned(hide(&view, &fresh));
            hits.append(&mut fresh);
        }
        hits.sort_by_key(|(row, hit)| (hit.span, *row));
        out.extend(gather(&hits));
    }

    /// The names of the detectors, for checking a policy's rules.
    pub fn names() -> impl Iterator<Item = &'static str> {
        DETECTORS.iter().map(|detector| detector.name)
    }

    /// What a redaction puts in the place of a match by any rail that needs no model, such as `[EMAIL]`; `None` for other
    /// detectors, and for word lists.
    #[must_use]
    pub fn placeholder(detector: &str) -> Option<&'static str> {
        let own = DETECTORS.iter().find(|row| row.name == detector).map(|row| row.placeholder);
        own.or_else(|| UrlRail::placeholder(detector))
            .or_else(|| (detector == repetition::NAME).then_some(repetition::PLACEHOLDER))
    }

    fn walk(&self, text: &str, hits: &mut Vec<(usize, Hit)>) {
        let mut found = Found { text, floors: [0; DETECTORS.len()], hits };
        let bytes = text.as_bytes();
        for (at, &byte) in bytes.iter().enumerate() {
            let mut mask = self.triggers.get(usize::from(byte)).copied().unwrap_or_default();
            if mask == 0 {
                continue;
            }
            // Within a number, the detectors that numbers trigger have been asked already.
            if byte.is_ascii_digit() && before(bytes, at, 1, 0).is_ascii_digit() {
                mask &= !self.numbers;
            }
            while mask != 0 {
                found.look(mask.trailing_zeros() as usize, at);
                mask &= mask - 1;
            }
        }
        for (row, at) in self.literals.find(text) {
            found.look(row, at);
        }
        for (row, detector) in DETECTORS.iter().enumerate() {
            if let Trigger::Every(stride) = detector.trigger {
                (0..text.len()).step_by(stride).for_each(|at| found.look(row, at));
            }
        }
    }
}

/// The matches of one walk, and up to where each detector has used the text.
struct Found<'a> {
    text: &'a str,
    floors: [usize; DETECTORS.len()],
    hits: &'a mut Vec<(usize, Hit)>,
}

impl Found<'_> {
    /// Asks a detector about the trigger at byte `at`.
    fn look(&mut self, row: usize, at: usize) {
        let (Some(detector), Some(floor)) = (DETECTORS.get(row), self.floors.get_mut(row)) else { return };
        if at < *floor {
            return;
        }
        if let Some(hit) = (detector.at)(self.text, at, *floor) {
            *floor = hit.span.end;
            self.hits.push((row, hit));
        }
    }
}

impl Default for PatternRail {
    fn default() -> Self {
        Self::new()
    }
}

/// The text with each hit overwritten by a bracketed filler of the same length, so that the next walk sees the
/// neighbourhood that a placeholder would leave.
fn hide(view: &str, hits: &[(usize, Hit)]) -> String {
    let mut bytes = view.as_bytes().to_vec();
    for (_, hit) in hits {
        match bytes.get_mut(hit.span.start..hit.span.end) {
            Some([only]) => *only = b']',
            Some([first, middle @ .., last]) => {
                *first = b'[';
                middle.fill(b'_');
                *last = b']';
            }
            _ => {}
        }
    }
    // Hits begin and end between characters, so this is text; were it not, there would be nothing left to find.
    String::from_utf8(bytes).unwrap_or_default()
}

fn gather(hits: &[(usize, Hit)]) -> Vec<Detection> {
    let mut groups: Vec<(usize, Detection)> = Vec::new();
    for &(row, hit) in hits {
        let Some(detector) = DETECTORS.get(row) else { continue };
        let category = hit.category.unwrap_or(detector.category);
        let same = |(other, detection): &&mut (usize, Detection)| {
            *other == row
                && detection.score.to_bits() == hit.score.to_bits()
                && detection.category == category
        };
        if let Some((_, detection)) = groups.iter_mut().find(same) {
            detection.spans.push(hit.span);
        } else {
            let detection = Detection {
                detector: detector.name.to_owned(),
                category: category.to_owned(),
                score: hit.score,
                spans: vec![hit.span],
                source: Source::Pattern,
                via: Vec::new(),
                place: None,
                repair: None,
            };
            groups.push((row, detection));
        }
    }
    groups.into_iter().map(|(_, detection)| detection).collect()
}
