//! The exits of the guard's model under its policy: gates by role, and thresholds of their own.

use portcullis_calibration::{Calibration, ExitHead};

use crate::policy::{BoundPolicy, KnownDetector, Policy, PolicyErrors};
use crate::rails::classifier::Gates;
use crate::request::Role;

/// The exits, the earliest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Exits {
    names: Vec<String>,
    /// For each exit the policy with the thresholds of that exit.
    policies: Vec<BoundPolicy>,
    /// For each role, in the order of [`Role::ALL`]; empty where all texts go through the whole model, none for a role whose
    /// rules look at taught heads, which read the whole model's states.
    gates: Vec<Option<Gates>>,
}

impl Exits {
    /// The exits that `calibration` knows, with `policy` bound for each; gates only for a cascade. A rule whose target an
    /// exit has no threshold for keeps that of the whole model.
    pub(super) fn new(
        policy: &BoundPolicy,
        calibration: &Calibration,
        known: &[KnownDetector<'_>],
        cascade: bool,
    ) -> Result<Self, PolicyErrors> {
        let exits = calibration.exits();
        let bind = |policy: &Policy, exit: &portcullis_calibration::Exit| {
            let threshold = |head: &str, target: f64| match exit.threshold(head, target) {
                Some(threshold) => Ok(threshold),
                None => calibration
                    .threshold(head, target)
                    .map(|found| found.threshold)
                    .map_err(|e| e.to_string()),
            };
            policy.bind(threshold, known)
        };
        let policies = exits.iter().map(|exit| bind(policy.policy(), exit)).collect::<Result<Vec<_>, _>>()?;
        let gates = Role::ALL.iter().filter(|_| cascade && !exits.is_empty()).map(|role| {
            let heads = |exit: &portcullis_calibration::Exit| {
                exit.heads.iter().map(|head| gate(policy, calibration, head, *role)).collect()
            };
            let leaves = policy.taught_for(*role).next().is_none();
            leaves.then(|| Gates::new(exits.iter().map(heads).collect()))
        });
        Ok(Self {
            names: exits.iter().map(|exit| exit.stage.clone()).collect(),
            policies,
            gates: gates.collect(),
        })
    }

    /// What a text of this role has to stay under to leave early.
    pub(super) fn gates(&self, role: Role) -> Option<&Gates> {
        let place = Role::ALL.iter().position(|other| *other == role)?;
        self.gates.get(place)?.as_ref()
    }

    /// The policy with the thresholds of the exit number `exit`.
    pub(super) fn policy(&self, exit: usize) -> Option<&BoundPolicy> {
        self.policies.get(exit)
    }

    /// The policy with the thresholds of the exit of this name.
    pub(super) fn named(&self, name: &str) -> Option<&BoundPolicy> {
        self.policy(self.names.iter().position(|other| other == name)?)
    }

    /// The name of the exit number `exit`.
    pub(super) fn name(&self, exit: usize) -> Option<&str> {
        self.names.get(exit).map(String::as_str)
    }

    /// The names, the earliest first.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether texts may leave at an exit.
    pub(super) fn cascade(&self) -> bool {
        !self.gates.is_empty()
    }
}

/// The logit on the whole model's scale under which `head` keeps no text of this role from leaving.
fn gate(policy: &BoundPolicy, calibration: &Calibration, head: &ExitHead, role: Role) -> f32 {
    let detector = format!("classifier.{}", head.name);
    let strictest = policy.rules_for(&detector, role).map(|(_, rule)| rule.threshold()).reduce(f32::min);
    let Some(threshold) = strictest else { return f32::INFINITY };
    let Ok(curve) = calibration.head(&head.name).map(|head| head.curve) else { return f32::NEG_INFINITY };
    // Under the rule's own threshold, too: what leaves is not flagged.
    match head.gate(threshold) {
        Some(below) => curve.invert(below).min(curve.invert(threshold).next_down()),
        None => f32::NEG_INFINITY,
    }
}
