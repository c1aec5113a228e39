//! Which rules applied, how often, and what people made of it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::names::Named;
use super::{Rate, Tally};
use crate::policy::Policy;
use crate::record::DecisionRecord;

/// Most categories that are named for one rule.
const CATEGORIES: usize = 10;

/// A rule that applied.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleLine {
    /// The rule's id.
    pub rule: String,
    /// The categories of its findings, sorted; ten at most.
    pub categories: Vec<String>,
    /// The decisions on texts to which it applied.
    pub decisions: Tally,
    /// Such decisions among all.
    pub share: Rate,
    /// Cases that people approved among those that they decided: texts that the rule need not have held.
    pub overturned: Rate,
}

/// A rule of a policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyRule {
    /// The rule's id.
    pub rule: String,
    /// What it looks at.
    pub detector: String,
    /// What it asks for.
    pub action: &'static str,
    /// Who answers for it: its owner, or else the policy's; empty where neither is named.
    pub owner: String,
    /// The hazard it is for (MLCommons), where it names one.
    pub hazard: Option<&'static str>,
}

impl PolicyRule {
    /// The rules of `policy`, in its order.
    #[must_use]
    pub fn of(policy: &Policy) -> Vec<Self> {
        let owner = &policy.governance().owner;
        let rule = |rule: &crate::policy::Rule| Self {
            rule: rule.id.clone(),
            detector: rule.detector.to_string(),
            action: rule.action.decision().as_str(),
            owner: rule.owner.as_ref().unwrap_or(owner).clone(),
            hazard: rule.hazard.map(crate::policy::Hazard::as_str),
        };
        policy.rules().iter().map(rule).collect()
    }
}

#[derive(Clone, Debug, Default)]
struct Sums {
    categories: BTreeSet<String>,
    tally: Tally,
    reviewed: u64,
    approved: u64,
}

/// Decisions by rule.
#[derive(Clone, Debug, Default)]
pub(super) struct ByRule(Named<Sums>);

impl ByRule {
    /// Adds a decision.
    pub(super) fn add(&mut self, record: &DecisionRecord) {
        for rule in of(record) {
            self.0.of(rule).tally.add(record.decision);
        }
        for finding in &record.findings {
            let categories = &mut self.0.of(&finding.rule).categories;
            if categories.len() < CATEGORIES && !categories.contains(&finding.category) {
                categories.insert(finding.category.clone());
            }
        }
    }

    /// Adds a case of these rules that a person decided.
    pub(super) fn review(&mut self, rules: &[String], approved: bool) {
        for rule in rules {
            let sums = self.0.of(rule);
            sums.reviewed += 1;
            sums.approved += u64::from(approved);
        }
    }

    /// The rules, those with the most texts first, of `all` decisions.
    pub(super) fn lines(&self, all: u64) -> Vec<RuleLine> {
        let mut lines: Vec<RuleLine> = self
            .0
            .iter()
            .map(|(rule, sums)| RuleLine {
                rule: rule.clone(),
                categories: sums.categories.iter().cloned().collect(),
                decisions: sums.tally,
                share: Rate::new(sums.tally.n, all.max(sums.tally.n)),
                overturned: Rate::new(sums.approved, sums.reviewed),
            })
            .collect();
        lines.sort_by(|a, b| b.decisions.n.cmp(&a.decisions.n).then_with(|| a.rule.cmp(&b.rule)));
        lines
    }

    /// Those of `rules` that never applied.
    pub(super) fn unused(&self, rules: &[PolicyRule]) -> Vec<PolicyRule> {
        rules.iter().filter(|rule| !self.0.contains(&rule.rule)).cloned().collect()
    }
}

/// The rules of a decision, each once.
pub(super) fn of(record: &DecisionRecord) -> BTreeSet<&str> {
    record.findings.iter().map(|finding| finding.rule.as_str()).collect()
}
