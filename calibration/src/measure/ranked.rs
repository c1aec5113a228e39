//! Metrics of the order of the scores: ROC, precision and recall, F1.

use super::MeasureError;
use crate::Ranking;

/// One threshold and what it flags.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct OperatingPoint {
    /// The threshold; rows with this score or more are flagged. Infinite where nothing is flagged.
    pub threshold: f32,
    /// The share of negative rows that is flagged, in `0..=1`.
    pub fpr: f64,
    /// The share of positive rows that is flagged, in `0..=1`.
    pub recall: f64,
}

/// One threshold's precision and recall.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct PrecisionRecallPoint {
    /// The threshold; rows with this score or more are flagged.
    pub threshold: f32,
    /// The share of flagged rows that is positive, in `0..=1`.
    pub precision: f64,
    /// The share of positive rows that is flagged, in `0..=1`.
    pub recall: f64,
}

/// The F1 score at a threshold.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct F1 {
    /// The harmonic mean of precision and recall, in `0..=1`.
    pub f1: f64,
    /// The threshold; rows with this score or more are flagged.
    pub threshold: f32,
}

/// The ROC curve: first the point where nothing is flagged, then one point per distinct score, falling.
///
/// # Errors
///
/// When one of the classes is missing.
pub fn roc(ranking: &Ranking) -> Result<Vec<OperatingPoint>, MeasureError> {
    both_classes(ranking)?;
    let first = OperatingPoint { threshold: f32::INFINITY, fpr: 0.0, recall: 0.0 };
    Ok(std::iter::once(first).chain(steps(ranking).map(|step| step.operating_point(ranking))).collect())
}

/// The area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half
/// (Mann and Whitney 1947). Exact but for the last division.
///
/// # Errors
///
/// When one of the classes is missing.
pub fn auc(ranking: &Ranking) -> Result<f64, MeasureError> {
    both_classes(ranking)?;
    let mut below = u128::from(ranking.negatives());
    let mut doubled_wins: u128 = 0;
    for group in ranking.groups() {
        below -= u128::from(group.negatives);
        doubled_wins += u128::from(group.positives) * (2 * below + u128::from(group.negatives));
    }
    let pairs = u128::from(ranking.positives()) * u128::from(ranking.negatives());
    Ok(doubled_wins as f64 / (2 * pairs) as f64)
}

/// The precision and recall at each distinct score, falling.
///
/// # Errors
///
/// When one of the classes is missing.
pub fn precision_recall(ranking: &Ranking) -> Result<Vec<PrecisionRecallPoint>, MeasureError> {
    both_classes(ranking)?;
    Ok(steps(ranking)
        .map(|step| PrecisionRecallPoint {
            threshold: step.threshold,
            precision: step.precision(),
            recall: step.positives as f64 / ranking.positives() as f64,
        })
        .collect())
}

/// The average precision (AUPRC): precision at each distinct score, weighted by the recall that it adds.
///
/// No interpolation; tied rows count as one step, so the value does not depend on their order.
///
/// # Errors
///
/// When one of the classes is missing.
pub fn average_precision(ranking: &Ranking) -> Result<f64, MeasureError> {
    both_classes(ranking)?;
    let mut before = 0;
    let mut sum = 0.0;
    for step in steps(ranking) {
        sum += (step.positives - before) as f64 * step.precision();
        before = step.positives;
    }
    Ok(sum / ranking.positives() as f64)
}

/// The false positive rate and recall at a threshold.
///
/// # Errors
///
/// When one of the classes is missing.
pub fn operating_point(ranking: &Ranking, threshold: f32) -> Result<OperatingPoint, MeasureError> {
    both_classes(ranking)?;
    let (positives, negatives) = ranking.flagged(threshold);
    Ok(Step { threshold, positives, negatives }.operating_point(ranking))
}

