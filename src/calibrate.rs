//! From logits to calibrated scores, by the curves of the bundle.

use portcullis_calibration::Calibration;

/// Calibrated scores in `0..=1` for `logits`, which are in the order of the calibration's heads. NaN stays NaN.
#[must_use]
pub fn calibrated(calibration: &Calibration, logits: &[f32]) -> Vec<f32> {
    calibration.heads().iter().zip(logits).map(|(head, logit)| head.curve.apply(*logit)).collect()
}
