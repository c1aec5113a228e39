//! Whether a head judges long texts otherwise than short ones.

use super::MeasureError;
use crate::Ranking;

/// The last length, in tokens, of each bucket of [`by_length`] but the last, which has no end.
pub const LENGTH_ENDS: [usize; 4] = [16, 64, 128, 512];

/// The rows whose length is within a range.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct LengthBucket {
    /// The shortest length, in tokens; shorter texts are in the first bucket all the same.
    pub first: usize,
    /// The greatest length, in tokens.
    pub last: Option<usize>,
    /// The number of positive rows.
    pub positives: u64,
    /// The number of negative rows.
    pub negatives: u64,
    /// The mean length of the negative rows, in tokens.
    pub mean_negative_tokens: Option<f64>,
    /// The mean score of the negative rows.
    pub mean_negative_score: Option<f64>,
    /// The share of negative rows that the threshold flags, in `0..=1`; missing without a threshold or a row.
    pub fpr: Option<f64>,
    /// The share of positive rows that the threshold flags, in `0..=1`; missing without a threshold or a row.
    pub recall: Option<f64>,
}

/// One row: its length in tokens, its score and whether it is positive.
pub type LengthRow = (usize, f32, bool);

/// The rows by length, one bucket for each range of [`LENGTH_ENDS`], empty ones included.
///
/// # Errors
///
/// When a score is NaN or infinite; the row counts within its bucket.
pub fn by_length(rows: &[LengthRow], threshold: Option<f32>) -> Result<Vec<LengthBucket>, MeasureError> {
    let mut first = 0;
    LENGTH_ENDS
        .into_iter()
        .map(Some)
        .chain([None])
        .map(|last| {
            let inside = first..=last.unwrap_or(usize::MAX);
            let within: Vec<LengthRow> = rows.iter().filter(|row| inside.contains(&row.0)).copied().collect();
            let bucket = bucket(&within, first.max(1), last, threshold);
            first = last.map_or(usize::MAX, |last| last + 1);
            bucket
        })
        .collect()
}

fn bucket(
    rows: &[LengthRow],
    first: usize,
    last: Option<usize>,
    threshold: Option<f32>,
) -> Result<LengthBucket, MeasureError> {
    let (scores, labels): (Vec<f32>, Vec<bool>) = rows.iter().map(|row| (row.1, row.2)).unzip();
    let ranking = if rows.is_empty() { None } else { Some(Ranking::new(&scores, &labels)?) };
    let (positives, negatives) =
        ranking.as_ref().map_or((0, 0), |ranking| (ranking.positives(), ranking.negatives()));
    let flagged = threshold.zip(ranking.as_ref()).map(|(threshold, ranking)| ranking.flagged(threshold));
    let share = |part: f64, whole: u64| (whole > 0).then(|| part / whole as f64);
    let innocent = || rows.iter().filter(|row| !row.2);
    Ok(LengthBucket {
        first,
        last,
        positives,
        negatives,
        mean_negative_tokens: share(innocent().map(|row| row.0 as f64).sum(), negatives),
        mean_negative_score: share(innocent().map(|row| f64::from(row.1)).sum(), negatives),
        fpr: flagged.and_then(|(_, flagged)| share(flagged as f64, negatives)),
        recall: flagged.and_then(|(flagged, _)| share(flagged as f64, positives)),
    })
}
