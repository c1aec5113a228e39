//! One head: its curve, and its thresholds moved as far as the rows bear out.

use super::rows::Rows;
use anyhow::{Result, ensure};
use portcullis_calibration::fit::{self, Observations};
use portcullis_calibration::measure::{self, Bins};
use portcullis_calibration::{Calibration, Curve, Exit, Head, Ranking, Reference, Threshold, threshold};

/// Labelled rows of either class from which a curve is fitted anew.
const ENOUGH: usize = 50;
/// Innocent rows that show how scores are spread.
const SPREAD: usize = 500;
/// How calibration errors are binned.
const BINS: Bins = Bins::EqualMass(15);
/// Where the thresholds' rows came from.
const SLICE: &str = "own traffic";
/// No threshold is lowered below an even chance.
const LEAST_SCORE: f32 = 0.5;

/// A head after the fit.
pub(super) struct Fitted {
    pub(super) head: Head,
    /// Labelled rows.
    pub(super) positives: usize,
    /// Labelled and innocent rows.
    pub(super) negatives: usize,
    /// Whether the curve is new.
    pub(super) refitted: bool,
    /// What became of each threshold.
    pub(super) changes: Vec<Change>,
}

/// What became of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The rows reach it too often.
    Raised,
    /// The rows show that less is enough.
    Lowered,
    /// As in the bundle.
    Kept,
}

/// Fits the head number `column`.
///
/// # Errors
/// When a logit is not finite, or a threshold cannot be chosen.
pub(super) fn fit(old: &Head, rows: &Rows, column: usize) -> Result<Fitted> {
    let (mut logits, mut labels) = (Vec::new(), Vec::new());
    for (row, all) in rows.labels.iter().zip(&rows.logits) {
        if let (Some(label), Some(&logit)) = (row.of(column), all.get(column)) {
            ensure!(logit.is_finite(), "a row has the logit {logit}, expected a finite number");
            logits.push(logit);
            labels.push(label);
        }
    }
    let positives = labels.iter().filter(|label| **label >= 0.5).count();
    let negatives = labels.len() - positives;

    let curve = if positives >= ENOUGH && negatives >= ENOUGH { refit(&logits, &labels) } else { None };
    let mut head = old.clone();
    if let Some(curve) = curve {
        let scores: Vec<f32> = logits.iter().map(|logit| curve.apply(*logit)).collect();
        let truth: Vec<bool> = labels.iter().map(|label| *label >= 0.5).collect();
        let ranking = Ranking::new(&scores, &truth)?;
        head = Head {
            curve,
            positives: ranking.positives(),
            negatives: ranking.negatives(),
            ece: measure::reliability(&ranking, BINS)?.ece,
            brier: measure::brier(&ranking)?,
            ..head
        };
    }
    let innocent: Vec<f32> = logits
        .iter()
        .zip(&labels)
        .filter(|(_, label)| **label < 0.5)
        .map(|(logit, _)| head.curve.apply(*logit))
        .collect();
    let mut changes = Vec::with_capacity(old.thresholds.len());
    for place in &mut head.thresholds {
        // The same logit on the new curve.
        place.threshold = head.curve.apply(old.curve.invert(place.threshold)).min(1.0);
        let (threshold, change) = moved(place, &innocent)?;
        *place = threshold;
        changes.push(change);
    }
    Ok(Fitted { head, positives, negatives, refitted: curve.is_some(), changes })
}

/// The exits of `old` with every score where the new curves have it: the logits that they stand for are the same.
pub(super) fn exits(old: &Calibration, fitted: &[Fitted]) -> Vec<Exit> {
    let mut exits = old.exits().to_vec();
    for head in exits.iter_mut().flat_map(|exit| &mut exit.heads) {
        let curves = old.head(&head.name).ok().map(|old| old.curve);
        let new = fitted.iter().find(|fitted| fitted.head.name == head.name).map(|fitted| fitted.head.curve);
        let Some((old, new)) = curves.zip(new).filter(|(old, new)| old != new) else { continue };
        let carried = |score: f32| new.apply(old.invert(score)).min(1.0);
        for threshold in &mut head.thresholds {
            threshold.threshold = carried(threshold.threshold);
        }
        for gate in &mut head.gates {
            (gate.from, gate.below) = (carried(gate.from), carried(gate.below));
        }
        // Of gates that rounding has made one, the stricter.
        head.gates.dedup_by(|next, gate| next.from <= gate.from);
    }
    exits
}

/// How the scores are spread over the innocent rows; as in `old`, on the new curves, where these are few.
pub(super) fn references(old: &Calibration, rows: &Rows, fitted: &[Fitted]) -> Vec<Reference> {
    let mut references = Vec::new();
    for (column, fitted) in fitted.iter().enumerate() {
        let name = &fitted.head.name;
        let pairs = rows.labels.iter().zip(&rows.logits);
        let innocent = pairs.filter(|(labels, _)| labels.of(column).is_some_and(|label| label < 0.5));
        let scores: Vec<f32> = innocent
            .filter_map(|(_, logits)| logits.get(column))
            .map(|logit| fitted.head.curve.apply(*logit))
            .collect();
        let before = old.references().iter().find(|reference| reference.signal() == name);
        let new = Reference::of_sample(name, &scores).filter(|_| scores.len() >= SPREAD);
        let kept = || {
            let curve = old.head(name).ok()?.curve;
            let carried = |edge: &f32| fitted.head.curve.apply(curve.invert(*edge)).min(1.0);
            let before = before?;
            let mut edges: Vec<f32> = before.edges().to_vec();
            if curve != fitted.head.curve {
                edges = edges.iter().map(carried).collect();
            }
            // Rounding may have made two edges one; then nothing is known of this head.
            Reference::new(name, edges, before.counts().to_vec()).ok()
        };
        references.extend(new.or_else(kept));
    }
    // Signals that are no scores do not change with the curves.
    let others = old.references().iter().filter(|reference| old.head(reference.signal()).is_err());
    references.extend(others.cloned());
    references
}

