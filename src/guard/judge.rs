//! From a text to its verdict: the rails, the decision, the rewrite, and a second look at what was rewritten.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::call::Call;
use super::forms::{Forms, Together};
use super::{Guard, full_message};
use crate::act::{self, ActError};
use crate::decide::{Evidence, Rewrite, decide};
use crate::language::Foreign;
use crate::policy::{BoundPolicy, OnDeadline, Policy};
use crate::rails::classifier::{HeadScores, Judged, Outcome};
use crate::rails::text::TextRails;
use crate::request::{Request, Role};
use crate::span::Span;
use crate::vault::Vault;
use crate::verdict::{Coverage, CoverageReason, Decision, Detection, Edit, Timing, Verdict};

/// One text on its way to a verdict.
pub(super) struct Subject<'a> {
    request: &'a Request,
    passage: Passage<'a>,
    /// What was found in its places, where a stream has looked already.
    found: Option<Vec<Detection>>,
    /// Whether it is a string of a tool call's arguments.
    argument: bool,
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

impl Passage<'_> {
    const fn is_empty(&self) -> bool {
        self.before.is_empty() && self.behind.is_empty() && self.ahead.is_empty()
    }
}

impl<'a> Subject<'a> {
    /// A part of a longer text, whose matches are known.
    pub(super) const fn part(request: &'a Request, passage: Passage<'a>, found: Vec<Detection>) -> Self {
        Self { request, passage, found: Some(found), argument: false }
    }

    /// A string of a tool call's arguments.
    pub(super) fn argument(request: &'a Request) -> Self {
        Self { argument: true, ..request.into() }
    }

    /// Whether it is one word that stands for something, such as an order's number: it is in no language.
    fn is_name(&self) -> bool {
        self.argument && !self.request.text.trim().contains(char::is_whitespace)
    }

    /// What the classifiers read.
    fn read(&self) -> Cow<'a, str> {
        match self.passage.before {
            "" => Cow::Borrowed(&self.request.text),
            before => Cow::Owned([before, &self.request.text].concat()),
        }
    }

    /// What the guard's patterns find in the text, or over its edges, and in its other forms, by its own offsets.
    fn scan(&self, known: Option<Vec<Detection>>, forms: &Forms<'_>, guard: &Guard) -> Vec<Detection> {
        let patterns = &guard.0.patterns;
        let mut found = match known {
            Some(mut known) => {
                TextRails::scan_whole(&self.request.text, &mut known);
                known
            }
            None => self.scan_text(patterns),
        };
        if forms.is_plain() {
            return found;
        }
        let Passage { behind, ahead, .. } = self.passage;
        if self.passage.is_empty() {
            forms.scan(patterns, &mut found);
            return found;
        }
        // The forms that the classifiers read lack what patterns look back and ahead to.
        let text = [behind, &self.request.text, ahead].concat();
        for span in found.iter_mut().flat_map(|detection| &mut detection.spans) {
            *span = Span::new(span.start + behind.len(), span.end + behind.len());
        }
        guard.forms(&text).scan(patterns, &mut found);
        within(&mut found, behind.len(), self.request.text.len());
        found
    }

    /// Holds the text against the policy's JSON Schemas, and a call against its tools.
    fn check(&self, policy: &Policy, found: &mut Vec<Detection>) {
        let Request { text, role, tool_call, .. } = self.request;
        // Of a call without a text there is no text to fit.
        let is_missing = text.is_empty() && tool_call.is_some();
        for schema in policy.schemas_for(*role).filter(|_| !self.argument && !is_missing) {
            schema.scan(text, found);
        }
        if let Some(call) = tool_call {
            policy.tools().scan(call, found);
        }
    }

    fn scan_text(&self, patterns: &TextRails) -> Vec<Detection> {
        let text = &self.request.text;
        let Passage { behind, ahead, .. } = self.passage;
        let mut found = Vec::new();
        if behind.is_empty() && ahead.is_empty() {
            patterns.scan(text, &mut found);
            return found;
        }
        patterns.scan(&[behind, text, ahead].concat(), &mut found);
        within(&mut found, behind.len(), text.len());
        found
    }
}

/// Keeps what lies in the `len` bytes from `from` on, by offsets of that part.
fn within(found: &mut Vec<Detection>, from: usize, len: usize) {
    for detection in &mut *found {
        detection.spans.retain(|span| span.start < from + len && from < span.end);
        for span in &mut detection.spans {
            *span = Span::new(span.start.saturating_sub(from), (span.end - from).min(len));
        }
    }
    found.retain(|detection| !detection.spans.is_empty());
}

