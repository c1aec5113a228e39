//! Thresholds for a false positive rate, from the calibrated scores of negative rows.

use crate::binomial;
use crate::calibration::Threshold;

/// The confidence of every [`Threshold`]'s upper bound.
pub const CONFIDENCE: f64 = 0.95;

/// A threshold that cannot be chosen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdError {
    /// There is no negative row.
    #[error("found no scores, expected at least one negative row")]
    Empty,
    /// A score is not a probability.
    #[error("the score in row {row} (from 0) is {found}, expected a probability in 0..=1")]
    NotProbability {
        /// The row, counted from 0.
        row: usize,
        /// The score found.
        found: f32,
    },
    /// The target is out of range.
    #[error("the target false positive rate is {0}, expected a rate above 0 and below 1")]
    Target(f64),
    /// Too many negative rows have the score 1, above which no threshold can be.
    #[error("{ties} of {rows} negative rows score exactly 1, so no threshold allows only {allowed}")]
    Saturated {
        /// The negative rows that score 1.
        ties: u64,
        /// The number of negative rows.
        rows: u64,
        /// The number of false positives that the target allows.
        allowed: u64,
    },
}

/// The smallest threshold that flags at most a share `target_fpr` of `negatives`.
///
/// `negatives` are calibrated scores in `0..=1` of rows whose label is negative. Equal scores are flagged together or
/// not at all, so the rate reached can be below the target. `slice` names where the rows came from.
///
/// # Errors
///
/// When there is no row, a score is no probability, the target is not above 0 and below 1, or so many rows score
/// exactly 1 that no threshold can hold it.
///
/// # Example
///
/// ```
/// use portcullis_calibration::threshold;
///
/// let found = threshold::at_fpr(&[0.1, 0.2, 0.3, 0.9], 0.25, "mix")?;
/// assert_eq!(found.threshold, 0.3_f32.next_up());
/// assert_eq!(found.false_positives, 1);
/// # Ok::<(), threshold::ThresholdError>(())
/// ```
pub fn at_fpr(negatives: &[f32], target_fpr: f64, slice: &str) -> Result<Threshold, ThresholdError> {
    let falling = checked(negatives, target_fpr)?;
    let allowed = allowed(falling.len(), target_fpr);
    with_allowed(&falling, allowed, target_fpr, slice)
}

/// The smallest threshold whose false positive rate on further rows of the same kind is, with [`CONFIDENCE`], at most
/// `target_fpr`; `None` where the rows are too few to show that of any.
///
/// The rate at the k-th greatest of n scores is Beta-distributed, whose quantile the Clopper–Pearson bound is, so the
/// bound holds although the threshold is chosen on the same rows.
///
/// # Errors
///
/// As [`at_fpr`].
///
/// # Example
///
/// ```
/// use portcullis_calibration::threshold;
///
/// let benign: Vec<f32> = (0..1000u16).map(|row| f32::from(row) / 1000.0).collect();
/// let sure = threshold::within_fpr(&benign, 0.01, "chat")?.expect("1,000 rows are enough for one percent");
/// assert_eq!(sure.false_positives, 4);
/// assert!(sure.fpr_upper_95 <= 0.01);
/// assert!(threshold::within_fpr(&benign[..200], 0.01, "chat")?.is_none());
/// # Ok::<(), threshold::ThresholdError>(())
/// ```
pub fn within_fpr(
    negatives: &[f32],
    target_fpr: f64,
    slice: &str,
) -> Result<Option<Threshold>, ThresholdError> {
    let falling = checked(negatives, target_fpr)?;
    let rows = falling.len() as u64;
    let sure = |count: usize| {
        binomial::upper_bound(count as u64, rows, CONFIDENCE).is_ok_and(|bound| bound <= target_fpr)
    };
    let most = allowed(falling.len(), target_fpr);
    let allowed = (0..=most).rev().find(|&count| sure(count));
    allowed.map(|allowed| with_allowed(&falling, allowed, target_fpr, slice)).transpose()
}

/// `chosen` at no less than `least`, with its evidence counted again on the scores it was chosen from.
#[must_use]
pub fn at_least(chosen: Threshold, least: f32, negatives: &[f32]) -> Threshold {
    if chosen.threshold >= least {
        return chosen;
    }
    let false_positives = negatives.iter().filter(|&&score| score >= least).count() as u64;
    // As in `with_allowed`: 1 is true in any case.
    let fpr_upper_95 = binomial::upper_bound(false_positives, chosen.negatives, CONFIDENCE).unwrap_or(1.0);
    Threshold { threshold: least, false_positives, fpr_upper_95, ..chosen }
}

/// The scores from the greatest down.
fn checked(negatives: &[f32], target_fpr: f64) -> Result<Vec<f32>, ThresholdError> {
    if negatives.is_empty() {
        return Err(ThresholdError::Empty);
    }
    if let Some((row, &found)) = negatives.iter().enumerate().find(|(_, score)| !(0.0..=1.0).contains(*score))
    {
        return Err(ThresholdError::NotProbability { row, found });
    }
    if !(target_fpr > 0.0 && target_fpr < 1.0) {
        return Err(ThresholdError::Target(target_fpr));
    }
    Ok(falling(negatives))
}

/// The smallest threshold that flags at most `allowed` of the scores.
fn with_allowed(
    falling: &[f32],
    allowed: usize,
    target_fpr: f64,
    slice: &str,
) -> Result<Threshold, ThresholdError> {
    let rows = falling.len() as u64;
    // The first score that must stay below the threshold; fewer than all rows are allowed, so there is one.
    let threshold = falling.get(allowed).ok_or(ThresholdError::Empty)?.next_up();
    if threshold > 1.0 {
        let ties = falling.iter().take_while(|&&score| score >= 1.0).count() as u64;
        return Err(ThresholdError::Saturated { ties, rows, allowed: allowed as u64 });
    }
    let false_positives = falling.iter().take_while(|&&score| score >= threshold).count() as u64;
    // The counts are in order and the confidence is a constant, so the bound exists; 1 is true in any case.
    let fpr_upper_95 = binomial::upper_bound(false_positives, rows, CONFIDENCE).unwrap_or(1.0);
    let slice = slice.to_owned();
    Ok(Threshold { target_fpr, threshold, negatives: rows, false_positives, fpr_upper_95, slice })
}

/// The greatest count whose share of `rows` is at most `rate`, as the division of the two rounds.
fn allowed(rows: usize, rate: f64) -> usize {
    let share = |count: usize| count as f64 / rows as f64;
    let mut count = (rate * rows as f64) as usize;
    while count < rows && share(count + 1) <= rate {
        count += 1;
    }
    while count > 0 && share(count) > rate {
        count -= 1;
    }
    count
}

fn falling(scores: &[f32]) -> Vec<f32> {
    let mut sorted: Vec<f32> = scores.iter().map(|score| score + 0.0).collect();
    sorted.sort_unstable_by(|x, y| y.total_cmp(x));
    sorted
}
