//! One head: its curve, how well it ranks and means what it says, and a threshold for every rate of the grid.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use portcullis::bundle::Head;
use portcullis_calibration::fit::{self, Observations};
use portcullis_calibration::measure::{self, Bins};
use portcullis_calibration::{Curve, Head as Calibrated, LengthCorrection, Ranking, Threshold, threshold};

use super::rows::{Mix, Rows};
use crate::grid::TARGET_FPRS;

/// How calibration errors are binned.
pub(super) const BINS: Bins = Bins::EqualMass(15);
/// Where the thresholds' rows came from.
pub(super) const SLICE: &str = "benign mix";

/// The rows of one head.
#[derive(Default)]
pub(super) struct Columns {
    /// Logits of the rows whose label is known, as the model gives them.
    uncorrected: Vec<f32>,
    /// The same, corrected by length.
    logits: Vec<f32>,
    /// Their labels, in `0..=1`.
    labels: Vec<f32>,
    /// Whether each is outside the benign mix.
    in_source: Vec<bool>,
    /// Corrected logits of the whole benign mix.
    mix: Vec<f32>,
}

/// What no threshold of a head may go below.
#[derive(Clone, Copy)]
pub(super) struct Floor {
    /// Share of the head's own negatives, outside the mix, that a rate below it may flag; a greater rate flags its own.
    pub(super) source_cap: f64,
    /// The least calibrated score.
    pub(super) score: f32,
}

/// A calibrated head and what a budget has to know of it.
pub(super) struct HeadFit {
    pub(super) calibrated: Calibrated,
    pub(super) correction: Option<LengthCorrection>,
    /// The curve of logits as the model gives them, by which those of an exit are compared with them.
    pub(super) uncorrected: Curve,
    /// `None` when the rows have a single class; then the curve is the plain sigmoid.
    pub(super) ranking: Option<Ranking>,
    /// Calibrated scores of the benign mix.
    pub(super) mix: Vec<f32>,
    /// For each rate of the grid, the rows of the mix that are flagged when the threshold comes from the other kinds.
    pub(super) unseen: Vec<Vec<usize>>,
    /// Calibrated scores of the positive rows.
    pub(super) positives: Vec<f32>,
    /// Calibrated scores of the negative rows outside the mix.
    pub(super) own_negatives: Vec<f32>,
}

impl Columns {
    /// The rows of the head `name` and their lengths; its logits, as the model gives them, are number `column` of every row's.
    pub(super) fn new(
        (rows, lengths, mix): (&Rows, &[usize], &Mix),
        logits: &[Vec<f32>],
        column: usize,
        name: &str,
        correction: Option<&LengthCorrection>,
    ) -> Result<Self> {
        let mut columns = Self::default();
        let marked = rows.rows.iter().zip(mix.marks());
        for (((row, in_mix), length), logits) in marked.zip(lengths).zip(logits) {
            let uncorrected = *logits
                .get(column)
                .with_context(|| format!("a row of {} has no logit for {name}", row.source))?;
            let logit = uncorrected + added(correction, *length);
            if in_mix {
                columns.mix.push(logit);
            }
            if let Some(&label) = row.labels.get(name) {
                columns.uncorrected.push(uncorrected);
                columns.logits.push(logit);
                columns.labels.push(label);
                columns.in_source.push(!in_mix);
            }
        }
        Ok(columns)
    }
}

/// What a correction, if any, adds to the logits of a text of this length.
pub(super) fn added(correction: Option<&LengthCorrection>, length: usize) -> f32 {
    correction.map_or(0.0, |correction| correction.at(length))
}

