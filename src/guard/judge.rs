//! From a text to its verdict: the rails, the decision, the rewrite, and a second look at what was rewritten.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::attribute::Text;
use super::call::Call;
use super::forms::{Forms, Together};
use super::subject::Subject;
use super::weigh::Seen;
use super::{Guard, full_message};
use crate::exception::{Exceptions, Exemption, Whole};
use crate::language::Foreign;
use crate::policy::OnLogFailure;
use crate::rails::classifier::{Judged, SKETCH};
use crate::record::{Argument, Evidence, Look};
use crate::request::Request;
use crate::vault::Vault;
use crate::verdict::{Decision, Detection, ExceptionUse, Timing, Verdict};

/// A verdict, what the classifiers said, and what it rests on.
pub(super) struct Looked {
    pub(super) verdict: Verdict,
    pub(super) together: Option<Together>,
    look: Look,
}

impl Looked {
    /// The verdict, and what it rests on with scores of its own.
    fn with_scores(mut self) -> (Verdict, Look) {
        self.look.scores = Some(self.verdict.scores.iter().cloned().collect());
        (self.verdict, self.look)
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
        let sources: Vec<Text<'_>> =
            subjects.iter().map(|subject| (subject.request, subject.passage, subject.argument)).collect();
        let inner = &*self.0;
        let limit = inner.policy.policy().max_bytes();
        // Once for all of it: a change of the exceptions falls between two calls.
        let waived = Waived { exceptions: inner.exceptions.current(), now: SystemTime::now() };
        let mut judged = self.look(subjects, limit, vault, start, &waived);
        self.look_again(&sources, &mut judged, start, &waived);
        if inner.attribution {
            let begin = start.elapsed();
            self.attribute(&sources, &mut judged, start);
            let attribute = micros(start.elapsed().saturating_sub(begin));
            judged.iter_mut().for_each(|looked| looked.verdict.timing.attribute = attribute);
        }
        let mut arguments = judged.split_off(requests.len()).into_iter();
        let mut answers = Vec::with_capacity(requests.len());
        for ((request, call), looked) in requests.iter().zip(&calls).zip(judged) {
            let Looked { mut verdict, together, look } = looked;
            let mut evidence = Evidence { text: look, ..Evidence::default() };
            if let Some(call) = call {
                // The verdict's scores will be those of the arguments as well.
                evidence.text.scores = Some(verdict.scores.iter().cloned().collect());
                let parts = arguments.by_ref().take(call.len());
                let (parts, looks): (Vec<Verdict>, Vec<Look>) = parts.map(Looked::with_scores).unzip();
                call.join(parts, self.policy().policy(), &mut verdict, &mut evidence);
                let keys = call.keys();
                evidence.arguments =
                    looks.into_iter().zip(keys).map(|(text, is_key)| Argument { is_key, text }).collect();
            }
            verdict.timing.total = micros(start.elapsed());
            let sketch = together.as_ref().and_then(Together::sketch);
            self.record(request, &mut verdict, evidence, sketch.as_ref());
            answers.push((verdict, together));
        }
        answers
    }