/// What is known of a text when it is decided about.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    forms: Option<&'a Forms<'a>>,
    together: Option<&'a Together>,
    foreign: Foreign,
    /// Whether it is one word of a tool call's arguments, in no language.
    is_name: bool,
}

impl<'a> From<&'a Request> for Subject<'a> {
    fn from(request: &'a Request) -> Self {
        Self { request, passage: Passage::default(), found: None, argument: false }
    }
}

impl Guard {
    /// One verdict, and what the classifiers said.
    pub(super) fn judge_one(&self, subject: Subject<'_>) -> (Verdict, Option<Together>) {
        let request = subject.request;
        let mut judged = self.judge(vec![subject], None);
        judged.pop().unwrap_or_else(|| (self.unjudged(request), None))
    }

    /// The verdict on each text and what the classifiers said of it; nothing where it was not shown to them.
    ///
    /// What was rewritten is looked at once more, as it would be released.
    pub(super) fn judge(
        &self,
        subjects: Vec<Subject<'_>>,
        vault: Option<&mut Vault>,
    ) -> Vec<(Verdict, Option<Together>)> {
        let start = Instant::now();
        let requests: Vec<&Request> = subjects.iter().map(|subject| subject.request).collect();
        let calls: Vec<Option<Call>> = requests.iter().map(|request| Call::of(request)).collect();
        let mut subjects: Vec<Subject<'_>> = subjects.into_iter().collect();
        subjects.extend(calls.iter().flatten().flat_map(Call::requests).map(Subject::argument));
        let sources: Vec<(&Request, Passage<'_>, bool)> =
            subjects.iter().map(|subject| (subject.request, subject.passage, subject.argument)).collect();
        let limit = self.0.policy.policy().max_bytes();
        let mut judged = self.look(subjects, limit, vault, start);
        self.look_again(&sources, &mut judged, start);
        let mut arguments = judged.split_off(requests.len()).into_iter().map(|(verdict, _)| verdict);
        for (call, (verdict, _)) in calls.iter().zip(&mut judged) {
            if let Some(call) = call {
                let parts = arguments.by_ref().take(call.len()).collect();
                call.join(parts, self.policy().policy(), verdict);
            }
        }
        for (request, (verdict, _)) in requests.iter().zip(&mut judged) {
            verdict.timing.total = micros(start.elapsed());
            self.record(request, verdict);
        }
        judged
    }

    /// Judges what rewrites would release. Where a rule still holds it back, or would rewrite it further, it is a veto.
    fn look_again(
        &self,
        sources: &[(&Request, Passage<'_>, bool)],
        judged: &mut [(Verdict, Option<Together>)],
        start: Instant,
    ) {
        let mut rewritten = Vec::new();
        for (place, ((request, passage, argument), (verdict, _))) in sources.iter().zip(&*judged).enumerate()
        {
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
                rewritten.push((place, request, *passage, *argument));
            }
        }
        let subjects = rewritten.iter().map(|(_, request, passage, argument)| Subject {
            passage: *passage,
            argument: *argument,
            ..request.into()
        });
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
    ) -> Vec<(Verdict, Option<Together>)> {
        if subjects.is_empty() {
            return Vec::new();
        }
        let begin = start.elapsed();
        let inner = &*self.0;
        let found: Vec<_> = subjects.iter_mut().map(|subject| subject.found.take()).collect();
        let texts: Vec<Cow<'_, str>> = subjects.iter().map(Subject::read).collect();
        let forms: Vec<Option<Forms<'_>>> = subjects
            .iter()
            .zip(&texts)
            .map(|(subject, text)| {
                let within = subject.request.text.len() <= limit;
                within.then(|| {
                    let forms = self.forms(text);
                    let conversation = self.conversation(subject.request, forms.normalized.text());
                    forms.with_conversation(conversation)
                })
            })
            .collect();
        let normalize = start.elapsed().saturating_sub(begin);

        let mut detections: Vec<Vec<Detection>> = Vec::with_capacity(subjects.len());
        for ((subject, known), forms) in subjects.iter().zip(found).zip(&forms) {
            detections.push(match forms {
                Some(forms) => {
                    let mut found = subject.scan(known, forms, self);
                    subject.check(inner.policy.policy(), &mut found);
                    found
                }
                None => known.unwrap_or_default(),
            });
        }
        let patterns = start.elapsed().saturating_sub(begin + normalize);

        let judged: Vec<Judged<'_>> = subjects
            .iter()
            .zip(&forms)
            .flat_map(|(subject, forms)| {
                let allowed = subject.request.deadline.or(inner.deadline);
                let deadline = allowed.and_then(|allowed| start.checked_add(allowed));
                let gates = inner.exits.gates(subject.request.role);
                let texts = forms.iter().flat_map(Forms::texts);
                texts.map(move |text| Judged { text, deadline, gates })
            })
            .collect();
        let (outcomes, stages) = inner.classifier.judge(&judged);
        let mut outcomes = outcomes.into_iter();
        let foreign = inner.classifier.map(&forms, |forms| {
            forms.as_ref().map_or(Foreign::No, |forms| forms.foreign(|text| self.foreign_text(text)))
        });

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
            .zip(forms)
            .zip(detections)
            .zip(foreign)
            .map(|(((subject, forms), mut detections), foreign)| {
                let request = subject.request;
                let decide = Instant::now();
                let mut together =
                    forms.as_ref().and_then(|forms| Together::of_forms(forms, outcomes.by_ref()));
                if let Some(together) = &mut together {
                    let allowed = request.deadline.or(inner.deadline);
                    let deadline = allowed.and_then(|allowed| start.checked_add(allowed));
                    if let Err(outcome) = self.ground(request, deadline, &mut detections) {
                        together.outcome = outcome;
                    }
                }
                let is_name = subject.is_name();
                let seen = Seen { forms: forms.as_ref(), together: together.as_ref(), foreign, is_name };
                let mut verdict = self.verdict(request, detections, seen, vault.as_deref_mut());
                verdict.timing = Timing { decide: micros(decide.elapsed()), ..timing };
                (verdict, together)
            })
            .collect()
    }

    /// The forms of a text that the rails judge.
    fn forms<'t>(&self, text: &'t str) -> Forms<'t> {
        Forms::new(text, self.0.lexicon(), self.policy().policy().max_decode_depth())
    }

