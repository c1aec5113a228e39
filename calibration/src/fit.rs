//! Finds the curve that makes a head's scores mean what they say.
//!
//! Both fits minimise the weighted log loss against Platt's smoothed targets `(P + 1) / (P + 2)` and `1 / (N + 2)`,
//! where `P` and `N` are the weights of the two classes: a weak prior that keeps separable data from sending the
//! slope to infinity (Platt 1999). The minimum is found by Newton steps that are halved until they descend (Lin, Lin
//! and Weng 2007). Rows are summed in their order, so the same rows give the same curve on every machine.

use crate::curve::{Curve, CurveError};
use crate::elementary::{ln, sigmoid, softplus};

const MAX_STEPS: u32 = 100;
/// A Newton step that promises less than this share of the loss is the last: it squares what error is left.
const CLOSE_ENOUGH: f64 = 1e-12;

/// A fit that cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Columns of the same rows have different lengths.
    #[error("found {logits} logits, {labels} labels and {weights} weights, expected as many of each")]
    Lengths {
        /// The number of logits.
        logits: usize,
        /// The number of labels.
        labels: usize,
        /// The number of weights, the number of logits where none were given.
        weights: usize,
    },
    /// A logit is NaN or infinite.
    #[error("the logit in row {row} (from 0) is not finite")]
    Logit {
        /// The row, counted from 0.
        row: usize,
    },
    /// A label is out of range.
    #[error("the label in row {row} (from 0) is {found}, expected a number in 0..=1")]
    Label {
        /// The row, counted from 0.
        row: usize,
        /// The label found.
        found: f32,
    },
    /// A weight is negative or not finite.
    #[error("the weight in row {row} (from 0) is {found}, expected a finite number of at least 0")]
    Weight {
        /// The row, counted from 0.
        row: usize,
        /// The weight found.
        found: f32,
    },
    /// The rows hold one class only, or none.
    #[error(
        "found a weight of {positive} on the positive class and {negative} on the negative, expected some on each"
    )]
    SingleClass {
        /// The weight of the positive class.
        positive: f64,
        /// The weight of the negative class.
        negative: f64,
    },
    /// All logits are equal (for a temperature: zero), so any curve fits as well as any other.
    #[error("all logits are equal, expected logits that tell rows apart")]
    ConstantLogits,
    /// The search did not settle.
    #[error("the fit did not converge in {steps} newton steps")]
    NotConverged {
        /// The number of steps taken.
        steps: u32,
    },
    /// The best curve falls or is too steep: the logits do not rise with the labels.
    #[error("the best fit is no usable curve: {0}")]
    Curve(#[from] CurveError),
}

/// Logits with labels and weights, checked: at least some weight on each class.
#[derive(Clone, Debug, PartialEq)]
pub struct Observations {
    rows: Vec<Row>,
    positive: f64,
    negative: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    logit: f64,
    label: f64,
    weight: f64,
}

/// A curve and how it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The curve.
    pub curve: Curve,
    /// The weighted mean log loss against the smoothed targets, in nats.
    pub log_loss: f64,
    /// The number of Newton steps taken.
    pub steps: u32,
}

impl Observations {
    /// Checks the columns: finite logits, labels in `0..=1` (a share, where annotators differed), and weights of at
    /// least 0, all 1 when `None`.
    ///
    /// # Errors
    ///
    /// When the lengths differ, a number is out of range, or one class has no weight.
    pub fn new(logits: &[f32], labels: &[f32], weights: Option<&[f32]>) -> Result<Self, FitError> {
        let weight_count = weights.map_or(logits.len(), <[f32]>::len);
        if logits.len() != labels.len() || logits.len() != weight_count {
            return Err(FitError::Lengths {
                logits: logits.len(),
                labels: labels.len(),
                weights: weight_count,
            });
        }
        let mut observations = Self { rows: Vec::with_capacity(logits.len()), positive: 0.0, negative: 0.0 };
        let ones = std::iter::repeat(&1.0);
        let weights = weights.unwrap_or_default().iter().chain(ones);
        for (row, ((&logit, &label), &weight)) in logits.iter().zip(labels).zip(weights).enumerate() {
            if !logit.is_finite() {
                return Err(FitError::Logit { row });
            }
            if !(0.0..=1.0).contains(&label) {
                return Err(FitError::Label { row, found: label });
            }
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(FitError::Weight { row, found: weight });
            }
            let (logit, label, weight) = (f64::from(logit), f64::from(label), f64::from(weight));
            observations.positive += weight * label;
            observations.negative += weight * (1.0 - label);
            observations.rows.push(Row { logit, label, weight });
        }
        if observations.positive > 0.0 && observations.negative > 0.0 {
            Ok(observations)
        } else {
            let Self { positive, negative, .. } = observations;
            Err(FitError::SingleClass { positive, negative })
        }
    }

    /// The summed loss of `slope * logit + offset` with its gradient and Hessian.
    fn loss(&self, slope: f64, offset: f64) -> Loss {
        let high = (self.positive + 1.0) / (self.positive + 2.0);
        let low = 1.0 / (self.negative + 2.0);
        let mut loss = Loss::default();
        for &Row { logit, label, weight } in &self.rows {
            let target = low + label * (high - low);
            let z = slope * logit + offset;
            let p = sigmoid(z);
            let (error, curvature) = (weight * (p - target), weight * p * (1.0 - p));
            loss.value += weight * (softplus(z) - target * z);
            loss.gradient.0 += error * logit;
            loss.gradient.1 += error;
            loss.hessian.0 += curvature * logit * logit;
            loss.hessian.1 += curvature * logit;
            loss.hessian.2 += curvature;
        }
        loss
    }
}

