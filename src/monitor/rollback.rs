//! The conditions under which a policy gives way to the one before it, and whether they hold.

use std::path::Path;

use serde::Serialize;

use super::MonitorError;
use super::counts::Rate;
use super::drift::{Drift, largest};
use super::observation::References;
use super::window::Windows;
use crate::policy::{Policy, Rollback, Target};
use crate::store::{Active, Change, Store, StoreError};
use crate::verdict::PolicyRef;

/// One condition with what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// Its key in the policy, such as `veto_rate_above`.
    pub key: &'static str,
    /// Its limit.
    pub limit: f64,
    /// What was measured; a rate or an index. Absent where nothing was.
    pub value: Option<f64>,
    /// The ends of a rate's interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// Verdicts looked at.
    pub verdicts: u64,
    /// Whether the limit is passed for sure.
    pub holds: bool,
}

impl Condition {
    /// The condition in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let what = match self.key {
            "veto_rate_above" | "veto_rate_below" => "the share of vetoes",
            "error_rate_above" => "the share of faults",
            _ => "the largest drift",
        };
        let side = if self.key.ends_with("below") { "below" } else { "above" };
        match (self.value, self.interval) {
            (Some(value), Some((low, high))) => format!(
                "{what} is {value:.4} ({low:.4} to {high:.4}) over {} verdicts, {side} the limit of {}",
                self.verdicts, self.limit
            ),
            (Some(value), None) => format!(
                "{what} is {value:.3} over {} verdicts, {side} the limit of {}",
                self.verdicts, self.limit
            ),
            (None, _) => format!("{what} is not known"),
        }
    }
}

/// Every condition that the policy names, with what the windows show at the time `now`, in seconds since 1970.
pub(super) fn conditions(
    rollback: &Rollback,
    windows: &Windows,
    references: &References,
    sigmas: f64,
    now: i64,
) -> Vec<Condition> {
    let counts = match rollback.window {
        Some(seconds) => windows.since(now, seconds),
        None => windows.short(),
    };
    let enough = counts.all.verdicts >= rollback.min_verdicts;
    let rate = |key, limit: f64, events, is_above: bool| {
        let Rate { value, low, high, verdicts, .. } = counts.rate(events, sigmas);
        let passed = if is_above { low > limit } else { high < limit };
        let value = (verdicts > 0).then_some(value);
        Condition { key, limit, value, interval: Some((low, high)), verdicts, holds: enough && passed }
    };
    let mut conditions = Vec::new();
    conditions.extend(
        rollback.veto_rate_above.map(|limit| rate("veto_rate_above", limit, counts.all.vetoes, true)),
    );
    conditions.extend(
        rollback.veto_rate_below.map(|limit| rate("veto_rate_below", limit, counts.all.vetoes, false)),
    );
    conditions.extend(
        rollback.error_rate_above.map(|limit| rate("error_rate_above", limit, counts.all.faults, true)),
    );
    conditions.extend(rollback.drift_above.map(|limit| {
        let drift = largest(references, &counts);
        let passed = drift.as_ref().is_some_and(|drift| {
            drift.verdicts >= rollback.min_verdicts && drift.psi > limit && drift.is_sure()
        });
        Condition {
            key: "drift_above",
            limit,
            value: drift.as_ref().map(|drift| drift.psi),
            interval: None,
            verdicts: drift.as_ref().map_or(0, |Drift { verdicts, .. }| *verdicts),
            holds: passed,
        }
    }));
    conditions
}
/// A policy that is or was in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// The policy.
    pub policy: PolicyRef,
    /// Its revision, 0 where it has none.
    pub revision: u64,
    /// Who put it in force.
    pub by: String,
    /// Since when, in UTC.
    pub since: String,
}

/// What an automatic rollback waits for and would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The policy that a guard uses now.
    pub policy: PolicyRef,
    /// What was activated last; absent where nothing was.
    pub active: Option<Standing>,
    /// What would be in force afterwards; absent where there is nothing to go back to.
    pub target: Option<Standing>,
    /// The conditions and what was measured; empty where the policy has none, and before its first verdict.
    pub conditions: Vec<Condition>,
    /// Whether it can happen, in a sentence.
    pub outlook: String,
}