/// Fits and measures a head whose logits are corrected by `correction`. No threshold is below `floor`; `kinds` has the kind of
/// each row of the mix.
pub(super) fn fit(
    head: &Head,
    columns: &Columns,
    correction: Option<LengthCorrection>,
    kinds: &[String],
    floor: Floor,
) -> Result<HeadFit> {
    let name = &head.name;
    let fitted = |logits: &[f32]| -> Result<Curve> {
        match Observations::new(logits, &columns.labels, None).and_then(|rows| fit::platt(&rows)) {
            Ok(fitted) => Ok(fitted.curve),
            Err(error) => {
                eprintln!("{name}: kept at the plain sigmoid, {error}");
                Ok(Curve::temperature(1.0)?)
            }
        }
    };
    let (curve, uncorrected) = (fitted(&columns.logits)?, fitted(&columns.uncorrected)?);
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

    let lowest = floor.by_target(&own_negatives)?;
    let choose = |mix: &[f32]| thresholds(mix, &lowest);
    let context = || format!("cannot choose thresholds for {name}");
    let thresholds = choose(&mix).with_context(context)?;
    let unseen = unseen(&mix, kinds, choose).with_context(context)?;
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
    Ok(HeadFit { calibrated, correction, uncorrected, ranking, mix, unseen, positives, own_negatives })
}

impl Floor {
    /// For each rate of the grid, the lowest threshold that it and the head's own negatives allow.
    pub(super) fn by_target(self, own_negatives: &[f32]) -> Result<Vec<f32>> {
        let lowest = |&target: &f64| {
            if own_negatives.is_empty() {
                return Ok(self.score);
            }
            let among = threshold::at_fpr(own_negatives, target.max(self.source_cap), SLICE)?;
            Ok(among.threshold.max(self.score))
        };
        TARGET_FPRS.iter().map(lowest).collect()
    }
}

/// One threshold for each rate of the grid, from the scores `mix`, none below its own of `lowest`.
pub(super) fn thresholds(mix: &[f32], lowest: &[f32]) -> Result<Vec<Threshold>> {
    let at = |(&target, &lowest): (&f64, &f32)| {
        Ok(threshold::at_least(threshold::at_fpr(mix, target, SLICE)?, lowest, mix))
    };
    TARGET_FPRS.iter().zip(lowest).map(at).collect()
}

/// For each rate of the grid, the rows at or above the threshold that `choose` finds among the rows of other kinds.
fn unseen(
    mix: &[f32],
    kinds: &[String],
    choose: impl Fn(&[f32]) -> Result<Vec<Threshold>>,
) -> Result<Vec<Vec<usize>>> {
    let mut flagged = vec![Vec::new(); TARGET_FPRS.len()];
    for kind in kinds.iter().collect::<BTreeSet<_>>() {
        let rows = || mix.iter().zip(kinds).enumerate();
        let others: Vec<f32> =
            rows().filter(|(_, (_, other))| *other != kind).map(|(_, (&score, _))| score).collect();
        ensure!(!others.is_empty(), "the benign mix has only the kind {kind:?}, expected two or more");
        for (flagged, chosen) in flagged.iter_mut().zip(choose(&others)?) {
            let caught = rows().filter(|(_, (score, own))| *own == kind && **score >= chosen.threshold);
            flagged.extend(caught.map(|(row, _)| row));
        }
    }
    Ok(flagged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_judged_by_the_thresholds_of_the_others() {
        // Scores of chat are 0 to 0.999; every text of code scores higher than 996 of them.
        let mix: Vec<f32> = (0..1000u16).map(|row| f32::from(row) / 1000.0).chain([0.9955; 100]).collect();
        let kinds: Vec<String> =
            (0..mix.len()).map(|row| if row < 1000 { "chat" } else { "code" }.to_owned()).collect();
        let flagged = unseen(&mix, &kinds, |scores| thresholds(scores, &[0.0; TARGET_FPRS.len()])).unwrap();
        let of = |target: f64, code: bool| {
            let step = TARGET_FPRS.iter().position(|&other| other == target).unwrap();
            flagged[step].iter().filter(|&&row| (row >= 1000) == code).count()
        };
        assert_eq!((of(0.003, true), of(0.004, true)), (0, 100));
        // Four texts of chat are above all of code.
        assert_eq!((of(0.0002, false), of(0.05, false)), (4, 4));

        let raised = unseen(&mix, &kinds, |scores| thresholds(scores, &[0.998; TARGET_FPRS.len()])).unwrap();
        assert_eq!(raised[TARGET_FPRS.len() - 1], [998, 999]);
        assert!(
            unseen(&mix[..1000], &kinds[..1000], |scores| thresholds(scores, &[0.0; TARGET_FPRS.len()]))
                .is_err()
        );
    }
}
