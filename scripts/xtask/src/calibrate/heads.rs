//! One head: its curve, how well it ranks and means what it says, and a threshold for every rate of the grid.

use anyhow::{Context, Result};
use portcullis::bundle::Head;
use portcullis_calibration::fit::{self, Observations};
use portcullis_calibration::measure::{self, Bins};
use portcullis_calibration::{Curve, Head as Calibrated, Ranking, Threshold, binomial, threshold};

use super::rows::{Mix, Rows};
use crate::grid::TARGET_FPRS;

/// How calibration errors are binned.
pub(super) const BINS: Bins = Bins::EqualMass(15);
/// Where the thresholds' rows came from.
const SLICE: &str = "benign mix";

/// The rows of one head.
pub(super) struct Columns {
    /// Logits of the rows whose label is known.
    logits: Vec<f32>,
    /// Their labels, in `0..=1`.
    labels: Vec<f32>,
    /// Whether each is outside the benign mix.
    in_source: Vec<bool>,
    /// Logits of the whole benign mix.
    mix: Vec<f32>,
}

/// A calibrated head and what a budget has to know of it.
pub(super) struct HeadFit {
    pub(super) calibrated: Calibrated,
    /// `None` when the rows have a single class; then the curve is the plain sigmoid.
    pub(super) ranking: Option<Ranking>,
    /// Calibrated scores of the benign mix.
    pub(super) mix: Vec<f32>,
    /// Calibrated scores of the positive rows.
    pub(super) positives: Vec<f32>,
    /// Calibrated scores of the negative rows outside the mix.
    pub(super) own_negatives: Vec<f32>,
}

impl Columns {
    /// The rows of the head `name`, whose logits are number `column` of every row's.
    pub(super) fn new(
        rows: &Rows,
        mix: &Mix,
        logits: &[Vec<f32>],
        column: usize,
        name: &str,
    ) -> Result<Self> {
        let mut columns =
            Self { logits: Vec::new(), labels: Vec::new(), in_source: Vec::new(), mix: Vec::new() };
        let mut benign = mix.rows.iter().copied().peekable();
        for (number, (row, logits)) in rows.rows.iter().zip(logits).enumerate() {
            let logit = *logits
                .get(column)
                .with_context(|| format!("a row of {} has no logit for {name}", row.source))?;
            let in_mix = benign.next_if_eq(&number).is_some();
            if in_mix {
                columns.mix.push(logit);
            }
            if let Some(&label) = row.labels.get(name) {
                columns.logits.push(logit);
                columns.labels.push(label);
                columns.in_source.push(!in_mix);
            }
        }
        Ok(columns)
    }
}

/// Fits and measures a head. No threshold flags more than the share `source_cap` of its own negatives.
pub(super) fn fit(head: &Head, columns: &Columns, source_cap: f64) -> Result<HeadFit> {
    let name = &head.name;
    let fitted = Observations::new(&columns.logits, &columns.labels, None).and_then(|rows| fit::platt(&rows));
    let curve = match fitted {
        Ok(fitted) => fitted.curve,
        Err(error) => {
            eprintln!("{name}: kept at the plain sigmoid, {error}");
            Curve::temperature(1.0)?
        }
    };
    let scores: Vec<f32> = columns.logits.iter().map(|&logit| curve.apply(logit)).collect();
    let positive: Vec<bool> = columns.labels.iter().map(|&label| label >= 0.5).collect();
    let mix: Vec<f32> = columns.mix.iter().map(|&logit| curve.apply(logit)).collect();
    let of = |wanted: fn(bool, bool) -> bool| -> Vec<f32> {
        let rows = scores.iter().zip(&positive).zip(&columns.in_source);
        rows.filter(|((_, positive), in_source)| wanted(**positive, **in_source))
            .map(|((&score, _), _)| score)
            .collect()
    };
    let positives = of(|positive, _| positive);
    let own_negatives = of(|positive, in_source| !positive && in_source);
    let all = Ranking::new(&scores, &positive).with_context(|| format!("cannot rank the rows of {name}"))?;

    let lowest = lowest(&own_negatives, source_cap)?;
    let thresholds = TARGET_FPRS
        .iter()
        .map(|&target| {
            let chosen = threshold::at_fpr(&mix, target, SLICE)?;
            raised(chosen, lowest, &mix)
        })
        .collect::<Result<_>>()
        .with_context(|| format!("cannot choose thresholds for {name}"))?;
    let calibrated = Calibrated {
        name: name.clone(),
        experimental: head.experimental,
        curve,
        positives: all.positives(),
        negatives: all.negatives(),
        ece: measure::reliability(&all, BINS)?.ece,
        brier: measure::brier(&all)?,
        thresholds,
    };
    let ranking = (all.positives() > 0 && all.negatives() > 0).then_some(all);
    Ok(HeadFit { calibrated, ranking, mix, positives, own_negatives })
}

/// The lowest threshold that the head's own negatives allow.
fn lowest(own_negatives: &[f32], source_cap: f64) -> Result<f32> {
    if own_negatives.is_empty() {
        return Ok(0.0);
    }
    Ok(threshold::at_fpr(own_negatives, source_cap, SLICE)?.threshold)
}

/// `chosen` at no less than `lowest`, with its evidence counted again.
fn raised(chosen: Threshold, lowest: f32, mix: &[f32]) -> Result<Threshold> {
    if chosen.threshold >= lowest {
        return Ok(chosen);
    }
    let false_positives = mix.iter().filter(|&&score| score >= lowest).count() as u64;
    let fpr_upper_95 = binomial::upper_bound(false_positives, chosen.negatives, threshold::CONFIDENCE)?;
    Ok(Threshold { threshold: lowest, false_positives, fpr_upper_95, ..chosen })
}
