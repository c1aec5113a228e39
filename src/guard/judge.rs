//! From a text to its verdict: the rails, the decision, the rewrite, and a second look at what was rewritten.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::{Guard, full_message};
use crate::act::{self, ActError};
use crate::calibrate::calibrated;
use crate::decide::{Evidence, Rewrite, decide};
use crate::language::Foreign;
use crate::normalize::Normalized;
use crate::rails::classifier::{HeadScores, Judged, Outcome};
use crate::rails::pattern::PatternRail;
use crate::request::Request;
use crate::span::Span;
use crate::vault::Vault;
use crate::verdict::{Coverage, CoverageReason, Decision, Detection, Edit, Source, Timing, Verdict};

/// One text on its way to a verdict.
pub(super) struct Subject<'a> {
    request: &'a Request,
    passage: Passage<'a>,
    /// What the pattern rail found in it, where that has looked already.
    found: Option<Vec<Detection>>,
}

/// What stands around a text that is a part of a longer one; nothing in it is reported.
#[derive(Clone, Copy, Default)]
pub(crate) struct Passage<'a> {
    /// Text before it that the classifiers read with it.
    pub(crate) before: &'a str,
    /// Text before it that patterns may look back to.
    pub(crate) behind: &'a str,
    /// Text after it that patterns may look ahead to.
    pub(crate) ahead: &'a str,
}

impl<'a> Subject<'a> {
    /// A part of a longer text, whose matches are known.
    pub(super) const fn part(request: &'a Request, passage: Passage<'a>, found: Vec<Detection>) -> Self {
        Self { request, passage, found: Some(found) }
    }

    /// What the classifiers read.
    fn read(&self) -> Cow<'a, str> {
        match self.passage.before {
            "" => Cow::Borrowed(&self.request.text),
            before => Cow::Owned([before, &self.request.text].concat()),
        }
    }

    /// What the patterns find in the text, or over its edges, by its own offsets.
    fn scan(&self, patterns: &PatternRail) -> Vec<Detection> {
        let text = &self.request.text;
        let Passage { behind, ahead, .. } = self.passage;
        let mut found = Vec::new();
        if behind.is_empty() && ahead.is_empty() {
            patterns.scan(text, &mut found);
            return found;
        }
        patterns.scan(&[behind, text, ahead].concat(), &mut found);
        let (from, len) = (behind.len(), text.len());
        for detection in &mut found {
            detection.spans.retain(|span| span.start < from + len && from < span.end);
            for span in &mut detection.spans {
                *span = Span::new(span.start.saturating_sub(from), (span.end - from).min(len));
            }
        }
        found.retain(|detection| !detection.spans.is_empty());
        found
    }
}

impl<'a> From<&'a Request> for Subject<'a> {
    fn from(request: &'a Request) -> Self {
        Self { request, passage: Passage::default(), found: None }
    }
}

impl Guard {
    /// One verdict, and the logits behind it.
    pub(super) fn judge_one(&self, subject: Subject<'_>) -> (Verdict, Vec<f32>) {
        let request = subject.request;
        let mut judged = self.judge(vec![subject], None);
        judged.pop().unwrap_or_else(|| (self.unjudged(request), Vec::new()))
    }

