//! The decision: a pure function of the policy and of what the rails saw.
//!
//! No clock, no I/O, no environment, no hash order: the same evidence under the same policy decides the same for ever,
//! in whatever order the rails report. More evidence never makes a decision milder.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use crate::policy::{BoundPolicy, BoundRule, Replacement};
use crate::rails::pattern::PatternRail;
use crate::request::Role;
use crate::span::Span;
use crate::verdict::{Coverage, CoverageReason, Decision, Detection, Finding};

/// What a redaction puts in the place of a match whose detector has no placeholder of its own.
const REDACTED: &str = "[REDACTED]";

/// What is known of a text when all rails have answered, or failed to.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Who produced the text.
    pub role: Role,
    /// What the rails saw, in any order.
    pub detections: &'a [Detection],
    /// How much of the text was judged.
    pub coverage: Coverage,
    /// Why it was not all of it.
    pub reasons: &'a [CoverageReason],
    /// Whether anything failed.
    pub fault: bool,
}

/// The outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The strongest of what the findings, a fault and missing coverage call for.
    pub decision: Decision,
    /// Every detection that reached a rule's threshold, once for each such rule: those on the whole text first, then
    /// by first byte, then in the order of the policy's rules.
    pub findings: Vec<Finding>,
    /// The changes that findings with the action `rewrite` ask for, in the order of the findings.
    pub rewrites: Vec<Rewrite>,
    /// Whether the policy's `on_fault` had a part in the decision.
    pub fault: bool,
}

/// A change that a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Place of the rule in the policy, from 0: earlier rules win where two want the same bytes.
    pub rule: usize,
    /// What is replaced; empty for the whole text.
    pub spans: Vec<Span>,
    /// What takes its place.
    pub replacement: String,
}

/// Decides about one text.
///
/// A finding is a detection whose score is at least the threshold of a rule for its detector and the text's role. A
/// score that is not a number from 0 to 1 means a broken rail: it is a fault, whether or not a rule looks at it. A
/// text over the size limit or past its deadline is a fault too, and so is missing coverage without a reason; only
/// an unsupported language falls to the policy's `on_unsupported`.
#[must_use]
pub fn decide(policy: &BoundPolicy, evidence: &Evidence<'_>) -> Decided {
    let broken = |detection: &Detection| !(0.0..=1.0).contains(&detection.score);
    let unexplained = evidence.coverage != Coverage::Full && evidence.reasons.is_empty();
    let unsupported = evidence.reasons.contains(&CoverageReason::UnsupportedLanguage);
    let cut_short = evidence.reasons.iter().any(|reason| *reason != CoverageReason::UnsupportedLanguage);
    let fault = evidence.fault || unexplained || cut_short || evidence.detections.iter().any(broken);

    let mut matches: Vec<Match<'_>> = Vec::new();
    for detection in evidence.detections.iter().filter(|detection| !broken(detection)) {
        let rules = policy.rules_for(&detection.detector, evidence.role);
        let met = rules.filter(|(_, rule)| detection.score >= rule.threshold());
        matches.extend(met.map(|(place, rule)| Match { place, rule, detection }));
    }
    matches.sort_by(Match::order);

    let on_fault = if fault { policy.policy().on_fault() } else { Decision::Allow };
    let on_unsupported = if unsupported { policy.policy().on_unsupported() } else { Decision::Allow };
    let strongest = matches.iter().map(|found| found.rule.decision()).max().unwrap_or(Decision::Allow);
    Decided {
        decision: strongest.max(on_fault).max(on_unsupported),
        findings: matches.iter().map(Match::finding).collect(),
        rewrites: matches.iter().filter_map(|found| found.rewrite(policy)).collect(),
        fault,
    }
}

/// A detection that met a rule.
struct Match<'a> {
    place: usize,
    rule: &'a BoundRule,
    detection: &'a Detection,
}

impl Match<'_> {
    /// The order of findings. It ends in every field of the detection, so that equal places are equal findings.
    fn order(&self, other: &Self) -> Ordering {
        let start = |found: &Self| found.detection.spans.iter().map(|span| span.start).min();
        let (a, b) = (self.detection, other.detection);
        start(self)
            .cmp(&start(other))
            .then(self.place.cmp(&other.place))
            .then_with(|| a.detector.cmp(&b.detector))
            .then_with(|| a.spans.cmp(&b.spans))
            .then_with(|| a.score.total_cmp(&b.score))
            .then_with(|| a.category.cmp(&b.category))
            .then_with(|| (a.source as u8).cmp(&(b.source as u8)))
            .then_with(|| a.via.cmp(&b.via))
    }

    fn finding(&self) -> Finding {
        let rule = self.rule.rule();
        Finding {
            rule: rule.id.clone(),
            category: rule.category.as_ref().unwrap_or(&self.detection.category).clone(),
            score: self.detection.score,
            threshold: self.rule.threshold(),
            spans: self.detection.spans.clone(),
            source: self.detection.source,
            via: self.detection.via.clone(),
            action: self.rule.decision(),
        }
    }

    fn rewrite(&self, policy: &BoundPolicy) -> Option<Rewrite> {
        let (spans, replacement) = match self.rule.replacement()? {
            Replacement::Redact => (
                self.detection.spans.clone(),
                PatternRail::placeholder(&self.detection.detector).unwrap_or(REDACTED),
            ),
            Replacement::Template(name) => (Vec::new(), policy.template(name).unwrap_or(REDACTED)),
        };
        Some(Rewrite { rule: self.place, spans, replacement: replacement.to_owned() })
    }
}
