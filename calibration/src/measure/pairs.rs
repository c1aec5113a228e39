//! Whether rows that mean the same are judged the same.

use std::collections::BTreeMap;

/// How the pairs of rows that share a name were decided. Of a name with `n` rows, each of the `n (n - 1) / 2` pairs
/// counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Agreement {
    /// The number of pairs.
    pub pairs: u64,
    /// The pairs whose two decisions are the same.
    pub agreeing: u64,
}

impl Agreement {
    /// The share of pairs that agree, in `0..=1`; nothing when there is no pair.
    pub fn share(&self) -> Option<f64> {
        (self.pairs > 0).then(|| self.agreeing as f64 / self.pairs as f64)
    }
}

/// The agreement of decisions over all pairs of rows that share a name; a row is its name and its decision.
pub fn agreement<N: Ord, D: Ord>(rows: impl IntoIterator<Item = (N, D)>) -> Agreement {
    let mut counts: BTreeMap<N, BTreeMap<D, u64>> = BTreeMap::new();
    for (name, decision) in rows {
        *counts.entry(name).or_default().entry(decision).or_default() += 1;
    }
    counts.values().fold(Agreement::default(), |sum, decisions| Agreement {
        pairs: sum.pairs + pairs(decisions.values().sum()),
        agreeing: sum.agreeing + decisions.values().map(|rows| pairs(*rows)).sum::<u64>(),
    })
}

/// The mean absolute difference of scores over all pairs of rows that share a name, with the number of pairs; nothing
/// when there is no pair. A row is its name and its score, a finite number.
pub fn mean_difference<N: Ord>(rows: impl IntoIterator<Item = (N, f32)>) -> Option<(u64, f64)> {
    let mut names: BTreeMap<N, Vec<f64>> = BTreeMap::new();
    for (name, score) in rows {
        names.entry(name).or_default().push(f64::from(score));
    }
    let (mut count, mut sum) = (0, 0.0);
    for scores in names.values_mut() {
        scores.sort_unstable_by(f64::total_cmp);
        count += pairs(scores.len() as u64);
        // Each score is the greater of as many pairs as there are scores before it, and the lesser of the others.
        let last = scores.len() as f64 - 1.0;
        sum += scores.iter().enumerate().map(|(at, score)| (2.0 * at as f64 - last) * score).sum::<f64>();
    }
    (count > 0).then(|| (count, sum / count as f64))
}

/// The pairs among this many rows.
fn pairs(rows: u64) -> u64 {
    rows * rows.saturating_sub(1) / 2
}