    /// The verdict on each text and its logits, by head; there are none where the classifiers did not answer.
    ///
    /// What was rewritten is looked at once more, as it would be released.
    pub(super) fn judge(
        &self,
        subjects: Vec<Subject<'_>>,
        vault: Option<&mut Vault>,
    ) -> Vec<(Verdict, Vec<f32>)> {
        let start = Instant::now();
        let sources: Vec<(&Request, Passage<'_>)> =
            subjects.iter().map(|subject| (subject.request, subject.passage)).collect();
        let limit = self.0.policy.policy().max_bytes();
        let mut judged = self.look(subjects, limit, vault, start);
        self.look_again(&sources, &mut judged, start);
        for ((request, _), (verdict, _)) in sources.iter().zip(&mut judged) {
            verdict.timing.total = micros(start.elapsed());
            self.record(request, verdict);
        }
        judged
    }

    /// Judges what rewrites would release. Where a rule still holds it back, or would rewrite it further, it is a veto.
    fn look_again(
        &self,
        sources: &[(&Request, Passage<'_>)],
        judged: &mut [(Verdict, Vec<f32>)],
        start: Instant,
    ) {
        let mut rewritten = Vec::new();
        for (place, ((request, passage), (verdict, _))) in sources.iter().zip(&*judged).enumerate() {
            if let Some(text) =
                verdict.text.as_ref().filter(|text| !verdict.edits.is_empty() && !text.is_empty())
            {
                let request = Request {
                    text: text.clone(),
                    role: request.role,
                    locale: request.locale.clone(),
                    deadline: request.deadline,
                    ..Request::default()
                };
                rewritten.push((place, request, *passage));
            }
        }
        let subjects =
            rewritten.iter().map(|(_, request, passage)| Subject { request, passage: *passage, found: None });
        // A text within the limit stays judged when a rewrite makes it longer.
        let second = self.look(subjects.collect(), usize::MAX, None, start);
        for ((place, ..), (second, _)) in rewritten.iter().zip(second) {
            let Some((first, _)) = judged.get_mut(*place) else { continue };
            let strongest = second.findings.iter().max_by_key(|finding| finding.action);
            let (decision, what) = match strongest {
                _ if second.fault.is_some() => {
                    (first.coverage, first.coverage_reason) = (second.coverage, second.coverage_reason);
                    (second.decision, second.fault)
                }
                Some(found) if !found.action.releases() => {
                    let what = format!("the rewritten text still meets the rule `{}`", found.rule);
                    (Decision::Veto, Some(what))
                }
                Some(found) if !second.edits.is_empty() => {
                    let what = format!("the rewritten text is rewritten again by the rule `{}`", found.rule);
                    (Decision::Veto, Some(what))
                }
                _ => continue,
            };
            first.decision = decision;
            first.fault = what;
            first.text = None;
            first.edits.clear();
        }
    }

    /// Judges each text of at most `limit` bytes once, and records nothing.
    fn look(
        &self,
        mut subjects: Vec<Subject<'_>>,
        limit: usize,
        mut vault: Option<&mut Vault>,
        start: Instant,
    ) -> Vec<(Verdict, Vec<f32>)> {
        if subjects.is_empty() {
            return Vec::new();
        }
        let begin = start.elapsed();
        let inner = &*self.0;
        let found: Vec<_> = subjects.iter_mut().map(|subject| subject.found.take()).collect();
        let texts: Vec<Cow<'_, str>> = subjects.iter().map(Subject::read).collect();
        let normalized: Vec<Option<Normalized<'_>>> = subjects
            .iter()
            .zip(&texts)
            .map(|(subject, text)| (subject.request.text.len() <= limit).then(|| Normalized::new(text)))
            .collect();
        let normalize = start.elapsed().saturating_sub(begin);

        let mut detections: Vec<Vec<Detection>> = Vec::with_capacity(subjects.len());
        for ((subject, known), normalized) in subjects.iter().zip(found).zip(&normalized) {
            let judged = normalized.is_some();
            detections.push(
                known.unwrap_or_else(|| if judged { subject.scan(&inner.patterns) } else { Vec::new() }),
            );
        }
        let patterns = start.elapsed().saturating_sub(begin + normalize);

        let judged: Vec<Judged<'_>> = subjects
            .iter()
            .zip(&normalized)
            .filter_map(|(subject, normalized)| {
                let allowed = subject.request.deadline.or(inner.deadline);
                let deadline = allowed.and_then(|allowed| start.checked_add(allowed));
                normalized.as_ref().map(|normalized| Judged { text: normalized.text(), deadline })
            })
            .collect();
        let (outcomes, stages) = inner.classifier.judge(&judged);
        let mut outcomes = outcomes.into_iter();

        let timing = Timing {
            total: 0,
            normalize: micros(normalize),
            patterns: micros(patterns),
            tokenize: micros(stages.tokenize),
            encode: micros(stages.encode),
            decide: 0,
        };
        subjects
            .iter()
            .zip(normalized)
            .zip(detections)
            .map(|((Subject { request, .. }, normalized), detections)| {
                let decide = Instant::now();
                let foreign = normalized.as_ref().map_or(Foreign::No, |text| self.foreign(text));
                let outcome = normalized.and_then(|_| outcomes.next());
                let vault = vault.as_deref_mut();
                let mut verdict = self.verdict(request, detections, outcome.as_ref(), foreign, vault);
                verdict.timing = Timing { decide: micros(decide.elapsed()), ..timing };
                let logits = match outcome {
                    Some(Outcome::Scored(heads)) => heads.logits,
                    _ => Vec::new(),
                };
                (verdict, logits)
            })
            .collect()
    }

    /// The verdict of the policy on what the rails saw, neither named nor recorded yet.
    pub(super) fn verdict(
        &self,
        request: &Request,
        mut detections: Vec<Detection>,
        outcome: Option<&Outcome>,
        foreign: Foreign,
        vault: Option<&mut Vault>,
    ) -> Verdict {
        let inner = &*self.0;
        let mut scores = Vec::new();
        let mut fault = None;
        let (coverage, reason) = match outcome {
            None => {
                fault = Some(format!(
                    "the text has {} bytes, the policy's max_bytes is {}",
                    request.text.len(),
                    inner.policy.policy().max_bytes()
                ));
                (Coverage::None, Some(CoverageReason::SizeLimit))
            }
            Some(Outcome::Late { judged, windows }) => {
                fault = Some(format!("the deadline passed with {judged} of {windows} windows judged"));
                (Coverage::Partial, Some(CoverageReason::Deadline))
            }
            Some(Outcome::Failed(message)) => {
                fault = Some(message.clone());
                (Coverage::Partial, Some(CoverageReason::Fault))
            }
            Some(Outcome::Scored(heads)) => {
                scores = self.classify(heads, &mut detections);
                let unknown = heads.unknown_share > inner.bundle.manifest().coverage.unknown_share;
                match if unknown { Foreign::Wholly } else { foreign } {
                    Foreign::Wholly => (Coverage::None, Some(CoverageReason::UnsupportedLanguage)),
                    Foreign::Partly => (Coverage::Partial, Some(CoverageReason::UnsupportedLanguage)),
                    Foreign::No => (Coverage::Full, None),
                }
            }
        };
        let evidence = Evidence {
            role: request.role,
            locale: request.locale.as_deref(),
            detections: &detections,
            coverage,
            reasons: reason.as_slice(),
            fault: fault.is_some(),
        };
        let decided = decide(&inner.policy, &evidence);
        if decided.fault && fault.is_none() {
            fault = Some("a score is not a number in 0..=1".to_owned());
        }
        let mut decision = decided.decision;
        let (mut text, mut edits) = (None, Vec::new());
        if decision.releases() {
            match self.rewrite(&request.text, &decided.rewrites, vault) {
                Ok((rewritten, script)) => (text, edits) = (Some(rewritten), script),
                Err(error) => {
                    fault = Some(full_message(&error));
                    decision = inner.policy.policy().on_fault();
                }
            }
        }
        Verdict {
            id: request.id.clone(),
            decision,
            text,
            scores,
            findings: decided.findings,
            edits,
            coverage,
            coverage_reason: reason,
            fault,
            policy: inner.policy_ref.clone(),
            model: inner.model_ref.clone(),
            timing: Timing::default(),
            decision_id: String::new(),
        }
    }

    /// Adds a detection for each head and answers the named scores.
    fn classify(&self, heads: &HeadScores, detections: &mut Vec<Detection>) -> Vec<(String, f32)> {
        let scores = calibrated(self.0.bundle.calibration(), &heads.logits);
        self.heads()
            .iter()
            .zip(scores)
            .map(|(head, score)| {
                detections.push(Detection {
                    detector: format!("classifier.{}", head.name),
                    category: head.name.clone(),
                    score,
                    spans: Vec::new(),
                    source: Source::Classifier,
                });
                (head.name.clone(), score)
            })
            .collect()
    }

    /// Names the verdict and writes its record; a verdict that cannot be recorded is a fault.
    pub(super) fn record(&self, request: &Request, verdict: &mut Verdict) {
        let inner = &*self.0;
        if let Err(error) = inner.recorder.record(request, verdict, &inner.policy, inner.calibration_digest())
        {
            verdict.fault = Some(full_message(&error));
            verdict.decision = verdict.decision.max(inner.policy.policy().on_fault());
            verdict.text = None;
            verdict.edits.clear();
        }
    }

    fn rewrite(
        &self,
        text: &str,
        rewrites: &[Rewrite],
        vault: Option<&mut Vault>,
    ) -> Result<(String, Vec<Edit>), ActError> {
        let edits = self.0.rewriter.edits(text, rewrites, vault)?;
        Ok((act::apply(text, &edits)?, edits))
    }

    /// A verdict by the policy's `on_fault` for a text that no rail has seen.
    pub(super) fn unjudged(&self, request: &Request) -> Verdict {
        let outcome = Outcome::Failed("the text was not judged".to_owned());
        self.verdict(request, Vec::new(), Some(&outcome), Foreign::No, None)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
