//! The pattern rail: exact detectors of personal data, each a shape with its own validation.
//!
//! A detector names the bytes it can be triggered by. The rail walks the text once, hands each trigger to its
//! detectors, and a detector looks only at a bounded neighbourhood of it; so the time is linear in the length of
//! the text, whatever the text holds. What is likely is then hidden and the text walked again, because what stands
//! beside a number decides whether it is one: after a redaction a second scan finds nothing likely.
//!
//! Scores are constants of the detector: how far the match was validated, not how bad it is. Thresholds are the
//! policy's. Detectors read the text as it stands: full-width digits, words for digits or `name (at) host` are not
//! seen through.

mod card;
mod context;
mod email;
mod ip;
mod near;
mod phone;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::span::Span;
use crate::verdict::{Detection, Source};

/// Most walks over one text: the first, and those over what the earlier ones left.
const WALKS: usize = 4;

/// From this score on, a match is more likely its kind of data than not, and hides its bytes from the next walk.
const LIKELY: f32 = 0.5;

/// One kind of personal data, how it is recognised and what a redaction puts in its place.
struct Detector {
    name: &'static str,
    category: &'static str,
    placeholder: &'static str,
    /// The ASCII bytes at which [`Detector::at`] is called.
    triggers: &'static [u8],
    /// Looks for a match around byte `at`; nothing before `floor` belongs to it.
    at: fn(text: &str, at: usize, floor: usize) -> Option<Hit>,
}

/// One match.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hit {
    span: Span,
    score: f32,
}

/// Every detector. A bit of a trigger mask stands for a row, so there is room for 32.
const DETECTORS: [Detector; 4] = [email::DETECTOR, card::DETECTOR, ip::DETECTOR, phone::DETECTOR];

/// The pattern detectors, ready to scan.
#[derive(Clone, Debug)]
pub struct PatternRail {
    /// For each byte value, the detectors it triggers, one bit each.
    triggers: [u32; 256],
}

impl PatternRail {
    /// The rail with every detector. Allocates nothing and costs less than a microsecond.
    #[must_use]
    pub fn new() -> Self {
        let mut triggers = [0; 256];
        for (row, detector) in DETECTORS.iter().enumerate() {
            for &byte in detector.triggers {
                if let Some(mask) = triggers.get_mut(usize::from(byte)) {
                    *mask |= 1 << row;
                }
            }
        }
        Self { triggers }
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
            let last = left == 0 || !fresh.iter().any(|(_, hit)| hit.score >= LIKELY);
            if last {
                hits.append(&mut fresh);
                break;
            }
            // A weak match may turn into another once its neighbour is known for what it is.
            fresh.retain(|(_, hit)| hit.score >= LIKELY);
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

    /// What a redaction puts in the place of a detector's match, such as `[EMAIL]`; `None` for a name that is not a
    /// pattern detector.
    #[must_use]
    pub fn placeholder(detector: &str) -> Option<&'static str> {
        DETECTORS.iter().find(|row| row.name == detector).map(|row| row.placeholder)
    }

    fn walk(&self, text: &str, hits: &mut Vec<(usize, Hit)>) {
        let mut floors = [0; DETECTORS.len()];
        for (at, &byte) in text.as_bytes().iter().enumerate() {
            let mask = self.triggers.get(usize::from(byte)).copied().unwrap_or_default();
            if mask == 0 {
                continue;
            }
            for (row, (detector, floor)) in DETECTORS.iter().zip(&mut floors).enumerate() {
                if mask & (1 << row) == 0 || at < *floor {
                    continue;
                }
                if let Some(hit) = (detector.at)(text, at, *floor) {
                    *floor = hit.span.end;
                    hits.push((row, hit));
                }
            }
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
        if let Some([first, middle @ .., last]) = bytes.get_mut(hit.span.start..hit.span.end) {
            *first = b'[';
            middle.fill(b'_');
            *last = b']';
        }
    }
    // Hits begin and end between characters, so this is text; were it not, there would be nothing left to find.
    String::from_utf8(bytes).unwrap_or_default()
}

fn gather(hits: &[(usize, Hit)]) -> Vec<Detection> {
    let mut groups: Vec<(usize, Detection)> = Vec::new();
    for &(row, hit) in hits {
        let same = |(other, detection): &&mut (usize, Detection)| {
            *other == row && detection.score.to_bits() == hit.score.to_bits()
        };
        if let Some((_, detection)) = groups.iter_mut().find(same) {
            detection.spans.push(hit.span);
        } else if let Some(detector) = DETECTORS.get(row) {
            let detection = Detection {
                detector: detector.name.to_owned(),
                category: detector.category.to_owned(),
                score: hit.score,
                spans: vec![hit.span],
                source: Source::Pattern,
                via: Vec::new(),
            };
            groups.push((row, detection));
        }
    }
    groups.into_iter().map(|(_, detection)| detection).collect()
}