    /// The verdict of the policy on what the rails saw, neither named nor recorded yet.
    pub(super) fn verdict(
        &self,
        request: &Request,
        mut detections: Vec<Detection>,
        seen: Seen<'_>,
        vault: Option<&mut Vault>,
    ) -> Verdict {
        let inner = &*self.0;
        let Seen { forms, together, foreign, is_name } = seen;
        let outcome = together.map(|together| &together.outcome);
        let mut scores = Vec::new();
        let mut fault = None;
        let mut exit = None;
        let mut early = false;
        let mut work = 0.0;
        let (coverage, reasons) = match outcome {
            None => {
                fault = Some(format!(
                    "the text has {} bytes, the policy's max_bytes is {}",
                    request.text.len(),
                    inner.policy.policy().max_bytes()
                ));
                (Coverage::None, vec![CoverageReason::SizeLimit])
            }
            Some(Outcome::Late { judged, windows }) => {
                fault = Some(format!("the deadline passed with {judged} of {windows} windows judged"));
                (Coverage::Partial, vec![CoverageReason::Deadline])
            }
            Some(Outcome::Failed(message)) => {
                fault = Some(message.clone());
                (Coverage::Partial, vec![CoverageReason::Fault])
            }
            Some(Outcome::Scored(heads) | Outcome::Early(heads)) => {
                scores = self.classify(request.role, heads, forms, together, &mut detections);
                (exit, work) = (heads.exit, heads.work);
                early = matches!(outcome, Some(Outcome::Early(_)));
                if early && inner.policy.policy().on_deadline() == OnDeadline::Fault {
                    fault = Some("the deadline passed before the whole model had answered".to_owned());
                }
                if let Some(head) = self.unasked(heads, request.role) {
                    fault =
                        Some(format!("the head `{head}` has not read all of the text, and a rule needs it"));
                }
                let limits = inner.bundle.manifest().coverage;
                let unknown = heads.unknown_share > limits.unknown_share;
                let foreign = match unknown {
                    _ if is_name => Foreign::No,
                    true => Foreign::Wholly,
                    false => foreign,
                };
                let deeper = forms.is_some_and(Forms::deeper);
                // What is encoded too deep is no riddle: it has a reason of its own.
                let known = self.characters_found(request, &detections);
                let unreadable_share = heads.legibility.unreadable_share(known);
                let unreadable = !is_name
                    && !deeper
                    && limits.unreadable_share.is_some_and(|limit| unreadable_share > limit);
                if deeper {
                    fault = Some(format!(
                        "the text is encoded deeper than the policy's max_decode_depth of {}",
                        inner.policy.policy().max_decode_depth()
                    ));
                }
                let late = early.then_some(CoverageReason::Deadline);
                let deep = deeper.then_some(CoverageReason::DecodeDepth);
                let reason = match foreign {
                    Foreign::Wholly | Foreign::Partly => Some(CoverageReason::UnsupportedLanguage),
                    Foreign::No => unreadable.then_some(CoverageReason::Unreadable),
                };
                let reasons: Vec<CoverageReason> = late.into_iter().chain(deep).chain(reason).collect();
                let coverage = match foreign {
                    Foreign::Wholly => Coverage::None,
                    _ if unreadable => Coverage::None,
                    _ if reasons.is_empty() => Coverage::Full,
                    _ => Coverage::Partial,
                };
                (coverage, reasons)
            }
        };
        let evidence = Evidence {
            role: request.role,
            locale: request.locale.as_deref(),
            detections: &detections,
            coverage,
            reasons: &reasons,
            early,
            fault: fault.is_some(),
        };
        let decided = decide(self.policy_for(outcome), &evidence);
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
            tool_call: None,
            findings: decided.findings,
            edits,
            readings: forms.map(Forms::vias).unwrap_or_default(),
            coverage,
            coverage_reason: reasons.first().copied(),
            work,
            exit: exit.and_then(|exit| inner.exits.name(exit)).map(str::to_owned),
            fault,
            policy: inner.policy_ref.clone(),
            model: inner.model_ref.clone(),
            timing: Timing::default(),
            decision_id: String::new(),
        }
    }

    /// The characters in the places that a rule of the policy acts on.
    fn characters_found(&self, request: &Request, detections: &[Detection]) -> usize {
        let policy = &self.0.policy;
        let acted_on = |detection: &&Detection| {
            policy
                .rules_for(&detection.detector, request.role)
                .any(|(_, rule)| detection.score >= rule.threshold())
        };
        let spans = detections.iter().filter(acted_on).flat_map(|detection| &detection.spans);
        spans
            .filter_map(|span| request.text.get(span.start..span.end))
            .map(|found| found.chars().count())
            .sum()
    }

    /// The policy that weighs an outcome: what an exit says in place of the whole model has thresholds of its own.
    fn policy_for(&self, outcome: Option<&Outcome>) -> &BoundPolicy {
        let exit = match outcome {
            Some(Outcome::Early(heads)) => heads.exit,
            _ => None,
        };
        exit.and_then(|exit| self.0.exits.policy(exit)).unwrap_or(&self.0.policy)
    }

    /// The policy whose thresholds a verdict was decided by.
    fn policy_of(&self, verdict: &Verdict) -> &BoundPolicy {
        let exits = &self.0.exits;
        let late = verdict.coverage_reason == Some(CoverageReason::Deadline);
        let exit = verdict.exit.as_ref().filter(|_| late);
        exit.and_then(|exit| exits.named(exit)).unwrap_or(&self.0.policy)
    }

    /// The name of a head of the policy's own that a rule for this role looks at, and that has no logit among `heads`.
    fn unasked(&self, heads: &HeadScores, role: Role) -> Option<&str> {
        let asked = heads.logits.len().saturating_sub(self.heads().len());
        let mut needed = self.0.policy.taught_for(role);
        needed.find(|(place, _)| *place >= asked).map(|(_, head)| head.head().name.as_str())
    }

    /// Names the verdict and writes its record; a verdict that cannot be recorded is a fault.
    pub(super) fn record(&self, request: &Request, verdict: &mut Verdict) {
        let inner = &*self.0;
        if let Err(error) =
            inner.recorder.record(request, verdict, self.policy_of(verdict), inner.calibration_digest())
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
        self.unread(request, "the text was not judged")
    }

    /// The same for this reason, neither named nor recorded yet.
    pub(super) fn unread(&self, request: &Request, why: &str) -> Verdict {
        let together = Together::of([Outcome::Failed(why.to_owned())]);
        let seen = Seen { forms: None, together: together.as_ref(), foreign: Foreign::No, is_name: false };
        self.verdict(request, Vec::new(), seen, None)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
