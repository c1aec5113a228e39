//! The verdict of the policy on what the rails saw.

use super::forms::{Forms, Together};
use super::{Guard, full_message};
use crate::act::{self, ActError};
use crate::decide::{Evidence, Rewrite, decide};
use crate::exception::Exemption;
use crate::language::Foreign;
use crate::policy::{BoundPolicy, Circumstances, OnDeadline};
use crate::rails::classifier::{HeadScores, Outcome};
use crate::record::{Look, Rewriting};
use crate::request::{Request, Role};
use crate::vault::Vault;
use crate::verdict::{Coverage, CoverageReason, Detection, Edit, Timing, Verdict};

/// What is known of a text when it is decided about.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) forms: Option<&'a Forms<'a>>,
    pub(super) together: Option<&'a Together>,
    pub(super) foreign: Foreign,
    /// Whether it is one word of a tool call's arguments, in no language.
    pub(super) is_name: bool,
    /// What kept a rail of the host from judging it.
    pub(super) rail_fault: Option<&'a str>,
    /// Bytes that the classifiers read before the text.
    pub(super) before: usize,
    /// What exceptions take out of the findings.
    pub(super) exemptions: &'a [Exemption],
}

impl Guard {
    /// The verdict of the policy on what the rails saw, neither named nor recorded yet, and what it rests on.
    pub(super) fn verdict(
        &self,
        request: &Request,
        mut detections: Vec<Detection>,
        seen: Seen<'_>,
        vault: Option<&mut Vault>,
    ) -> (Verdict, Look) {
        let inner = &*self.0;
        let Seen { forms, together, foreign, is_name, rail_fault, exemptions, .. } = seen;
        let outcome = together.map(|together| &together.outcome);
        let mut scores = Vec::new();
        let mut fault = None;
        // A late answer of an exit is for `decide` to weigh.
        let mut failed = !matches!(outcome, Some(Outcome::Scored(_) | Outcome::Early(_)));
        let mut exit = None;
        let mut device = None;
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
                scores = self.classify(request, heads, seen, &mut detections);
                (exit, work) = (heads.exit, heads.work);
                device = heads.device.map(|device| device.to_string());
                early = matches!(outcome, Some(Outcome::Early(_)));
                if early && inner.policy.policy().on_deadline() == OnDeadline::Fault {
                    fault = Some("the deadline passed before the whole model had answered".to_owned());
                }
                if let Some(head) = self.unasked(heads, request.role) {
                    failed = true;
                    fault =
                        Some(format!("the head `{head}` has not read all of the text, and a rule needs it"));
                }
                if let Some(why) = rail_fault {
                    failed = true;
                    fault = Some(why.to_owned());
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
                    failed = true;
                    fault = Some(format!(
                        "the text is encoded deeper than the policy's max_decode_depth of {}",
                        inner.policy.policy().max_decode_depth()
                    ));
                }
                let late = early.then_some(CoverageReason::Deadline);
                let deep = deeper.then_some(CoverageReason::DecodeDepth);
                let broken = rail_fault.map(|_| CoverageReason::Fault);
                let reason = match foreign {
                    Foreign::Wholly | Foreign::Partly => Some(CoverageReason::UnsupportedLanguage),
                    Foreign::No => unreadable.then_some(CoverageReason::Unreadable),
                };
                let reasons: Vec<CoverageReason> =
                    late.into_iter().chain(deep).chain(broken).chain(reason).collect();
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
            slice: request.slice.as_deref(),
            locale: request.locale.as_deref(),
            detections: &detections,
            exemptions,
            coverage,
            reasons: &reasons,
            early,
            fault: failed,
        };
        let decided = decide(self.policy_for(outcome), &evidence);
        if decided.fault && fault.is_none() {
            fault = Some("a score is not a number in 0..=1".to_owned());
        }
        let mut decision = decided.decision;
        let (mut text, mut edits) = (None, Vec::new());
        let mut rewriting = Rewriting::Unchanged;
        if decision.releases() {
            match self.rewrite(&request.text, &decided.rewrites, vault) {
                Ok((rewritten, script)) => {
                    rewriting = match (script.is_empty(), rewritten.is_empty()) {
                        (true, _) => Rewriting::Unchanged,
                        (false, true) => Rewriting::Emptied,
                        (false, false) => Rewriting::Edited,
                    };
                    (text, edits) = (Some(rewritten), script);
                }
                Err(error) => {
                    rewriting = Rewriting::Failed;
                    fault = Some(full_message(&error));
                    decision = inner.policy.policy().on_fault();
                }
            }
        }
        let exit = exit.and_then(|exit| inner.exits.name(exit)).map(str::to_owned);
        let mut look = Look { coverage, early, exit: exit.clone(), failed, rewriting, ..Look::default() };
        look.take(detections, &scores);
        look.reasons.clone_from(&reasons);
        look.exemptions = exemptions.to_vec();
        let verdict = Verdict {
            id: request.id.clone(),
            decision,
            text,
            scores,
            tool_call: None,
            findings: decided.findings,
            exceptions: decided.exceptions,
            edits,
            readings: forms.map(Forms::vias).unwrap_or_default(),
            coverage,
            coverage_reason: reasons.first().copied(),
            work,
            exit,
            device,
            fault,
            policy: inner.policy_ref.clone(),
            model: inner.model_ref.clone(),
            timing: Timing::default(),
            decision_id: String::new(),
        };
        (verdict, look)
    }

    /// The characters in the places that a rule of the policy acts on.
    fn characters_found(&self, request: &Request, detections: &[Detection]) -> usize {
        let policy = &self.0.policy;
        let circumstances = Circumstances::from(request);
        let acted_on = |detection: &&Detection| {
            policy
                .rules_in(&detection.detector, circumstances)
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
    pub(super) fn policy_of(&self, verdict: &Verdict) -> &BoundPolicy {
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
        self.unread(request, "the text was not judged").0
    }

    /// The same for this reason, neither named nor recorded yet, and what it rests on.
    pub(super) fn unread(&self, request: &Request, why: &str) -> (Verdict, Look) {
        let together = Together::of([Outcome::Failed(why.to_owned())]);
        let seen = Seen {
            forms: None,
            together: together.as_ref(),
            foreign: Foreign::No,
            is_name: false,
            rail_fault: None,
            before: 0,
            exemptions: &[],
        };
        self.verdict(request, Vec::new(), seen, None)
    }
}
