//! The decision: a pure function of the policy and of what the rails saw.
//!
//! No clock, no I/O, no environment, no hash order: the same evidence under the same policy decides the same for ever,
//! in whatever order the rails report. More evidence never makes a decision milder.

#[cfg(test)]
mod tests;
#[cfg(test)]
mod waived;

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::exception::Exemption;
use crate::policy::{BoundPolicy, BoundRule, Circumstances, OnDeadline, Replacement};
use crate::rails::pattern::PatternRail;
use crate::request::Role;
use crate::span::Span;
use crate::verdict::{Coverage, CoverageReason, Decision, Detection, Edit, ExceptionUse, Finding, Source};

/// What a redaction puts in the place of a match whose detector has no placeholder of its own.
const REDACTED: &str = "[REDACTED]";

/// What is known of a text when all rails have answered, or failed to.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Who produced the text.
    pub role: Role,
    /// The data slice that the request names.
    pub slice: Option<&'a str>,
    /// The language in which the reader wants templates, such as `de` or `pt-BR`.
    pub locale: Option<&'a str>,
    /// What the rails saw, in any order.
    pub detections: &'a [Detection],
    /// What exceptions take out of the findings, in any order.
    pub exemptions: &'a [Exemption],
    /// How much of the text was judged.
    pub coverage: Coverage,
    /// Why it was not all of it.
    pub reasons: &'a [CoverageReason],
    /// Whether an exit answered for all of the text before the deadline passed.
    pub early: bool,
    /// Whether anything failed.
    pub fault: bool,
}

/// The outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The strongest of what the findings, a fault and missing coverage call for.
    pub decision: Decision,
    /// Every detection that reached a rule's threshold, once for each such rule: those on the whole text first (all of a
    /// classifier's but what rests on a reading), then by first byte, then in the order of the policy's rules.
    pub findings: Vec<Finding>,
    /// What exceptions took out, sorted.
    pub exceptions: Vec<ExceptionUse>,
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
    pub replacement: Replace,
}

/// How bytes are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replace {
    /// By a placeholder such as `[EMAIL]`, which a vault may number.
    Placeholder(String),
    /// By `*` for each letter and digit but the last few.
    Mask {
        /// How many are kept, at most half of them.
        keep: usize,
    },
    /// By the placeholder with a keyed hash of the bytes, such as `[EMAIL_0a1b2c3d4e5f]`.
    Hash {
        /// The placeholder.
        placeholder: String,
    },
    /// By a value of the same format that belongs to nobody, where there is such a thing.
    Synthetic {
        /// What found the bytes, such as `pii.email`.
        detector: String,
        /// What takes their place where there is no such value.
        placeholder: String,
    },
    /// By nothing, together with the rest of the sentence.
    Sentence,
    /// By this text.
    Text(String),
    /// By themselves; this text is added at the end.
    Append(String),
}

/// Decides about one text.
///
/// A finding is a detection whose score is at least the threshold of a rule for its detector and the text's role, slice and locale,
/// unless an exemption takes it out: it then has no part in the decision and asks for no rewrite, and an exemption does nothing else. A
/// score that is not a number from 0 to 1 means a broken rail: it is a fault, whether or not a rule looks at it. A
/// text over the size limit or past its deadline is a fault too, and so is missing coverage without a reason; only
/// what is in an unsupported language or unreadable falls to the policy's `on_unsupported`, and a text that ran out of time after an exit had
/// answered for all of it is decided by that answer where the policy's `on_deadline` says so.
#[must_use]
pub fn decide(policy: &BoundPolicy, evidence: &Evidence<'_>) -> Decided {
    let broken = |detection: &Detection| !(0.0..=1.0).contains(&detection.score);
    let unexplained = evidence.coverage != Coverage::Full && evidence.reasons.is_empty();
    let unread = [CoverageReason::UnsupportedLanguage, CoverageReason::Unreadable];
    let unsupported = evidence.reasons.iter().any(|reason| unread.contains(reason));
    let answered = evidence.early && policy.policy().on_deadline() == OnDeadline::Exit;
    let cut_short = evidence.reasons.iter().any(|reason| match reason {
        CoverageReason::UnsupportedLanguage | CoverageReason::Unreadable => false,
        CoverageReason::Deadline => !answered,
        _ => true,
    });
    let fault = evidence.fault || unexplained || cut_short || evidence.detections.iter().any(broken);

    let mut exemptions: Vec<&Exemption> = evidence.exemptions.iter().collect();
    exemptions.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.approved_by.cmp(&b.approved_by)));
    let mut exceptions = Vec::new();
    let circumstances = Circumstances { role: evidence.role, slice: evidence.slice, locale: evidence.locale };
    let mut matches: Vec<Match<'_>> = Vec::new();
    for detection in evidence.detections.iter().filter(|detection| !broken(detection)) {
        let rules = policy.rules_in(&detection.detector, circumstances);
        let met = rules.filter(|(_, rule)| detection.score >= rule.threshold());
        for (place, rule) in met {
            let spans = if exemptions.is_empty() {
                Some(Cow::Borrowed(detection.spans.as_slice()))
            } else {
                waive(&rule.rule().id, detection, &exemptions, &mut exceptions)
            };
            matches.extend(spans.map(|spans| Match { place, rule, detection, spans }));
        }
    }
    matches.sort_by(Match::order);
    exceptions.sort();
    exceptions.dedup();

    let on_fault = if fault { policy.policy().on_fault() } else { Decision::Allow };
    let on_unsupported = if unsupported { policy.policy().on_unsupported() } else { Decision::Allow };
    let strongest = matches.iter().map(Match::decision).max().unwrap_or(Decision::Allow);
    Decided {
        decision: strongest.max(on_fault).max(on_unsupported),
        findings: matches.iter().map(Match::finding).collect(),
        exceptions,
        rewrites: matches.iter().flat_map(|found| found.rewrites(policy, evidence.locale)).collect(),
        fault,
    }
}

