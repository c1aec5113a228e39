//! All metrics of one head at once, over all rows and by slice.

use std::collections::BTreeMap;

use super::bootstrap::intervals;
use super::{
    Bins, Bootstrap, Interval, MeasureError, auc, average_precision, best_f1, brier, log_loss, recall_at_fpr,
    reliability,
};
use crate::Ranking;

/// The settings of a [`report`].
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ReportOptions {
    /// The false positive rates, in `0..=1`, at which recall is reported.
    pub fprs: Vec<f64>,
    /// The bins of the calibration error.
    pub bins: Bins,
    /// The settings of the intervals.
    pub bootstrap: Bootstrap,
}

impl Default for ReportOptions {
    /// Recall at 1% and 5%, fifteen bins of equal mass, the default [`Bootstrap`].
    fn default() -> Self {
        Self { fprs: vec![0.01, 0.05], bins: Bins::EqualMass(15), bootstrap: Bootstrap::default() }
    }
}

/// The metrics of one head on one set of rows, with intervals.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// The number of positive rows.
    pub positives: u64,
    /// The number of negative rows.
    pub negatives: u64,
    /// The bins of `ece`.
    pub bins: Bins,
    /// The expected calibration error.
    pub ece: Interval,
    /// The Brier score.
    pub brier: Interval,
    /// The mean negative log-likelihood, in nats.
    pub log_loss: Interval,
    /// The area under the ROC curve; like those below, none where the rows have a single class.
    pub auc: Option<Interval>,
    /// The average precision.
    pub average_precision: Option<Interval>,
    /// The best F1 score over all thresholds; each replicate finds its own best.
    pub best_f1: Option<Interval>,
    /// The recall at each false positive rate that was asked for; empty where the rows have a single class.
    pub recall_at_fpr: Vec<RecallAtFpr>,
}

/// The recall at a false positive rate.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct RecallAtFpr {
    /// The greatest false positive rate allowed.
    pub max_fpr: f64,
    /// The recall; each replicate sets its own threshold.
    pub recall: Interval,
}

/// All metrics of `ranking`, whose scores are probabilities.
///
/// # Errors
///
/// When a score is outside `0..=1` or an option out of range. A single class is no error: what needs two is left out.
pub fn report(ranking: &Ranking, options: &ReportOptions) -> Result<Report, MeasureError> {
    let (positives, negatives) = (ranking.positives(), ranking.negatives());
    let both = positives > 0 && negatives > 0;
    let fprs: &[f64] = if both { &options.fprs } else { &[] };
    let mut found = intervals(ranking, options.bootstrap, |rows| {
        let mut values = vec![reliability(rows, options.bins)?.ece, brier(rows)?, log_loss(rows)?];
        if both {
            values.extend([auc(rows)?, average_precision(rows)?, best_f1(rows)?.f1]);
        }
        for &fpr in fprs {
            values.push(recall_at_fpr(rows, fpr)?.recall);
        }
        Ok(values)
    })?
    .into_iter();
    // Taken in the order of the values above; the first three are always there.
    let mut next = || found.next().unwrap_or(Interval { estimate: f64::NAN, low: f64::NAN, high: f64::NAN });
    let (ece, brier, log_loss) = (next(), next(), next());
    let (auc, average_precision, best_f1) =
        if both { (Some(next()), Some(next()), Some(next())) } else { (None, None, None) };
    let recall_at_fpr = fprs.iter().map(|&max_fpr| RecallAtFpr { max_fpr, recall: next() }).collect();
    Ok(Report {
        positives,
        negatives,
        bins: options.bins,
        ece,
        brier,
        log_loss,
        auc,
        average_precision,
        best_f1,
        recall_at_fpr,
    })
}

/// A [`report`] for each distinct name in `slices` (one per row), in the names' order.
///
/// # Errors
///
/// As [`Ranking::new`] and [`report`], and when the lengths differ.
pub fn slices(
    scores: &[f32],
    labels: &[bool],
    slices: &[&str],
    options: &ReportOptions,
) -> Result<Vec<(String, Report)>, MeasureError> {
    // Checked here on all rows, so that an error names the caller's row and not one within a slice.
    Ranking::new(scores, labels)?;
    if scores.len() != slices.len() {
        return Err(MeasureError::Lengths { scores: scores.len(), labels: slices.len() });
    }
    let mut rows: BTreeMap<&str, (Vec<f32>, Vec<bool>)> = BTreeMap::new();
    for ((&score, &label), &slice) in scores.iter().zip(labels).zip(slices) {
        let (scores, labels) = rows.entry(slice).or_default();
        scores.push(score);
        labels.push(label);
    }
    rows.into_iter()
        .map(|(slice, (scores, labels))| {
            Ok((slice.to_owned(), report(&Ranking::new(&scores, &labels)?, options)?))
        })
        .collect()
}