impl Plan {
    /// The plan for `policy` in the state directory. `last` is when the monitor last rolled one back, in seconds since 1970.
    ///
    /// # Errors
    /// [`MonitorError::Store`].
    pub fn new(
        root: &Path,
        policy: &Policy,
        conditions: Vec<Condition>,
        last: Option<i64>,
    ) -> Result<Self, MonitorError> {
        let Places { active, target } =
            Places::of(root, policy.rollback().map(|own| own.to).unwrap_or_default())?;
        let used = policy.reference();
        let outlook = match (policy.rollback(), &active, &target) {
            (None, ..) => "never, the policy has no [rollback]".to_owned(),
            (_, None, _) => "never, no policy was activated in this state directory".to_owned(),
            (_, Some(active), _) if active.policy.digest != used.digest => {
                "never, the policy in use is not the activated one".to_owned()
            }
            (_, Some(active), _) if active.by == NAME => {
                "not before a person activates a policy, the monitor put this one in force".to_owned()
            }
            (_, _, None) => "never, there is no earlier policy".to_owned(),
            (Some(own), ..) => {
                let until = last.map(|last| last.saturating_add(own.cooldown));
                let until = until.and_then(|until| jiff::Timestamp::from_second(until).ok());
                let until = until.filter(|until| *until > jiff::Timestamp::now());
                match until {
                    Some(until) => format!("as soon as a condition holds, not before {until}"),
                    None => "as soon as a condition holds".to_owned(),
                }
            }
        };
        Ok(Self { policy: used, active, target, conditions, outlook })
    }
}

/// As whom the monitor changes what is in force.
pub const NAME: &str = "monitor";

/// What is in force and what would be.
struct Places {
    active: Option<Standing>,
    target: Option<Standing>,
}

impl Places {
    fn of(root: &Path, to: Target) -> Result<Self, MonitorError> {
        let failed = |source| MonitorError::Store { source: Box::new(source) };
        let store = Store::open(root).map_err(failed)?;
        let Some(active) = store.active().map_err(failed)? else {
            return Ok(Self { active: None, target: None });
        };
        let history = store.history().map_err(failed)?;
        let target = match to {
            Target::Previous => previous(&history),
            Target::Revision(revision) => history.iter().rev().find(|earlier| earlier.revision == revision),
        };
        Ok(Self { active: Some(Standing::of(&active)), target: target.map(Standing::of) })
    }
}

impl Standing {
    fn of(active: &Active) -> Self {
        Self {
            policy: active.policy.clone(),
            revision: active.revision,
            by: active.by.clone(),
            since: active.since.clone(),
        }
    }
}

/// What was in force before, those left out that were gone back from: the store goes there too.
fn previous(history: &[Active]) -> Option<&Active> {
    let mut good: Vec<&Active> = Vec::new();
    for entry in history {
        if entry.change == Change::RolledBack
            && let Some(place) = good.iter().rposition(|earlier| earlier.policy == entry.policy)
        {
            good.truncate(place);
        }
        good.push(entry);
    }
    let active = good.pop()?;
    good.into_iter().rev().find(|earlier| earlier.policy != active.policy)
}

/// The digest of the policy in force; nothing where none was activated or it cannot be told.
pub(super) fn in_force(root: &Path) -> Option<String> {
    Some(Store::open(root).ok()?.active().ok()??.policy.digest)
}

/// What came of a condition that holds.
pub(super) enum Outcome {
    /// An earlier policy is in force; a sentence that says so.
    Done(String),
    /// The verdicts are in part from before the policy was activated, and say nothing against it now.
    Stale,
    /// Nothing is to be done.
    Nothing,
}

/// Puts the policy that `rollback` names in force, when it is `policy` that is in force and a person put it there. The first of
/// the verdicts was at `began`, in microseconds since 1970.
///
/// A policy that the monitor itself went back to stays until a person activates another: it never goes to and fro.
pub(super) fn perform(
    root: &Path,
    rollback: &Rollback,
    policy: &PolicyRef,
    condition: &Condition,
    began: i64,
) -> Result<Outcome, String> {
    let told = |error: StoreError| error.to_string();
    let store = Store::open(root).map_err(told)?;
    let Some(active) = store.active().map_err(told)? else { return Ok(Outcome::Nothing) };
    if active.policy.digest != policy.digest || active.by == NAME {
        return Ok(Outcome::Nothing);
    }
    let to = match rollback.to {
        Target::Previous => None,
        Target::Revision(revision) => Some(revision),
    };
    let nowhere = Places::of(root, rollback.to).map_err(|error| error.to_string())?.target.is_none();
    if nowhere || to == Some(active.revision) {
        return Ok(Outcome::Nothing);
    }
    if active.since.parse::<jiff::Timestamp>().is_ok_and(|since| began < since.as_microsecond()) {
        return Ok(Outcome::Stale);
    }
    let reason = condition.in_words();
    let now = store.roll_back(to, NAME, &reason).map_err(told)?;
    Ok(Outcome::Done(format!(
        "{} {} is in force again, revision {}, in place of revision {}: {reason}",
        now.policy.id, now.policy.version, now.revision, active.revision
    )))
}
