//! Decisions made again from their records: the same evidence, weighed by a policy, without the text.
//!
//! Under the policy that decided, the outcome is the same for ever, bit for bit. Under another it is what that policy would have
//! decided of what the rails saw; what it would have rewritten is taken to pass the second look, and what only its own lists,
//! schemas, tools or heads would have seen is not known.

use crate::decide::{Evidence as Known, decide};
use crate::policy::BoundPolicy;
use crate::record::{Argument, DecisionRecord, Look, Rewriting};
use crate::request::Role;
use crate::verdict::{Decision, Finding, Part, Place, Source};

/// A policy, bound for the whole model and for each of its exits.
#[derive(Clone, Copy)]
pub struct Policies<'a> {
    /// For the whole model.
    pub whole: &'a BoundPolicy,
    /// For the exit of this name, whose thresholds decide where it answered in place of the whole model.
    pub exit: &'a dyn Fn(&str) -> Option<&'a BoundPolicy>,
}

impl std::fmt::Debug for Policies<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").field("whole", &self.whole.policy().reference()).finish_non_exhaustive()
    }
}

/// What a record's decision is when it is made again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Replayed {
    /// The decision.
    pub decision: Decision,
    /// What led to it, as a record holds it.
    pub findings: Vec<Finding>,
    /// Whether something went wrong.
    pub fault: bool,
    /// Whether a rewrite is only taken to pass the second look, since another policy made another one.
    pub assumed: bool,
}

/// How a decision made again can differ from the recorded one under the same policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Difference {
    /// In the decision.
    Decision,
    /// In the findings: their rules, scores, thresholds, places or actions.
    Findings,
    /// In whether something went wrong.
    Fault,
}

/// Decides again; nothing for a record without evidence.
#[must_use]
pub fn replay(record: &DecisionRecord, policies: Policies<'_>) -> Option<Replayed> {
    let evidence = record.evidence.as_ref()?;
    let same = policies.whole.policy().digest() == record.policy.digest;
    let again = Again { record, policies, same };
    let mut whole = again.text(&evidence.text, record.role);
    for argument in &evidence.arguments {
        again.join(argument, &mut whole);
    }
    if evidence.more_arguments {
        whole.fail(policies.whole.policy().on_fault());
    }
    if evidence.misfit && same && whole.decision.releases() {
        whole.fail(Decision::Veto);
    }
    Some(whole)
}

/// How the decision made again under the same policy differs from the recorded one.
#[must_use]
pub fn differences(record: &DecisionRecord, replayed: &Replayed) -> Vec<Difference> {
    let mut found = Vec::new();
    if record.decision != replayed.decision {
        found.push(Difference::Decision);
    }
    if !same_findings(&record.findings, &replayed.findings) {
        found.push(Difference::Findings);
    }
    if record.fault.is_some() != replayed.fault {
        found.push(Difference::Fault);
    }
    found
}

/// Whether the findings are the same, bit for bit. Without pointers the order of two places in one part is not known; the words
/// behind a classifier's finding are told by the text alone.
fn same_findings(recorded: &[Finding], replayed: &[Finding]) -> bool {
    let mut left: Vec<&Finding> = replayed.iter().collect();
    let equal = |a: &Finding, b: &Finding| {
        let a = &without_words(a);
        *a == without_words(b)
            && a.score.to_bits() == b.score.to_bits()
            && a.threshold.to_bits() == b.threshold.to_bits()
    };
    recorded.len() == replayed.len()
        && recorded.iter().all(|one| {
            let place = left.iter().position(|other| equal(one, other));
            place.is_some_and(|place| {
                left.remove(place);
                true
            })
        })
}

/// The finding as it was decided, before its words were looked for.
fn without_words(finding: &Finding) -> Finding {
    let mut finding = finding.clone();
    if finding.source == Source::Classifier {
        finding.spans.clear();
        if let Some(place) = &mut finding.place {
            place.spans.clear();
        }
    }
    finding
}

struct Again<'r, 'p> {
    record: &'r DecisionRecord,
    policies: Policies<'p>,
    /// Whether the policy is the one that decided.
    same: bool,
}

impl Again<'_, '_> {
    /// The outcome for one text, its rewrite judged once more.
    fn text(&self, look: &Look, role: Role) -> Replayed {
        let mut first = self.look(look, role);
        let again = look.again.as_ref().filter(|_| look.rewriting == Rewriting::Edited);
        match again {
            _ if !first.decision.releases() || first.fault => {}
            Some(again) if self.same => {
                let second = self.look(again, role);
                let strongest = second.findings.iter().map(|finding| finding.action).max();
                let edited = matches!(again.rewriting, Rewriting::Edited | Rewriting::Emptied);
                let decision = match strongest {
                    _ if second.fault => Some(second.decision),
                    Some(action) if !action.releases() || edited => Some(Decision::Veto),
                    _ => None,
                };
                if let Some(decision) = decision {
                    first.decision = decision;
                    first.fault = true;
                }
            }
            _ => first.assumed = !self.same && first.decision == Decision::Rewrite,
        }
        first
    }

    /// The outcome of one look.
    fn look(&self, look: &Look, role: Role) -> Replayed {
        let exit = look.exit.as_deref().filter(|_| look.early);
        let policy = exit.and_then(self.policies.exit).unwrap_or(self.policies.whole);
        let detections = look.detections(&self.record.scores);
        let decided = decide(
            policy,
            &Known {
                role,
                slice: self.record.slice.as_deref(),
                locale: self.record.locale.as_deref(),
                detections: &detections,
                exemptions: &look.exemptions,
                coverage: look.coverage,
                reasons: &look.reasons,
                early: look.early,
                fault: look.failed,
            },
        );
        let failed = self.same && decided.decision.releases() && look.rewriting == Rewriting::Failed;
        Replayed {
            decision: if failed { policy.policy().on_fault() } else { decided.decision },
            findings: decided.findings,
            fault: decided.fault || failed,
            assumed: false,
        }
    }

    /// Joins what was found in a string of a tool call's arguments.
    fn join(&self, argument: &Argument, whole: &mut Replayed) {
        let part = self.text(&argument.text, Role::Tool);
        whole.assumed |= part.assumed;
        whole.fault |= part.fault;
        let decision = match part.decision {
            Decision::Rewrite if argument.is_key => {
                whole.fault = true;
                Decision::Veto
            }
            decision => decision,
        };
        whole.decision = whole.decision.max(decision);
        for mut finding in part.findings {
            finding.place = Some(Place {
                part: Part::ToolArguments,
                pointer: None,
                keyword: argument.is_key.then(|| "key".to_owned()),
                spans: std::mem::take(&mut finding.spans),
            });
            whole.findings.push(finding);
        }
    }
}

impl Replayed {
    fn fail(&mut self, least: Decision) {
        self.decision = self.decision.max(least);
        self.fault = true;
    }
}
