//! How many verdicts of what kind a log holds, and how long they took.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::record::DecisionRecord;
use crate::verdict::{Coverage, Decision};

/// What verdicts are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// All together.
    All,
    /// The rules that found something; a verdict counts for each of them, and one without findings for `-`.
    Rule,
    /// The data slice; `-` without one.
    Slice,
    /// The role.
    Role,
    /// The policy: id, version and the first digits of the digest.
    Policy,
    /// The model: id and the first digits of the digest.
    Model,
    /// The day, in UTC.
    Day,
}

/// Verdicts counted by groups.
#[derive(Clone, Debug)]
pub struct Stats {
    grouping: Grouping,
    groups: BTreeMap<String, Group>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    allow: u64,
    rewrite: u64,
    escalate: u64,
    veto: u64,
    faults: u64,
    covered: u64,
    /// The total time of each, in microseconds.
    times: Vec<u64>,
}

/// A group's numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The group's name.
    pub group: String,
    /// Verdicts.
    pub verdicts: u64,
    /// Those that allow.
    pub allow: u64,
    /// Those that rewrite.
    pub rewrite: u64,
    /// Those that escalate.
    pub escalate: u64,
    /// Those that veto.
    pub veto: u64,
    /// Share that was escalated or vetoed, in `0..=1`.
    pub held_rate: f64,
    /// Share that was vetoed, in `0..=1`.
    pub veto_rate: f64,
    /// Those with a fault.
    pub faults: u64,
    /// Share whose text was judged whole, in `0..=1`.
    pub full_coverage: f64,
    /// The median time of a verdict, in microseconds.
    pub p50_us: u64,
    /// The time that 99 of 100 verdicts took at most, in microseconds.
    pub p99_us: u64,
}

impl Stats {
    /// None yet.
    #[must_use]
    pub const fn new(grouping: Grouping) -> Self {
        Self { grouping, groups: BTreeMap::new() }
    }

    /// Counts a verdict.
    pub fn add(&mut self, record: &DecisionRecord) {
        let named = |id: &str, digest: &str| format!("{id} {}", digest.get(..12).unwrap_or(digest));
        let nothing = || "-".to_owned();
        let one = match self.grouping {
            Grouping::All => "all".to_owned(),
            Grouping::Slice => record.slice.clone().unwrap_or_else(nothing),
            Grouping::Role => record.role.to_string(),
            Grouping::Policy => {
                named(&format!("{} {}", record.policy.id, record.policy.version), &record.policy.digest)
            }
            Grouping::Model => {
                record.model.as_ref().map_or_else(nothing, |model| named(&model.id, &model.digest))
            }
            Grouping::Day => record.time.get(..10).unwrap_or(&record.time).to_owned(),
            Grouping::Rule => {
                let rules: BTreeSet<&str> = record.findings.iter().map(|found| found.rule.as_str()).collect();
                for rule in &rules {
                    self.groups.entry((*rule).to_owned()).or_default().add(record);
                }
                if !rules.is_empty() {
                    return;
                }
                nothing()
            }
        };
        self.groups.entry(one).or_default().add(record);
    }

    /// Each group's numbers, in the order of their names.
    #[must_use]
    pub fn summaries(self) -> Vec<Summary> {
        self.groups.into_iter().map(|(name, group)| group.summary(name)).collect()
    }
}

impl Group {
    fn add(&mut self, record: &DecisionRecord) {
        match record.decision {
            Decision::Allow => self.allow += 1,
            Decision::Rewrite => self.rewrite += 1,
            Decision::Escalate => self.escalate += 1,
            Decision::Veto => self.veto += 1,
        }
        self.faults += u64::from(record.fault.is_some());
        self.covered += u64::from(record.coverage == Coverage::Full);
        self.times.push(record.timing_us.total);
    }

    fn summary(mut self, group: String) -> Summary {
        self.times.sort_unstable();
        let verdicts = self.times.len() as u64;
        let share = |count: u64| count as f64 / (verdicts.max(1)) as f64;
        Summary {
            group,
            verdicts,
            allow: self.allow,
            rewrite: self.rewrite,
            escalate: self.escalate,
            veto: self.veto,
            held_rate: share(self.escalate + self.veto),
            veto_rate: share(self.veto),
            faults: self.faults,
            full_coverage: share(self.covered),
            p50_us: quantile(&self.times, 50),
            p99_us: quantile(&self.times, 99),
        }
    }
}

/// The smallest of the sorted values that so many of a hundred are at most.
fn quantile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}
