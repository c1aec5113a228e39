//! From the logits of a classifier head to calibrated probabilities, thresholds and honest figures.
//!
//! Pure numerics on arrays of scores and labels; it knows no model, no text and no file system.
//!
//! - [`Curve`] is the one part that runs inside the guard: logit in, probability out, bit-identical on every CPU.
//! - [`Calibration`] is the content of a `calibration.toml`: a curve and thresholds per head, read as hostile input.
//! - [`fit`] finds a curve from logits and labels.
//! - [`Ranking`] groups scores and labels once; [`measure`] computes every metric from it.
//! - [`threshold`] picks thresholds for a false positive rate, for one head or for all heads together.
//! - [`teach`] learns a new head from examples; [`TaughtHead`] is the content of its file, read as hostile input.
//! - [`Reference`] is how a signal was spread, by which drift is told.
//! - [`binomial`] bounds a rate that was measured on few rows.
//! - [`plot`] draws the curves as SVG.
//!
//! One convention holds everywhere: a row is *flagged* when its score is greater than **or equal to** the threshold.
//!
//! Every computation uses only IEEE 754 additions, multiplications, divisions and square roots in a fixed order
//! (the exponential and the logarithm are our own), so a fit or a metric is the same on every machine.
//!
//! # Example
//!
//! ```
//! use portcullis_calibration::{Ranking, fit, measure, threshold};
//!
//! let logits = [-3.0, -2.0, -1.5, -0.5, 0.5, -0.2, 1.0, 2.0, 2.5, 4.0];
//! let labels = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
//!
//! let fitted = fit::platt(&fit::Observations::new(&logits, &labels, None)?)?;
//! let scores: Vec<f32> = logits.iter().map(|&logit| fitted.curve.apply(logit)).collect();
//!
//! let positive: Vec<bool> = labels.iter().map(|&label| label >= 0.5).collect();
//! let ranking = Ranking::new(&scores, &positive)?;
//! assert_eq!(measure::auc(&ranking)?, 0.96);
//!
//! let benign: Vec<f32> = scores.iter().zip(&positive).filter(|(_, p)| !**p).map(|(s, _)| *s).collect();
//! let chosen = threshold::at_fpr(&benign, 0.2, "example")?;
//! assert_eq!(chosen.false_positives, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod binomial;
mod calibration;
mod curve;
mod distribution;
mod elementary;
pub mod fit;
pub mod measure;
pub mod plot;
mod ranking;
mod reference;
pub mod teach;
pub mod threshold;

pub use calibration::{
    Calibration, CalibrationError, Exit, ExitHead, ExitThreshold, Gate, Head, LengthCorrection, Problem,
    TaughtHead, Threshold, length,
};
pub use curve::{Curve, CurveError, Parameters};
pub use distribution::chi_square_upper;
pub use ranking::{Group, Ranking};
pub use reference::{Reference, ReferenceError, psi};