/// What is left of a detection that met the rule: its spans, or `None` where all of it is taken out. Each place that is goes to the
/// first exemption that covers it.
fn waive<'d>(
    rule: &str,
    detection: &'d Detection,
    exemptions: &[&Exemption],
    uses: &mut Vec<ExceptionUse>,
) -> Option<Cow<'d, [Span]>> {
    let cover = |spans: &[Span]| {
        let of_rule =
            |exemption: &&&Exemption| exemption.rule == rule && exemption.reach.covers(detection, spans);
        exemptions.iter().find(of_rule).copied()
    };
    let used = |exemption: &Exemption, spans: Vec<Span>| ExceptionUse {
        rule: rule.to_owned(),
        id: exemption.id.clone(),
        approved_by: exemption.approved_by.clone(),
        spans,
        place: detection.place.clone(),
    };
    // Places that a pattern or a host's rail found are found apart; what else has several is one thing.
    let is_of_places = matches!(detection.source, Source::Pattern | Source::Host);
    let apart = is_of_places && detection.repair.is_none() && detection.spans.len() > 1;
    if !apart {
        let Some(exemption) = cover(&detection.spans) else { return Some(Cow::Borrowed(&detection.spans)) };
        uses.push(used(exemption, detection.spans.clone()));
        return None;
    }
    let mut left = Vec::new();
    for span in &detection.spans {
        match cover(std::slice::from_ref(span)) {
            Some(exemption) => uses.push(used(exemption, vec![*span])),
            None => left.push(*span),
        }
    }
    (!left.is_empty()).then_some(Cow::Owned(left))
}

/// A detection that met a rule.
struct Match<'a> {
    place: usize,
    rule: &'a BoundRule,
    detection: &'a Detection,
    /// Its spans that count.
    spans: Cow<'a, [Span]>,
}

impl Match<'_> {
    /// The order of findings. It ends in every field of the detection, so that equal places are equal findings.
    fn order(&self, other: &Self) -> Ordering {
        let start = |found: &Self| found.spans.iter().map(|span| span.start).min();
        let (a, b) = (self.detection, other.detection);
        start(self)
            .cmp(&start(other))
            .then(self.place.cmp(&other.place))
            .then_with(|| a.detector.cmp(&b.detector))
            .then_with(|| self.spans.cmp(&other.spans))
            .then_with(|| a.score.total_cmp(&b.score))
            .then_with(|| a.category.cmp(&b.category))
            .then_with(|| (a.source as u8).cmp(&(b.source as u8)))
            .then_with(|| a.via.cmp(&b.via))
            .then_with(|| a.place.cmp(&b.place))
    }

    /// What the rule asks for; where it would mend what cannot be mended, that the text is not released.
    fn decision(&self) -> Decision {
        match self.rule.replacement() {
            Some(Replacement::Repair) if self.detection.repair.is_none() => Decision::Veto,
            _ => self.rule.decision(),
        }
    }

    fn finding(&self) -> Finding {
        let rule = self.rule.rule();
        Finding {
            rule: rule.id.clone(),
            category: rule.category.as_ref().unwrap_or(&self.detection.category).clone(),
            score: self.detection.score,
            threshold: self.rule.threshold(),
            spans: self.spans.to_vec(),
            source: self.detection.source,
            via: self.detection.via.clone(),
            place: self.detection.place.clone(),
            action: self.decision(),
        }
    }

    fn rewrites(&self, policy: &BoundPolicy, locale: Option<&str>) -> Vec<Rewrite> {
        match self.rule.replacement() {
            Some(Replacement::Repair) => {
                let edits = self.detection.repair.iter().flatten();
                let rewrite = |edit: &Edit| Rewrite {
                    rule: self.place,
                    spans: vec![Span::new(edit.start, edit.end)],
                    replacement: Replace::Text(edit.replacement.clone()),
                };
                edits.map(rewrite).collect()
            }
            Some(how) => vec![self.rewrite(how, policy, locale)],
            None => Vec::new(),
        }
    }

    fn rewrite(&self, how: &Replacement, policy: &BoundPolicy, locale: Option<&str>) -> Rewrite {
        let detector = &self.detection.detector;
        let placeholder = || PatternRail::placeholder(detector).unwrap_or(REDACTED).to_owned();
        let template = |name| policy.template_for(name, locale).unwrap_or(REDACTED).to_owned();
        let replacement = match how {
            Replacement::Redact | Replacement::Repair => Replace::Placeholder(placeholder()),
            Replacement::Mask { keep } => Replace::Mask { keep: *keep },
            Replacement::Hash => Replace::Hash { placeholder: placeholder() },
            Replacement::Synthetic => {
                Replace::Synthetic { detector: detector.clone(), placeholder: placeholder() }
            }
            Replacement::RemoveSentence => Replace::Sentence,
            Replacement::Template(name) => Replace::Text(template(name)),
            Replacement::Append(name) => Replace::Append(template(name)),
        };
        let spans = match replacement {
            Replace::Text(_) | Replace::Append(_) => Vec::new(),
            _ => self.spans.to_vec(),
        };
        Rewrite { rule: self.place, spans, replacement }
    }
}
