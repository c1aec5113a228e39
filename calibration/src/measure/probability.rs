//! Metrics of the scores as probabilities: reliability and calibration error, Brier score, log loss.

use super::MeasureError;
use crate::elementary::ln;
use crate::ranking::{Group, Ranking};

/// How probabilities are put into bins. Each kind takes a number of bins in `1..=1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// Bins of equal width over `0..=1`; a score on an inner edge belongs to the upper bin.
    EqualWidth(usize),
    /// Bins of about equally many rows. Equal scores share a bin, so bins differ in size where there are ties.
    EqualMass(usize),
}

/// One bin of a reliability diagram; it holds at least one row.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Bin {
    /// The lower edge (equal width) or the lowest score (equal mass).
    pub low: f64,
    /// The upper edge (equal width) or the highest score (equal mass).
    pub high: f64,
    /// The mean score of the rows.
    pub mean_score: f64,
    /// The share of the rows that is positive.
    pub positive_rate: f64,
    /// The number of rows.
    pub rows: u64,
}

/// A reliability diagram and its summary.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Reliability {
    /// The kind and number of bins that was asked for.
    pub binning: Bins,
    /// The bins that hold rows, from low scores to high.
    pub bins: Vec<Bin>,
    /// The expected calibration error: the mean over rows of how far their bin's mean score is from its positive
    /// rate (Naeini et al. 2015), in `0..=1`.
    pub ece: f64,
    /// The largest such distance over the bins, in `0..=1`.
    pub max_error: f64,
}

/// The reliability of scores in `0..=1` as probabilities of the positive class.
///
/// # Errors
///
/// When a score is outside `0..=1` or the number of bins outside `1..=1000`.
pub fn reliability(ranking: &Ranking, binning: Bins) -> Result<Reliability, MeasureError> {
    probabilities(ranking)?;
    let (Bins::EqualWidth(count) | Bins::EqualMass(count)) = binning;
    if !(1..=1000).contains(&count) {
        return Err(MeasureError::Bins { found: count });
    }
    let mut sums = vec![Sum::default(); count];
    let mut below = 0.0;
    for group in ranking.groups().iter().rev() {
        let rows = (group.positives + group.negatives) as f64;
        if rows == 0.0 {
            continue;
        }
        let place = match binning {
            Bins::EqualWidth(_) => f64::from(group.score),
            // The middle row of a tied group decides for all of it.
            Bins::EqualMass(_) => (below + 0.5 * rows) / ranking.rows() as f64,
        };
        let index = ((place * count as f64) as usize).min(count - 1);
        if let Some(sum) = sums.get_mut(index) {
            sum.add(group);
        }
        below += rows;
    }
    let bins: Vec<Bin> = sums
        .iter()
        .enumerate()
        .filter(|(_, sum)| sum.rows > 0)
        .map(|(index, sum)| {
            let (low, high) = match binning {
                Bins::EqualWidth(_) => (index as f64 / count as f64, (index + 1) as f64 / count as f64),
                Bins::EqualMass(_) => (sum.low, sum.high),
            };
            let rows = sum.rows as f64;
            let (mean_score, positive_rate) = (sum.scores / rows, sum.positives as f64 / rows);
            Bin { low, high, mean_score, positive_rate, rows: sum.rows }
        })
        .collect();
    let gap = |bin: &Bin| (bin.mean_score - bin.positive_rate).abs();
    let ece = bins.iter().map(|bin| gap(bin) * bin.rows as f64).sum::<f64>() / ranking.rows() as f64;
    let max_error = bins.iter().map(gap).fold(0.0, f64::max);
    Ok(Reliability { binning, bins, ece, max_error })
}

/// The Brier score: the mean squared distance of scores in `0..=1` from the labels, in `0..=1` (Brier 1950).
///
/// # Errors
///
/// When a score is outside `0..=1`.
pub fn brier(ranking: &Ranking) -> Result<f64, MeasureError> {
    mean(ranking, |p| ((1.0 - p) * (1.0 - p), p * p))
}

/// The mean negative log-likelihood, in nats, of scores in `0..=1`.
///
/// Scores are kept within 2^-24 of 0 and 1, the place where an `f32` below 1 ends, so that one certain but wrong
/// row costs 16.6 nats and not infinity.
///
/// # Errors
///
/// When a score is outside `0..=1`.
pub fn log_loss(ranking: &Ranking) -> Result<f64, MeasureError> {
    const EDGE: f64 = 1.0 / 16_777_216.0;
    mean(ranking, |p| {
        let p = p.clamp(EDGE, 1.0 - EDGE);
        (-ln(p), -ln(1.0 - p))
    })
}

/// The mean over rows of a loss that `loss` gives for a positive and for a negative row with a probability.
fn mean(ranking: &Ranking, loss: impl Fn(f64) -> (f64, f64)) -> Result<f64, MeasureError> {
    probabilities(ranking)?;
    let sum: f64 = ranking
        .groups()
        .iter()
        .map(|group| {
            let (positive, negative) = loss(f64::from(group.score));
            group.positives as f64 * positive + group.negatives as f64 * negative
        })
        .sum();
    Ok(sum / ranking.rows() as f64)
}

/// The groups fall, so the first and the last bound the rest.
fn probabilities(ranking: &Ranking) -> Result<(), MeasureError> {
    for group in ranking.groups().first().into_iter().chain(ranking.groups().last()) {
        if !(0.0..=1.0).contains(&group.score) {
            return Err(MeasureError::NotProbability { found: group.score });
        }
    }
    Ok(())
}

#[derive(Clone, Default)]
struct Sum {
    low: f64,
    high: f64,
    scores: f64,
    positives: u64,
    rows: u64,
}

impl Sum {
    /// Adds a group whose score is above those added before.
    fn add(&mut self, group: &Group) {
        let (score, rows) = (f64::from(group.score), group.positives + group.negatives);
        if self.rows == 0 {
            self.low = score;
        }
        self.high = score;
        self.scores += score * rows as f64;
        self.positives += group.positives;
        self.rows += rows;
    }
}
