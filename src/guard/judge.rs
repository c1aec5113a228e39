//! From a text to its verdict: the rails, the decision, the rewrite, and a second look at what was rewritten.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::attribute::Text;
use super::call::Call;
use super::forms::{Forms, Together};
use super::subject::Subject;
use super::weigh::Seen;
use super::{Guard, full_message};
use crate::language::Foreign;
use crate::rails::classifier::Judged;
use crate::request::Request;
use crate::vault::Vault;
use crate::verdict::{Decision, Detection, Timing, Verdict};

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
        let mut judged = self.look(subjects, limit, vault, start);
        self.look_again(&sources, &mut judged, start);
        if inner.attribution {
            let begin = start.elapsed();
            self.attribute(&sources, &mut judged, start);
            let attribute = micros(start.elapsed().saturating_sub(begin));
            judged.iter_mut().for_each(|(verdict, _)| verdict.timing.attribute = attribute);
        }
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
    fn look_again(&self, sources: &[Text<'_>], judged: &mut [(Verdict, Option<Together>)], start: Instant) {
        let mut rewritten = Vec::new();
        for (place, ((request, passage, argument), (verdict, _))) in sources.iter().zip(&*judged).enumerate()
        {
            if let Some(text) =
                verdict.text.as_ref().filter(|text| !verdict.edits.is_empty() && !text.is_empty())
            {
                let request = Request {
                    text: text.clone(),
                    role: request.role,
                    slice: request.slice.clone(),
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
                let deadline = self.due(subject.request, start);
                let gates = inner.exits.gates(subject.request.role);
                let texts = forms.iter().flat_map(Forms::texts);
                texts.map(move |text| Judged { text, deadline, gates })
            })
            .collect();
        let (outcomes, stages) = match &inner.answers {
            None => inner.classifier.judge(&judged),
            Some(answers) => answers.judge(&inner.classifier, &judged),
        };
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
            .map(|(((subject, forms), mut detections), foreign)| {
                let request = subject.request;
                let decide = Instant::now();
                let mut together =
                    forms.as_ref().and_then(|forms| Together::of_forms(forms, outcomes.by_ref()));
                if let Some(together) = &mut together {
                    let deadline = self.due(request, start);
                    if let Err(outcome) = self.ground(request, deadline, &mut detections) {
                        together.outcome = outcome;
                    }
                }
                let seen = Seen {
                    forms: forms.as_ref(),
                    together: together.as_ref(),
                    foreign,
                    is_name: subject.is_name(),
                    before: subject.passage.before.len(),
                };
                let mut verdict = self.verdict(request, detections, seen, vault.as_deref_mut());
                verdict.timing = Timing { decide: micros(decide.elapsed()), ..timing };
                (verdict, together)
            })
            .collect()
    }

    /// The forms of a text that the rails judge.
    pub(super) fn forms<'t>(&self, text: &'t str) -> Forms<'t> {
        Forms::new(text, self.0.lexicon(), self.policy().policy().max_decode_depth())
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
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
