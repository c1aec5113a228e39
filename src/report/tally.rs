//! Counts of decisions, and rates with their exact intervals.

use portcullis_calibration::binomial;
use serde::Serialize;

use crate::verdict::Decision;

/// Decisions by what was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All of them.
    pub n: u64,
    /// Released as they were.
    pub allow: u64,
    /// Released with edits.
    pub rewrite: u64,
    /// Held for a person.
    pub escalate: u64,
    /// Not released.
    pub veto: u64,
}

impl Tally {
    /// Counts one more.
    pub(super) fn add(&mut self, decision: Decision) {
        self.n += 1;
        *match decision {
            Decision::Allow => &mut self.allow,
            Decision::Rewrite => &mut self.rewrite,
            Decision::Escalate => &mut self.escalate,
            Decision::Veto => &mut self.veto,
        } += 1;
    }

    /// Counts those of `other` too.
    pub(super) fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.allow += other.allow;
        self.rewrite += other.rewrite;
        self.escalate += other.escalate;
        self.veto += other.veto;
    }

    /// Decisions that let the text go, edited or not.
    #[must_use]
    pub const fn released(&self) -> u64 {
        self.allow + self.rewrite
    }

    /// Decisions that kept the text back.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.escalate + self.veto
    }
}

/// A share of decisions with the exact two-sided 95% interval of Clopper and Pearson (1934).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// How many were counted.
    pub events: u64,
    /// Of how many.
    pub n: u64,
    /// The share, in `0..=1`; none when `n` is 0.
    pub value: Option<f64>,
    /// The lower end of the interval.
    pub low: Option<f64>,
    /// The upper end of the interval.
    pub high: Option<f64>,
}

impl Rate {
    /// `events` of `n`.
    #[must_use]
    pub fn new(events: u64, n: u64) -> Self {
        let value = (n > 0).then(|| events as f64 / n as f64);
        let (low, high) = binomial::interval(events, n, 0.95).ok().unzip();
        Self { events, n, value, low, high }
    }
}
