//! The detector interface of the FMS guardrails orchestrator (TrustyAI): `/api/v1/text/contents`.
//!
//! A verdict becomes a list of detections, one for each span of each finding. Offsets count characters (Unicode code
//! points) of the text, as the orchestrator and the detectors written for it do; ours elsewhere count bytes. The interface
//! has no decision, so a text that is held although no finding asks for that (a fault, a language that is not known) gets a
//! detection of its own: an empty list always means that the text may pass as it is.

use serde::{Deserialize, Serialize};

use super::{ExchangeError, Setting, has_key};
use crate::request::{Request, read_object};
use crate::span::Span;
use crate::verdict::{CoverageReason, Decision, Finding, Source, Verdict};

/// The texts of a request `{"contents": […], "detector_params": {…}}`.
///
/// Of `detector_params`, `role`, `slice`, `locale` and `deadline_ms` are taken, for all texts, and others passed over: thresholds are
/// the policy's. A line without `contents` is a request of our own ([`Request::from_json_line`]).
///
/// # Errors
/// [`ExchangeError`] for a line of neither form, for more texts than [`super::MOST_TEXTS`], and for a text that cannot be judged.
pub fn read(line: &[u8], lenient: bool) -> Result<Vec<Request>, ExchangeError> {
    if !has_key(line, "contents")? {
        let request =
            if lenient { Request::from_json_line_lenient(line) } else { Request::from_json_line(line) };
        return Ok(vec![request?]);
    }
    let wire: Wire = read_object(line, &["contents", "detector_params"], lenient)?;
    wire.detector_params.unwrap_or_default().requests("contents", wire.contents)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    contents: Vec<String>,
    #[serde(default)]
    detector_params: Option<Setting>,
}

/// One detection in a text. It holds a part of that, so there is no `Debug`.
#[derive(Clone, PartialEq, Serialize)]
pub struct Detection<'a> {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The characters `start..end` of the text.
    pub text: &'a str,
    /// The policy's rule, such as `pii.email`; `fault`, or the reason why a text was not judged, where no rule was asked.
    pub detection: &'a str,
    /// The kind of harm, such as `pii`; `not_judged` where no rule was asked.
    pub detection_type: &'a str,
    /// Calibrated score in `0..=1`.
    pub score: f32,
    /// Always empty: nothing outside the text speaks for a detection.
    pub evidences: [(); 0],
    /// What the interface has no key for.
    pub metadata: Metadata<'a>,
}

/// What the interface has no key for.
#[derive(Clone, PartialEq, Serialize)]
pub struct Metadata<'a> {
    /// What becomes of the text.
    pub decision: Decision,
    /// What the rule asks for.
    pub action: Decision,
    /// The score from which the rule applies; absent where no rule was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// The kind of rail; absent where none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Names the decision in records.
    pub decision_id: &'a str,
}

/// The detections in `text`, which has this verdict, by their places.
#[must_use]
pub fn detections<'a>(text: &'a str, verdict: &'a Verdict) -> Vec<Detection<'a>> {
    let whole = [Span::new(0, text.len())];
    let mut found: Vec<(Span, Option<&'a Finding>)> = Vec::new();
    for finding in &verdict.findings {
        let spans = if finding.spans.is_empty() { whole.as_slice() } else { finding.spans.as_slice() };
        found.extend(spans.iter().map(|span| (*span, Some(finding))));
    }
    let asked = verdict.findings.iter().any(|finding| finding.action >= verdict.decision);
    if !verdict.decision.releases() && !asked {
        found.extend(whole.map(|span| (span, None)));
    }
    found.sort_by_key(|(span, _)| *span);
    let mut places = Places { text, last: (0, 0) };
    let detection = |(span, finding): (Span, Option<&'a Finding>)| {
        let (detection, detection_type) = match finding {
            Some(finding) => (finding.rule.as_str(), finding.category.as_str()),
            None => (reason(verdict), "not_judged"),
        };
        Detection {
            start: places.characters(span.start),
            end: places.characters(span.end),
            text: text.get(span.start..span.end).unwrap_or(text),
            detection,
            detection_type,
            score: finding.map_or(1.0, |finding| finding.score),
            evidences: [],
            metadata: Metadata {
                decision: verdict.decision,
                action: finding.map_or(verdict.decision, |finding| finding.action),
                threshold: finding.map(|finding| finding.threshold),
                source: finding.map(|finding| finding.source),
                decision_id: &verdict.decision_id,
            },
        }
    };
    found.into_iter().map(detection).collect()
}

/// Why a text is held without a finding that asks for it.
const fn reason(verdict: &Verdict) -> &'static str {
    match verdict.coverage_reason {
        Some(CoverageReason::SizeLimit) => "size_limit",
        Some(CoverageReason::DecodeDepth) => "decode_depth",
        Some(CoverageReason::Deadline) => "deadline",
        Some(CoverageReason::UnsupportedLanguage) => "unsupported_language",
        Some(CoverageReason::Unreadable) => "unreadable",
        Some(CoverageReason::Fault) | None => "fault",
    }
}

/// Byte offsets as numbers of characters, counted from the last one asked for.
struct Places<'a> {
    text: &'a str,
    /// A byte offset, and the characters before it.
    last: (usize, usize),
}

impl Places<'_> {
    /// The characters before this byte.
    fn characters(&mut self, at: usize) -> usize {
        let count = |start, end| {
            let bytes = self.text.as_bytes().get(start..end).unwrap_or_default();
            bytes.iter().filter(|byte| *byte & 0xC0 != 0x80).count()
        };
        let (byte, before) = self.last;
        let before = if at >= byte { before + count(byte, at) } else { before - count(at, byte) };
        self.last = (at, before);
        before
    }
}

/// The answer in the place of one that cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure<'a> {
    /// 422: the request is not valid.
    pub code: u16,
    /// What was found and expected.
    pub message: &'a str,
}

impl<'a> Failure<'a> {
    /// An error of the request.
    #[must_use]
    pub const fn new(message: &'a str) -> Self {
        Self { code: 422, message }
    }
}
