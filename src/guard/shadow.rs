//! A candidate policy beside the one in force: it judges the same texts, and only what it would have decided otherwise is told.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::{Guard, GuardError, Inner};
use crate::log::Event;
use crate::policy::Policy;
use crate::rails::classifier::{ClassifierRail, HeadScores, Judged, Length, Outcome, StageTimes};
use crate::request::Request;
use crate::verdict::{Decision, PolicyRef, Verdict};

/// What the classifiers said of a batch's texts, under the texts' digests and lengths; never the texts.
#[derive(Clone)]
pub(super) struct Answers {
    said: Arc<Mutex<HashMap<Key, HeadScores>>>,
    /// Whether this guard takes answers, in place of leaving them.
    takes: bool,
}

type Key = (blake3::Hash, Length);

fn key(text: &Judged<'_>) -> Key {
    (blake3::hash(text.text.as_bytes()), text.length)
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("takes", &self.takes).finish_non_exhaustive()
    }
}

impl Answers {
    /// Judges the texts as the rail does, save those whose answer is known already.
    pub(super) fn judge(&self, rail: &ClassifierRail, texts: &[Judged<'_>]) -> (Vec<Outcome>, StageTimes) {
        if !self.takes {
            let (outcomes, times) = rail.judge(texts);
            let mut said = self.said();
            for (text, outcome) in texts.iter().zip(&outcomes) {
                // What left at an exit left by gates of its own policy.
                if let (Outcome::Scored(heads), None) = (outcome, text.gates) {
                    said.insert(key(text), heads.clone());
                }
            }
            return (outcomes, times);
        }
        let known: Vec<Option<HeadScores>> = {
            let said = self.said();
            let known = |text: &Judged<'_>| said.get(&key(text)).cloned();
            texts.iter().map(|text| text.gates.is_none().then(|| known(text)).flatten()).collect()
        };
        let others: Vec<Judged<'_>> =
            texts.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(text, _)| *text).collect();
        let (outcomes, times) = match others.is_empty() {
            true => (Vec::new(), StageTimes::default()),
            false => rail.judge(&others),
        };
        let mut outcomes = outcomes.into_iter();
        let missing = || Outcome::Failed("the classifier gave fewer answers than texts".to_owned());
        let all = known.into_iter().map(|known| match known {
            Some(heads) => Outcome::Scored(heads),
            None => outcomes.next().unwrap_or_else(missing),
        });
        (all.collect(), times)
    }

    fn said(&self) -> MutexGuard<'_, HashMap<Key, HeadScores>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A guard with a candidate policy beside its own.
///
/// The candidate shares the model. What the classifiers have said of a text they are not asked again where both policies read
/// it in the same form, unless the candidate brings heads of its own or texts may leave at an exit. The words behind the
/// candidate's findings are not looked for.
#[derive(Clone, Debug)]
pub struct Shadow {
    guard: Guard,
    candidate: Guard,
    answers: Answers,
}

/// A verdict, and what the candidate would have made of it.
#[derive(Clone, Debug)]
pub struct Shadowed {
    /// The verdict of the policy in force.
    pub verdict: Verdict,
    /// The candidate's.
    pub candidate: Verdict,
}

/// What a candidate would have decided otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The decision in force.
    pub decision_id: String,
    /// What was decided.
    pub from: Decision,
    /// What the candidate would have decided.
    pub to: Decision,
    /// Rules of the candidate that applied, and of that id none in force.
    pub gained: Vec<String>,
    /// Rules in force that applied, and of that id none of the candidate's.
    pub lost: Vec<String>,
    /// The data slice that the request named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    /// The policy in force.
    pub policy: PolicyRef,
    /// The candidate.
    pub candidate: PolicyRef,
}

impl Guard {
    /// This guard with a candidate policy beside its own. The candidate's verdicts are not recorded.
    ///
    /// # Errors
    /// [`GuardError`] when the candidate does not fit the model.
    pub fn shadow(&self, candidate: &Policy) -> Result<Shadow, GuardError> {
        let said = Arc::default();
        let own = |policy: &Policy| policy.heads().cloned().collect::<Vec<_>>();
        let heads = own(candidate);
        let same = heads.is_empty() || heads == own(self.policy().policy());
        let leaves = Answers { said: Arc::clone(&said), takes: false };
        let takes = same.then_some(Answers { said, takes: true });
        // Nobody reads where the candidate's findings are.
        let candidate = Inner { answers: takes, attribution: false, ..self.unrecorded_with(candidate)? };
        let guard = Inner { answers: same.then(|| leaves.clone()), ..(*self.0).clone() };
        Ok(Shadow { guard: Self(Arc::new(guard)), candidate: Self(Arc::new(candidate)), answers: leaves })
    }
}

impl Shadow {
    /// Judges many texts by both policies; the verdicts in force are those that [`Guard::check_batch`] gives.
    #[must_use]
    pub fn check_batch(&self, requests: &[Request]) -> Vec<Shadowed> {
        let verdicts = self.guard.check_batch(requests);
        let candidates = self.candidate.check_batch(requests);
        self.answers.said().clear();
        verdicts
            .into_iter()
            .zip(candidates)
            .map(|(verdict, candidate)| Shadowed { verdict, candidate })
            .collect()
    }

    /// The guard in force.
    #[must_use]
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The guard with the candidate.
    #[must_use]
    pub const fn candidate(&self) -> &Guard {
        &self.candidate
    }
}

impl Shadowed {
    /// What differs; nothing where the decision and the rules are the same.
    #[must_use]
    pub fn difference(&self, slice: Option<&str>) -> Option<Difference> {
        let gained = rules_without(&self.candidate, &self.verdict);
        let lost = rules_without(&self.verdict, &self.candidate);
        let (from, to) = (self.verdict.decision, self.candidate.decision);
        if from == to && gained.is_empty() && lost.is_empty() {
            return None;
        }
        Some(Difference {
            decision_id: self.verdict.decision_id.clone(),
            from,
            to,
            gained,
            lost,
            slice: slice.map(str::to_owned),
            policy: self.verdict.policy.clone(),
            candidate: self.candidate.policy.clone(),
        })
    }
}

impl From<Difference> for Event {
    fn from(difference: Difference) -> Self {
        let Difference { decision_id, from, to, gained, lost, slice, policy, candidate } = difference;
        Self::ShadowDifference { decision_id, from, to, gained, lost, slice, policy, candidate }
    }
}

/// The rules that applied in one verdict and not in the other, sorted.
fn rules_without(one: &Verdict, other: &Verdict) -> Vec<String> {
    let has = |rule: &str| other.findings.iter().any(|finding| finding.rule == rule);
    let rules = one.findings.iter().map(|finding| finding.rule.as_str()).filter(|rule| !has(rule));
    let rules: std::collections::BTreeSet<&str> = rules.collect();
    rules.into_iter().map(str::to_owned).collect()
}
