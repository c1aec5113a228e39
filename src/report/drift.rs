//! How the scores of each head moved within the period: the later half held against the earlier.

use std::collections::BTreeMap;

use portcullis_calibration::psi;
use serde::Serialize;

use super::names::Named;
use crate::monitor;

/// The edges of the cells of scores: closer together near 0 and 1, where calibrated scores lie.
const EDGES: [f32; 14] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.99, 0.999];
const CELLS: usize = EDGES.len() + 1;

/// How the scores of a head moved from the earlier half of the period's decisions to the later.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoreDrift {
    /// The head.
    pub head: String,
    /// Scores in the earlier half.
    pub earlier_n: u64,
    /// Scores in the later half.
    pub later_n: u64,
    /// The mean score of the earlier half, in `0..=1`.
    pub earlier_mean: f64,
    /// The mean score of the later half, in `0..=1`.
    pub later_mean: f64,
    /// The population stability index over fifteen cells of scores, with half a count added to each cell; from 0, no shift.
    pub psi: f64,
}

/// How the scores and inputs of the last verdicts lie beside their reference, as the monitor knows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MonitorDrift {
    /// Verdicts in the monitor's long window.
    pub verdicts: u64,
    /// The time of the newest one.
    pub latest: String,
    /// Where references come from: `baseline`, `calibration` or `unavailable`.
    pub reference: &'static str,
    /// Each signal beside its reference.
    pub signals: Vec<monitor::Drift>,
}

impl MonitorDrift {
    /// The drift of the monitor's long window.
    #[must_use]
    pub fn of(status: &monitor::Status) -> Option<Self> {
        let long = status.windows.get("long")?;
        Some(Self {
            verdicts: long.verdicts,
            latest: status.latest.clone(),
            reference: status.reference,
            signals: long.drift.clone(),
        })
    }
}

/// The scores of each head in one period.
#[derive(Clone, Debug, Default)]
pub(super) struct Scores(Named<Histogram>);

#[derive(Clone, Debug, Default)]
struct Histogram {
    cells: [u64; CELLS],
    sum: f64,
    n: u64,
}

impl Scores {
    /// Adds the scores of one decision.
    pub(super) fn add(&mut self, scores: &BTreeMap<String, f32>) {
        for (head, &score) in scores.iter().filter(|(_, score)| score.is_finite()) {
            let histogram = self.0.of(head);
            if let Some(cell) = histogram.cells.get_mut(EDGES.partition_point(|edge| *edge <= score)) {
                *cell += 1;
            }
            histogram.sum += f64::from(score);
            histogram.n += 1;
        }
    }

    /// Adds the scores of `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        for (head, histogram) in other.0.iter() {
            self.0.of(head).merge(histogram);
        }
    }
}

impl Histogram {
    fn merge(&mut self, other: &Self) {
        for (cell, n) in self.cells.iter_mut().zip(&other.cells) {
            *cell += n;
        }
        self.sum += other.sum;
        self.n += other.n;
    }
}

/// The drift of every head, from the scores of the periods in order; empty where there is only one period.
pub(super) fn drift<'a>(periods: impl ExactSizeIterator<Item = &'a Scores> + Clone) -> Vec<ScoreDrift> {
    let all: u64 =
        periods.clone().map(|period| period.0.iter().map(|(_, one)| one.n).max().unwrap_or(0)).sum();
    let (mut earlier, mut later, mut before) = (Scores::default(), Scores::default(), 0);
    for period in periods {
        let n = period.0.iter().map(|(_, one)| one.n).max().unwrap_or(0);
        // A period belongs to the half that its middle lies in.
        if 2 * before + n <= all { &mut earlier } else { &mut later }.merge(period);
        before += n;
    }
    let none = Histogram::default();
    let earlier: BTreeMap<&String, &Histogram> = earlier.0.iter().collect();
    later
        .0
        .iter()
        .map(|(head, later)| (head, *earlier.get(head).unwrap_or(&&none), later))
        .filter_map(|(head, earlier, later)| {
            Some(ScoreDrift {
                head: head.clone(),
                earlier_n: earlier.n,
                later_n: later.n,
                earlier_mean: earlier.sum / earlier.n as f64,
                later_mean: later.sum / later.n as f64,
                psi: (psi(&earlier.cells, &later.cells)? * 1e6).round() / 1e6,
            })
        })
        .collect()
}
