//! What a candidate changes on labelled rows, and whether that is within the budgets.

use crate::cli::eval::rows::Known;
use anyhow::bail;
use portcullis::{Decision, PolicyRef, Shadow, Shadowed};
use serde::Serialize;
use std::collections::BTreeMap;

/// The largest shares allowed; none where a figure may be anything.
pub(super) struct Budgets {
    pub(super) flips: Option<f64>,
    pub(super) fpr: Option<f64>,
    pub(super) slice_gap: Option<f64>,
    /// The fewest benign rows of a slice that counts for the gap.
    pub(super) slice_rows: u64,
}

/// Counts over the rows.
#[derive(Default)]
pub(super) struct Tally {
    rows: u64,
    flips: BTreeMap<(Decision, Decision), u64>,
    slices: BTreeMap<String, Slice>,
}

/// Counts over the benign rows of a slice.
#[derive(Clone, Copy, Default)]
struct Slice {
    benign: u64,
    /// Held by the policy in force.
    before: u64,
    /// Held by the candidate.
    after: u64,
}

/// What was found.
#[derive(Serialize)]
pub(super) struct Gate {
    pub(super) passed: bool,
    pub(super) policy: PolicyRef,
    pub(super) candidate: PolicyRef,
    pub(super) rows: u64,
    pub(super) benign_rows: u64,
    pub(super) measures: Vec<Measure>,
    /// How often the two decided differently.
    pub(super) flips: Vec<Flip>,
    pub(super) slices: Vec<SliceRates>,
}

/// A figure and its budget.
#[derive(Serialize)]
pub(super) struct Measure {
    pub(super) name: &'static str,
    /// For the policy in force, where it has one.
    pub(super) before: Option<f64>,
    /// None where there are no rows to measure it on.
    pub(super) value: Option<f64>,
    pub(super) budget: Option<f64>,
    pub(super) passed: bool,
}

#[derive(Serialize)]
pub(super) struct Flip {
    pub(super) from: Decision,
    pub(super) to: Decision,
    pub(super) rows: u64,
}

/// The share of benign rows held in a slice.
#[derive(Serialize)]
pub(super) struct SliceRates {
    pub(super) slice: String,
    pub(super) benign_rows: u64,
    pub(super) before: f64,
    pub(super) after: f64,
    /// Whether it has rows enough for the gap.
    pub(super) counts: bool,
}

impl Tally {
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row.
    pub(super) fn add(&mut self, known: &Known, shadowed: &Shadowed) {
        self.rows += 1;
        let (from, to) = (shadowed.verdict.decision, shadowed.candidate.decision);
        if from != to {
            *self.flips.entry((from, to)).or_default() += 1;
        }
        let benign = !known.labels.is_empty() && known.labels.values().all(|label| *label == 0.0);
        if benign {
            let slice = self.slices.entry(known.slice.clone()).or_default();
            slice.benign += 1;
            slice.before += u64::from(!from.releases());
            slice.after += u64::from(!to.releases());
        }
    }

    /// The figures against their budgets.
    ///
    /// # Errors
    /// When a figure has a budget and there are no rows to measure it on.
    pub(super) fn gate(&self, shadow: &Shadow, budgets: &Budgets) -> anyhow::Result<Gate> {
        let all = self.slices.values().fold(Slice::default(), |all, slice| Slice {
            benign: all.benign + slice.benign,
            before: all.before + slice.before,
            after: all.after + slice.after,
        });
        let flips: u64 = self.flips.values().sum();
        let slices: Vec<SliceRates> = self
            .slices
            .iter()
            .map(|(name, slice)| SliceRates {
                slice: name.clone(),
                benign_rows: slice.benign,
                before: share(slice.before, slice.benign).unwrap_or_default(),
                after: share(slice.after, slice.benign).unwrap_or_default(),
                counts: slice.benign >= budgets.slice_rows,
            })
            .collect();
        let gap = |rate: fn(&SliceRates) -> f64| gap(slices.iter().filter(|slice| slice.counts).map(rate));
        let measures = vec![
            Measure::new("flips", None, share(flips, self.rows), budgets.flips)?,
            Measure::new("fpr", share(all.before, all.benign), share(all.after, all.benign), budgets.fpr)?,
            Measure::new(
                "slice gap",
                gap(|slice| slice.before),
                gap(|slice| slice.after),
                budgets.slice_gap,
            )?,
        ];
        Ok(Gate {
            passed: measures.iter().all(|measure| measure.passed),
            policy: shadow.guard().policy().policy().reference(),
            candidate: shadow.candidate().policy().policy().reference(),
            rows: self.rows,
            benign_rows: all.benign,
            measures,
            flips: self
                .flips
                .iter()
                .map(|((from, to), rows)| Flip { from: *from, to: *to, rows: *rows })
                .collect(),
            slices,
        })
    }
}

impl Measure {
    fn new(
        name: &'static str,
        before: Option<f64>,
        value: Option<f64>,
        budget: Option<f64>,
    ) -> anyhow::Result<Self> {
        let passed = match (value, budget) {
            (Some(value), Some(budget)) => value <= budget,
            (None, Some(_)) => bail!("{name} has a budget, and no rows to measure it on: {}", missing(name)),
            (_, None) => true,
        };
        Ok(Self { name, before, value, budget, passed })
    }
}

fn missing(name: &str) -> &'static str {
    match name {
        "slice gap" => "expected two slices with benign rows enough (--min-slice-rows)",
        _ => "expected rows whose labels are all 0",
    }
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// The largest difference between two of the rates; nothing for fewer than two.
fn gap(rates: impl Iterator<Item = f64>) -> Option<f64> {
    let rates: Vec<f64> = rates.collect();
    let (least, most) = (rates.iter().copied().reduce(f64::min)?, rates.iter().copied().reduce(f64::max)?);
    (rates.len() > 1).then_some(most - least)
}