/// Fits Platt scaling: a slope and an offset.
///
/// # Errors
///
/// When the logits are all equal, the best slope is not positive, or the search does not settle.
pub fn platt(observations: &Observations) -> Result<Fit, FitError> {
    let first = observations.rows.iter().find(|row| row.weight > 0.0);
    if constant(observations, first.map_or(0.0, |row| row.logit)) {
        return Err(FitError::ConstantLogits);
    }
    // Platt's start: no slope, and the offset of the base rate.
    let base = ln((observations.positive + 1.0) / (observations.negative + 1.0));
    let (slope, offset, loss, steps) = newton(observations, (0.0, base), |loss| {
        let (aa, ab, bb) = loss.hessian;
        let (a, b) = loss.gradient;
        // A sliver on the diagonal keeps the system solvable where every row is certain.
        let (aa, bb) = (aa + 1e-12, bb + 1e-12);
        let determinant = aa * bb - ab * ab;
        (-(bb * a - ab * b) / determinant, -(aa * b - ab * a) / determinant)
    })?;
    Ok(Fit { curve: Curve::platt(slope, offset)?, log_loss: mean(observations, loss), steps })
}

/// Fits temperature scaling: a slope without an offset, written as its inverse.
///
/// # Errors
///
/// When the logits are all zero, the best temperature is not positive, or the search does not settle.
pub fn temperature(observations: &Observations) -> Result<Fit, FitError> {
    if constant(observations, 0.0) {
        return Err(FitError::ConstantLogits);
    }
    let (slope, _, loss, steps) =
        newton(observations, (0.0, 0.0), |loss| (-loss.gradient.0 / (loss.hessian.0 + 1e-12), 0.0))?;
    Ok(Fit { curve: Curve::temperature(1.0 / slope)?, log_loss: mean(observations, loss), steps })
}

#[derive(Default)]
struct Loss {
    value: f64,
    gradient: (f64, f64),
    /// The second derivatives: slope twice, slope and offset, offset twice.
    hessian: (f64, f64, f64),
}

/// Newton's method with halved steps (Armijo) from `start`; returns slope, offset, loss and the number of steps.
fn newton(
    observations: &Observations,
    start: (f64, f64),
    direction: impl Fn(&Loss) -> (f64, f64),
) -> Result<(f64, f64, f64, u32), FitError> {
    let (mut slope, mut offset) = start;
    let mut loss = observations.loss(slope, offset);
    for steps in 1..=MAX_STEPS {
        let (da, db) = direction(&loss);
        let descent = loss.gradient.0 * da + loss.gradient.1 * db;
        if -descent <= CLOSE_ENOUGH * loss.value {
            (slope, offset) = (slope + da, offset + db);
            return Ok((slope, offset, observations.loss(slope, offset).value, steps));
        }
        let mut share = 1.0;
        loop {
            let (a, b) = (slope + share * da, offset + share * db);
            let next = observations.loss(a, b);
            if next.value <= loss.value + 1e-4 * share * descent {
                (slope, offset, loss) = (a, b, next);
                break;
            }
            share *= 0.5;
            if share < 1e-10 {
                return Err(FitError::NotConverged { steps });
            }
        }
    }
    Err(FitError::NotConverged { steps: MAX_STEPS })
}

fn constant(observations: &Observations, value: f64) -> bool {
    observations.rows.iter().filter(|row| row.weight > 0.0).all(|row| row.logit == value)
}

fn mean(observations: &Observations, loss: f64) -> f64 {
    loss / (observations.positive + observations.negative)
}
