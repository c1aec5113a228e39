//! The figures of each data slice, and how far apart the slices are.

use serde::Serialize;

use super::names::Named;
use super::{Rate, Tally};
use crate::verdict::Decision;

/// The name of what came without a slice.
const NO_SLICE: &str = "(none)";
/// Fewest decisions or labels of a slice that is compared with others.
pub(super) const LEAST: u64 = 30;

/// The data slices of a log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slices {
    /// The figures of each, in the order of the names.
    pub slices: Vec<SliceLine>,
    /// For each rate, the two slices that are furthest apart; only slices with at least 30 counts are compared.
    pub gaps: Vec<Gap>,
}

/// The figures of one slice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SliceLine {
    /// The slice; `(none)` for requests that named none.
    pub slice: String,
    /// Its decisions.
    pub decisions: Tally,
    /// Vetoes among them.
    pub veto_rate: Rate,
    /// Vetoes and escalations among them.
    pub held_rate: Rate,
    /// Rewrites among them.
    pub rewrite_rate: Rate,
    /// Held texts among those labelled benign: the false positive rate.
    pub false_positive_rate: Rate,
    /// Held texts among those labelled harmful: the recall.
    pub recall: Rate,
    /// Cases that people approved among those that they decided.
    pub overturned: Rate,
}

/// How far apart two slices are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// The rate: the name of a key of [`SliceLine`].
    pub measure: &'static str,
    /// The slice with the lowest rate.
    pub low_slice: String,
    /// Its rate.
    pub low: Rate,
    /// The slice with the highest rate.
    pub high_slice: String,
    /// Its rate.
    pub high: Rate,
    /// The difference, in `0..=1`.
    pub gap: f64,
    /// Whether the two intervals do not touch: the difference is then hardly chance.
    pub apart: bool,
}

#[derive(Clone, Debug, Default)]
struct Sums {
    tally: Tally,
    benign: u64,
    benign_held: u64,
    harmful: u64,
    harmful_held: u64,
    reviewed: u64,
    approved: u64,
}

/// Decisions and labels by slice.
#[derive(Clone, Debug, Default)]
pub(super) struct BySlice(Named<Sums>);

impl BySlice {
    /// Adds a decision.
    pub(super) fn add(&mut self, slice: Option<&str>, decision: Decision) {
        self.0.of(slice.unwrap_or(NO_SLICE)).tally.add(decision);
    }

    /// Adds what is true of a decision's text.
    pub(super) fn label(&mut self, slice: Option<&str>, decision: Decision, harmful: bool) {
        let sums = self.0.of(slice.unwrap_or(NO_SLICE));
        let held = u64::from(!decision.releases());
        if harmful {
            sums.harmful += 1;
            sums.harmful_held += held;
        } else {
            sums.benign += 1;
            sums.benign_held += held;
        }
    }

    /// Adds a case that a person decided.
    pub(super) fn review(&mut self, slice: Option<&str>, approved: bool) {
        let sums = self.0.of(slice.unwrap_or(NO_SLICE));
        sums.reviewed += 1;
        sums.approved += u64::from(approved);
    }

    /// The figures.
    pub(super) fn lines(&self) -> Slices {
        let slices: Vec<SliceLine> = self.0.iter().map(|(slice, sums)| line(slice, sums)).collect();
        let gap = |measure, of: fn(&SliceLine) -> Rate| gap(&slices, measure, of);
        let gaps = [
            gap("held_rate", |line| line.held_rate),
            gap("rewrite_rate", |line| line.rewrite_rate),
            gap("false_positive_rate", |line| line.false_positive_rate),
            gap("recall", |line| line.recall),
            gap("overturned", |line| line.overturned),
        ];
        Slices { gaps: gaps.into_iter().flatten().collect(), slices }
    }
}

fn line(slice: &str, sums: &Sums) -> SliceLine {
    let tally = sums.tally;
    SliceLine {
        slice: slice.to_owned(),
        decisions: tally,
        veto_rate: Rate::new(tally.veto, tally.n),
        held_rate: Rate::new(tally.held(), tally.n),
        rewrite_rate: Rate::new(tally.rewrite, tally.n),
        false_positive_rate: Rate::new(sums.benign_held, sums.benign),
        recall: Rate::new(sums.harmful_held, sums.harmful),
        overturned: Rate::new(sums.approved, sums.reviewed),
    }
}

fn gap(slices: &[SliceLine], measure: &'static str, of: fn(&SliceLine) -> Rate) -> Option<Gap> {
    let compared = slices
        .iter()
        .map(|line| (line, of(line)))
        .filter(|(line, rate)| rate.n >= LEAST && line.slice != super::names::OTHER);
    let compared: Vec<(&SliceLine, Rate)> = compared.collect();
    let value = |rate: &Rate| rate.value.unwrap_or_default();
    let by_rate = |(_, a): &&(&SliceLine, Rate), (_, b): &&(&SliceLine, Rate)| value(a).total_cmp(&value(b));
    let (low_line, low) = *compared.iter().min_by(by_rate)?;
    let (high_line, high) = *compared.iter().max_by(by_rate)?;
    (low_line.slice != high_line.slice).then(|| Gap {
        measure,
        low_slice: low_line.slice.clone(),
        low,
        high_slice: high_line.slice.clone(),
        high,
        gap: value(&high) - value(&low),
        apart: low.high < high.low,
    })
}
