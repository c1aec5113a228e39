//! How each head judges rows by the length of their text.

use super::Settings;
use crate::cli::eval::judge::Judged;
use portcullis_calibration::measure::{LengthBucket, LengthRow, MeasureError, by_length};
use serde::Serialize;

/// One head's rows by length.
#[derive(Serialize)]
pub(crate) struct Lengths {
    pub(crate) head: String,
    /// The threshold of the policy's rule for this head.
    pub(crate) threshold: Option<f32>,
    /// From short to long.
    pub(crate) buckets: Vec<LengthBucket>,
}

/// Every head that has rows with a label and a score.
///
/// # Errors
/// When a score is not a finite number.
pub(super) fn figures(
    heads: &[String],
    judged: &[Judged],
    settings: &Settings<'_>,
) -> Result<Vec<Lengths>, MeasureError> {
    let mut figures = Vec::new();
    for (at, head) in heads.iter().enumerate() {
        let length = |row: &Judged| {
            let (positive, score) = row.scored(at)?;
            Some((row.tokens?, score, positive))
        };
        let rows: Vec<LengthRow> = judged.iter().filter_map(length).collect();
        if !rows.is_empty() {
            let threshold = settings.threshold(head);
            figures.push(Lengths { head: head.clone(), threshold, buckets: by_length(&rows, threshold)? });
        }
    }
    Ok(figures)
}
