//! Whether rows that say the same in other words are judged the same.

use crate::cli::eval::judge::Judged;
use portcullis_calibration::measure::{agreement, mean_difference};
use serde::Serialize;
use std::collections::BTreeMap;

/// The rows that share a `pair`.
#[derive(Serialize)]
pub(crate) struct Pairs {
    /// Rows that name a pair.
    pub(crate) rows: usize,
    /// Rows whose name no other row has; they are compared with nothing.
    pub(crate) alone: usize,
    /// Pairs of rows: of a name with `n` rows, `n (n - 1) / 2`.
    pub(crate) pairs: u64,
    /// Pairs decided the same.
    pub(crate) agreeing: u64,
    /// Their share.
    pub(crate) agreement: Option<f64>,
    /// In the model's order.
    pub(crate) heads: Vec<HeadDifference>,
}

/// How far apart one head's scores of a pair are.
#[derive(Serialize)]
pub(crate) struct HeadDifference {
    pub(crate) head: String,
    /// Pairs with two scores.
    pub(crate) pairs: u64,
    /// The mean absolute difference.
    pub(crate) mean_difference: f64,
}

impl Pairs {
    /// The figures, where a row names a pair.
    pub(super) fn new(heads: &[String], judged: &[Judged]) -> Option<Self> {
        let named: Vec<(&str, &Judged)> =
            judged.iter().filter_map(|row| Some((row.pair.as_deref()?, row))).collect();
        if named.is_empty() {
            return None;
        }
        let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, _) in &named {
            *rows.entry(name).or_default() += 1;
        }
        let decided = agreement(named.iter().map(|(name, row)| (name, row.decision)));
        let difference = |(at, head): (usize, &String)| {
            let scores = named.iter().filter_map(|(name, row)| Some((name, row.heads.get(at)?.1?)));
            let (pairs, mean_difference) = mean_difference(scores)?;
            Some(HeadDifference { head: head.clone(), pairs, mean_difference })
        };
        Some(Self {
            rows: named.len(),
            alone: rows.values().filter(|rows| **rows == 1).count(),
            pairs: decided.pairs,
            agreeing: decided.agreeing,
            agreement: decided.share(),
            heads: heads.iter().enumerate().filter_map(difference).collect(),
        })
    }
}