/// The greatest recall among the thresholds whose false positive rate is at most `max_fpr` (a rate in `0..=1`).
///
/// The threshold is the lowest score that may be flagged, infinite when even the highest score breaks the limit.
///
/// # Errors
///
/// When one of the classes is missing or `max_fpr` is not in `0..=1`.
pub fn recall_at_fpr(ranking: &Ranking, max_fpr: f64) -> Result<OperatingPoint, MeasureError> {
    both_classes(ranking)?;
    if !(0.0..=1.0).contains(&max_fpr) {
        return Err(MeasureError::Rate { found: max_fpr });
    }
    Ok(steps(ranking)
        .map(|step| step.operating_point(ranking))
        .take_while(|point| point.fpr <= max_fpr)
        .last()
        .unwrap_or(OperatingPoint { threshold: f32::INFINITY, fpr: 0.0, recall: 0.0 }))
}

/// The share of rows that a threshold decides right, in `0..=1`: positive rows flagged and negative rows not. One class
/// is enough.
pub fn accuracy(ranking: &Ranking, threshold: f32) -> f64 {
    let (positives, negatives) = ranking.flagged(threshold);
    (positives + ranking.negatives() - negatives) as f64 / ranking.rows() as f64
}

/// The share of `scores` that a threshold flags, in `0..=1`; nothing when there are none. Of positive rows it is the
/// recall, of negative ones the false positive rate.
pub fn flagged_share(scores: &[f32], threshold: f32) -> Option<f64> {
    let flagged = scores.iter().filter(|score| **score >= threshold).count();
    (!scores.is_empty()).then(|| flagged as f64 / scores.len() as f64)
}

/// The F1 score at a threshold: 0 where no positive row is flagged.
///
/// # Errors
///
/// When one of the classes is missing.
pub fn f1(ranking: &Ranking, threshold: f32) -> Result<f64, MeasureError> {
    both_classes(ranking)?;
    let (positives, negatives) = ranking.flagged(threshold);
    Ok(Step { threshold, positives, negatives }.f1(ranking))
}

/// The best F1 score over all thresholds, at the highest threshold that reaches it.
///
/// # Errors
///
/// When one of the classes is missing.
pub fn best_f1(ranking: &Ranking) -> Result<F1, MeasureError> {
    both_classes(ranking)?;
    let mut best = F1 { f1: 0.0, threshold: f32::INFINITY };
    for step in steps(ranking) {
        let f1 = step.f1(ranking);
        if f1 > best.f1 {
            best = F1 { f1, threshold: step.threshold };
        }
    }
    Ok(best)
}

/// A threshold and the counts of what it flags.
struct Step {
    threshold: f32,
    positives: u64,
    negatives: u64,
}

impl Step {
    fn operating_point(&self, ranking: &Ranking) -> OperatingPoint {
        OperatingPoint {
            threshold: self.threshold,
            fpr: self.negatives as f64 / ranking.negatives() as f64,
            recall: self.positives as f64 / ranking.positives() as f64,
        }
    }

    fn precision(&self) -> f64 {
        self.positives as f64 / (self.positives + self.negatives) as f64
    }

    fn f1(&self, ranking: &Ranking) -> f64 {
        2.0 * self.positives as f64 / (self.positives + self.negatives + ranking.positives()) as f64
    }
}

/// The thresholds at each distinct score, falling, without the empty groups of a replicate.
fn steps(ranking: &Ranking) -> impl Iterator<Item = Step> + '_ {
    let mut flagged = (0, 0);
    ranking.groups().iter().filter(|group| group.positives + group.negatives > 0).map(move |group| {
        flagged.0 += group.positives;
        flagged.1 += group.negatives;
        Step { threshold: group.score, positives: flagged.0, negatives: flagged.1 }
    })
}

fn both_classes(ranking: &Ranking) -> Result<(), MeasureError> {
    let (positives, negatives) = (ranking.positives(), ranking.negatives());
    if positives == 0 || negatives == 0 {
        return Err(MeasureError::SingleClass { positives, negatives });
    }
    Ok(())
}
