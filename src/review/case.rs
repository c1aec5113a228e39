//! A case and what is decided of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::record::DecisionRecord;

/// A held text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// Its record.
    pub record: DecisionRecord,
    /// What has become of it.
    pub status: Status,
    /// What was decided, the oldest first; the last counts.
    pub rulings: Vec<Ruling>,
}

impl Case {
    /// The decision that counts.
    #[must_use]
    pub fn ruling(&self) -> Option<&Ruling> {
        self.rulings.last()
    }
}

/// What has become of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nobody has decided.
    Pending,
    /// The text may be released.
    Approved,
    /// The text stays held.
    Rejected,
}

/// A word that is no status.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("unknown status: expected pending, approved or rejected")]
pub struct UnknownStatus;

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Approved, Self::Rejected];

    /// The word used in JSON, flags and the queue's file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == word).ok_or(UnknownStatus)
    }
}

impl From<Outcome> for Status {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Approve => Self::Approved,
            Outcome::Reject => Self::Rejected,
        }
    }
}

/// What a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// That the text may be released.
    Approve,
    /// That it was rightly held.
    Reject,
}

impl Outcome {
    /// The word used in JSON, on the command line and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Approve, Self::Reject].into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ruling {
    /// What.
    pub outcome: Outcome,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What the text is, by head: 1 for what the head is meant to find, 0 for what it is not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, f32>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When, in UTC: RFC 3339 with microseconds.
    pub time: String,
}

/// Which cases are meant; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this status.
    pub status: Option<Status>,
    /// With a finding of this rule.
    pub rule: Option<String>,
    /// In this data slice.
    pub slice: Option<String>,
    /// No more than this many.
    pub limit: Option<usize>,
}

/// How many cases there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// In all.
    pub all: RuleStats,
    /// With a finding of each rule.
    pub rules: BTreeMap<String, RuleStats>,
    /// Decisions of each person, those that were overruled too.
    pub reviewers: BTreeMap<String, RuleStats>,
    /// When the case came that has waited longest, RFC 3339.
    pub oldest_pending: Option<String>,
}

/// Cases by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleStats {
    /// Waiting.
    pub pending: u64,
    /// Released.
    pub approved: u64,
    /// Held.
    pub rejected: u64,
}

impl RuleStats {
    pub(super) fn add(&mut self, status: &str, count: u64) {
        match status.parse() {
            Ok(Status::Pending) => self.pending += count,
            Ok(Status::Approved) => self.approved += count,
            Ok(Status::Rejected) => self.rejected += count,
            Err(UnknownStatus) => {}
        }
    }

    /// The share of decided cases that were released, in `0..=1`: how often the guard held what it need not have.
    #[must_use]
    pub fn released(&self) -> Option<f64> {
        let decided = self.approved + self.rejected;
        (decided > 0).then(|| self.approved as f64 / decided as f64)
    }
}