/// `None` when the rows allow no curve that rises.
fn refit(logits: &[f32], labels: &[f32]) -> Option<Curve> {
    let observations = Observations::new(logits, labels, None).ok()?;
    fit::platt(&observations).ok().map(|fitted| fitted.curve)
}

/// The threshold as the innocent rows move it.
fn moved(shipped: &Threshold, innocent: &[f32]) -> Result<(Threshold, Change)> {
    if innocent.is_empty() {
        return Ok((shipped.clone(), Change::Kept));
    }
    let wanted = threshold::at_fpr(innocent, shipped.target_fpr, SLICE)?;
    if wanted.threshold > shipped.threshold {
        return Ok((wanted, Change::Raised));
    }
    let Some(sure) = threshold::within_fpr(innocent, shipped.target_fpr, SLICE)? else {
        return Ok((shipped.clone(), Change::Kept));
    };
    if sure.threshold >= shipped.threshold || shipped.threshold <= LEAST_SCORE {
        return Ok((shipped.clone(), Change::Kept));
    }
    Ok((threshold::at_least(sure, LEAST_SCORE, innocent), Change::Lowered))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(threshold: f32) -> Threshold {
        Threshold {
            target_fpr: 0.01,
            threshold,
            negatives: 10,
            false_positives: 0,
            fpr_upper_95: 0.3,
            slice: "benign mix".into(),
        }
    }

    /// Scores 0 to 0.999.
    fn rows() -> Vec<f32> {
        (0..1000u16).map(|row| f32::from(row) / 1000.0).collect()
    }

    #[test]
    fn a_threshold_that_flags_too_much_is_raised() {
        let (threshold, change) = moved(&shipped(0.6), &rows()).unwrap();
        assert_eq!(
            (change, threshold.false_positives, threshold.slice.as_str()),
            (Change::Raised, 10, SLICE)
        );
    }

    #[test]
    fn it_is_lowered_only_as_far_as_rows_show() {
        let (threshold, change) = moved(&shipped(0.9995), &rows()).unwrap();
        assert_eq!(change, Change::Lowered);
        // Of 1,000 rows four alarms show less than one percent at 95% confidence, five do not.
        assert_eq!(threshold.false_positives, 4);
        assert!(threshold.fpr_upper_95 <= 0.01);
        // A hundred rows show nothing about one percent.
        let few: Vec<f32> = rows().into_iter().step_by(10).collect();
        assert_eq!(moved(&shipped(0.9995), &few).unwrap(), (shipped(0.9995), Change::Kept));
        assert_eq!(moved(&shipped(0.9995), &[]).unwrap(), (shipped(0.9995), Change::Kept));
    }

    #[test]
    fn exits_keep_their_logits_on_a_new_curve() {
        use portcullis_calibration::{ExitHead, ExitThreshold, Gate};
        let head = |curve| Head {
            name: "hate".into(),
            experimental: false,
            curve,
            positives: 1,
            negatives: 1,
            ece: 0.0,
            brier: 0.0,
            thresholds: Vec::new(),
        };
        let exit = ExitHead {
            name: "hate".into(),
            slope: 1.0,
            intercept: 0.0,
            ece: 0.0,
            negatives: 10,
            slice: "benign mix".into(),
            thresholds: vec![ExitThreshold { target_fpr: 0.01, threshold: 0.75, false_positives: 0 }],
            gates: vec![Gate { from: 0.5, below: 0.25, flagged: 4, lost: 0 }],
        };
        let exit = Exit { stage: "words".into(), weights_digest: None, heads: vec![exit] };
        let (from, to) = (Curve::platt(1.0, 0.0).unwrap(), Curve::platt(2.0, 1.0).unwrap());
        let old = Calibration::new(&"1f".repeat(32), &"2e".repeat(32), "a test", vec![head(from)]).unwrap();
        let old = old.with_exits(vec![exit]).unwrap();
        let fitted =
            Fitted { head: head(to), positives: 1, negatives: 1, refitted: true, changes: Vec::new() };
        let exits = exits(&old, &[fitted]);
        let head = &exits[0].heads[0];
        for (new, old) in
            [(head.thresholds[0].threshold, 0.75), (head.gates[0].from, 0.5), (head.gates[0].below, 0.25)]
        {
            assert!((to.invert(new) - from.invert(old)).abs() < 1e-5);
        }
    }

    #[test]
    fn nothing_is_lowered_below_an_even_chance() {
        let innocent = vec![0.01; 1000];
        let (threshold, change) = moved(&shipped(0.8), &innocent).unwrap();
        assert_eq!(
            (threshold.threshold, threshold.false_positives, change),
            (LEAST_SCORE, 0, Change::Lowered)
        );
    }
}