    /// Judges what rewrites would release. Where a rule still holds it back, or would rewrite it further, it is a veto.
    fn look_again(&self, sources: &[Text<'_>], judged: &mut [Looked], start: Instant, waived: &Waived) {
        let mut rewritten = Vec::new();
        for (place, ((request, passage, argument), looked)) in sources.iter().zip(&*judged).enumerate() {
            let verdict = &looked.verdict;
            if let Some(text) =
                verdict.text.as_ref().filter(|text| !verdict.edits.is_empty() && !text.is_empty())
            {
                let rewrite = Request {
                    text: text.clone(),
                    role: request.role,
                    slice: request.slice.clone(),
                    locale: request.locale.clone(),
                    deadline: request.deadline,
                    ..Request::default()
                };
                rewritten.push((place, rewrite, *request, *passage, *argument));
            }
        }
        let subjects = rewritten.iter().map(|(_, rewrite, request, passage, argument)| Subject {
            passage: *passage,
            argument: *argument,
            origin: Some(*request),
            ..rewrite.into()
        });
        // A text within the limit stays judged when a rewrite makes it longer.
        let second = self.look(subjects.collect(), usize::MAX, None, start, waived);
        for ((place, ..), second) in rewritten.iter().zip(second) {
            let Some(Looked { verdict: first, look, .. }) = judged.get_mut(*place) else { continue };
            let (second, again) = second.with_scores();
            look.again = Some(Box::new(again));
            first.device = first.device.take().or(second.device);
            first.exceptions.extend(only_in(&second.exceptions, &first.exceptions));
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
        waived: &Waived,
    ) -> Vec<Looked> {
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
        let mut rail_faults: Vec<Option<String>> = Vec::with_capacity(subjects.len());
        for ((subject, known), forms) in subjects.iter().zip(found).zip(&forms) {
            let (found, fault) = match forms {
                Some(forms) => {
                    let mut found = subject.scan(known, forms, self);
                    subject.check(inner.policy.policy(), &mut found);
                    let fault = self.ask_host(subject, forms, &mut found);
                    (found, fault)
                }
                None => (known.unwrap_or_default(), None),
            };
            detections.push(found);
            rail_faults.push(fault);
        }
        let patterns = start.elapsed().saturating_sub(begin + normalize);

        let judged: Vec<Judged<'_>> = subjects
            .iter()
            .zip(&forms)
            .flat_map(|(subject, forms)| {
                let deadline = self.due(subject.request, start);
                let gates = inner.exits.gates(subject.request.role);
                let texts = forms.iter().flat_map(Forms::texts);
                texts.map(move |text| Judged { text, deadline, gates, length: subject.passage.length(text) })
            })
            .collect();
        let (outcomes, stages) = match &inner.answers {
            None => inner.classifier.judge(&judged),
            Some(answers) => answers.judge(&inner.classifier, &judged),
        };
        self.tell_of_device();
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
            attribute: 0,
        };
        subjects
            .iter()
            .zip(forms)
            .zip(detections)
            .zip(foreign)
            .zip(&rail_faults)
            .map(|((((subject, forms), mut detections), foreign), rail_fault)| {
                let request = subject.request;
                let decide = Instant::now();
                let mut together =
                    forms.as_ref().and_then(|forms| Together::of_forms(forms, outcomes.by_ref()));
                if let Some(together) = &mut together {
                    let deadline = self.due(request, start);
                    if let Some(outcome) = self.ground(request, deadline, &mut detections) {
                        together.outcome = outcome;
                    }
                }
                let exemptions = waived.exemptions(self, subject, &detections);
                let seen = Seen {
                    forms: forms.as_ref(),
                    together: together.as_ref(),
                    foreign,
                    is_name: subject.is_name(),
                    rail_fault: rail_fault.as_deref(),
                    before: subject.passage.before.len(),
                    exemptions: &exemptions,
                };
                let (mut verdict, look) = self.verdict(request, detections, seen, vault.as_deref_mut());
                verdict.timing = Timing { decide: micros(decide.elapsed()), ..timing };
                Looked { verdict, together, look }
            })
            .collect()
    }

    /// The forms of a text that the rails judge.
    pub(super) fn forms<'t>(&self, text: &'t str) -> Forms<'t> {
        Forms::new(text, self.0.lexicon(), self.policy().policy().max_decode_depth())
    }

    /// Names the verdict and writes its record. A verdict that cannot be recorded is a fault, unless the policy's `on_log_failure`
    /// says otherwise of the log.
    pub(super) fn record(
        &self,
        request: &Request,
        verdict: &mut Verdict,
        evidence: Evidence,
        sketch: Option<&[f32; SKETCH]>,
    ) {
        let inner = &*self.0;
        let policy = self.policy_of(verdict);
        let calibration = inner.calibration_digest();
        let recorded = inner.recorder.record(request, verdict, policy, calibration, evidence, sketch);
        let Err(error) = recorded else { return };
        let policy = inner.policy.policy();
        if error.is_of_log() && policy.on_log_failure() == OnLogFailure::Continue {
            return;
        }
        verdict.fault = Some(full_message(&error));
        verdict.decision = verdict.decision.max(policy.on_fault());
        verdict.text = None;
        verdict.tool_call = None;
        verdict.edits.clear();
    }
}

/// The exceptions, and the time that counts for them.
struct Waived {
    exceptions: Arc<Exceptions>,
    now: SystemTime,
}

impl Waived {
    /// What they take out of the findings on one text.
    fn exemptions(&self, guard: &Guard, subject: &Subject<'_>, detections: &[Detection]) -> Vec<Exemption> {
        if self.exceptions.is_empty() {
            return Vec::new();
        }
        let request = subject.request;
        let whole = Whole {
            text: &request.text,
            named_by: &subject.named_by(),
            role: request.role,
            slice: request.slice.as_deref(),
            locale: request.locale.as_deref(),
            now: self.now,
        };
        self.exceptions.exemptions(whole, |text| guard.0.recorder.text_digest(text), detections)
    }
}

/// The uses of exceptions that a rewritten text adds: their spans would be those of another text than the caller's.
fn only_in(second: &[ExceptionUse], first: &[ExceptionUse]) -> Vec<ExceptionUse> {
    let known =
        |used: &&ExceptionUse| !first.iter().any(|other| other.id == used.id && other.rule == used.rule);
    let new = second.iter().filter(known);
    let mut new: Vec<ExceptionUse> =
        new.map(|used| ExceptionUse { spans: Vec::new(), ..used.clone() }).collect();
    new.dedup();
    new
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
