//! How far scores move when the text changes in a way that should not matter.

use super::MeasureError;
use super::bootstrap::quantile;

/// The absolute changes of a score.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Shift {
    /// The number of changes.
    pub count: u64,
    /// The middle one.
    pub median: f64,
    /// The 95th percentile, interpolated linearly.
    pub p95: f64,
    /// The greatest.
    pub max: f64,
}

/// Sums up changes, each a score less the one it is compared with; their signs are dropped.
///
/// # Errors
///
/// When there is no change, or one is NaN or infinite.
pub fn shift(changes: &[f32]) -> Result<Shift, MeasureError> {
    if let Some(row) = changes.iter().position(|change| !change.is_finite()) {
        return Err(MeasureError::NotFinite { row });
    }
    let mut sorted: Vec<f64> = changes.iter().map(|change| f64::from(change.abs())).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let max = sorted.last().copied().ok_or(MeasureError::Empty)?;
    Ok(Shift {
        count: sorted.len() as u64,
        median: quantile(&sorted, 0.5),
        p95: quantile(&sorted, 0.95),
        max,
    })
}
