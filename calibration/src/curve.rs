//! The run-time map from a head's logit to a calibrated probability.

use crate::elementary;

/// The largest magnitude of a curve's parameters, and one over the smallest slope and temperature.
const LIMIT: f64 = 1e6;
/// Beyond this magnitude of the argument every `f32` probability is already exactly 0 or 1.
const SATURATION: f64 = 128.0;
/// Adding and subtracting this rounds a number of magnitude below 2^19 to a multiple of 2^-32.
const SNAP: f64 = 1_572_864.0; // 1.5 * 2^20

/// An increasing map from a logit to a probability in `0..=1`.
///
/// Two shapes exist: Platt scaling `1 / (1 + exp(-(a x + b)))` (Platt 1999) and temperature scaling
/// `1 / (1 + exp(-x / t))` (Guo et al. 2017). Parameters are checked when the curve is made, so a curve in hand
/// always increases.
///
/// # Example
///
/// ```
/// use portcullis_calibration::Curve;
///
/// let curve = Curve::platt(2.0, -1.0)?;
/// assert_eq!(curve.apply(0.5), 0.5);
/// assert!(curve.apply(1.0) > curve.apply(0.999));
/// assert!(curve.apply(f32::NAN).is_nan());
/// # Ok::<(), portcullis_calibration::CurveError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve(Parameters);

/// The shape of a [`Curve`] and its parameters.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Parameters {
    /// `1 / (1 + exp(-(a x + b)))`.
    #[non_exhaustive]
    Platt {
        /// The slope, in `1e-6..=1e6`.
        a: f64,
        /// The offset, in `-1e6..=1e6`.
        b: f64,
    },
    /// `1 / (1 + exp(-x / t))`.
    #[non_exhaustive]
    Temperature {
        /// The temperature, in `1e-6..=1e6`.
        t: f64,
    },
}

/// A parameter that makes no increasing curve.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// The slope of a Platt curve is out of range.
    #[error("platt slope a is {found:?}, expected a number in 1e-6..=1e6")]
    Slope {
        /// The slope found.
        found: f64,
    },
    /// The offset of a Platt curve is out of range.
    #[error("platt offset b is {found:?}, expected a number in -1e6..=1e6")]
    Offset {
        /// The offset found.
        found: f64,
    },
    /// The temperature is out of range.
    #[error("temperature t is {found:?}, expected a number in 1e-6..=1e6")]
    Temperature {
        /// The temperature found.
        found: f64,
    },
}

impl Curve {
    /// A Platt curve with slope `a` and offset `b`.
    ///
    /// # Errors
    ///
    /// When `a` is outside `1e-6..=1e6` or `b` outside `-1e6..=1e6`, or either is NaN.
    pub fn platt(a: f64, b: f64) -> Result<Self, CurveError> {
        if !(LIMIT.recip()..=LIMIT).contains(&a) {
            return Err(CurveError::Slope { found: a });
        }
        if !(-LIMIT..=LIMIT).contains(&b) {
            return Err(CurveError::Offset { found: b });
        }
        Ok(Self(Parameters::Platt { a, b }))
    }

    /// A temperature curve; `t` above 1 softens the scores, below 1 sharpens them.
    ///
    /// # Errors
    ///
    /// When `t` is outside `1e-6..=1e6` or NaN.
    pub fn temperature(t: f64) -> Result<Self, CurveError> {
        if !(LIMIT.recip()..=LIMIT).contains(&t) {
            return Err(CurveError::Temperature { found: t });
        }
        Ok(Self(Parameters::Temperature { t }))
    }

    /// The shape and parameters, for printing and writing.
    pub fn parameters(&self) -> Parameters {
        self.0
    }

    /// The calibrated probability of a logit, in `0..=1`.
    ///
    /// Bit-identical on every CPU, and never decreasing: a greater logit never gets a smaller probability.
    /// Infinite logits give 0 and 1; NaN stays NaN. The error is below 2^-23 relative to the true probability.
    pub fn apply(&self, logit: f32) -> f32 {
        let x = f64::from(logit);
        let z = match self.0 {
            Parameters::Platt { a, b } => a * x + b,
            Parameters::Temperature { t } => x / t,
        };
        if z.is_nan() {
            return f32::NAN;
        }
        // Monotone by construction: on a grid of 2^-32 two neighbours' exponentials differ by 2^-32 relative, a
        // quarter of a million times the exponential's error, so rounding cannot swap them. The grid itself moves
        // the probability by at most 2^-33 relative, far below the last place of an f32.
        let snapped = (z.clamp(-SATURATION, SATURATION) + SNAP) - SNAP;
        elementary::sigmoid(snapped) as f32
    }

    /// The logit that has this calibrated probability, up to rounding.
    ///
    /// 0 gives negative infinity and 1 infinity; NaN and numbers outside `0..=1` give NaN.
    pub fn invert(&self, score: f32) -> f32 {
        let p = f64::from(score);
        if !(0.0..=1.0).contains(&p) {
            return f32::NAN;
        }
        let z = elementary::ln(p / (1.0 - p));
        let logit = match self.0 {
            Parameters::Platt { a, b } => (z - b) / a,
            Parameters::Temperature { t } => z * t,
        };
        logit as f32
    }
}

#[cfg(test)]
mod tests;
