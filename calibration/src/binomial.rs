//! Exact confidence bounds of a rate from a count (Clopper and Pearson 1934).
//!
//! The binomial tail is summed directly from Loader's saddle-point form of the probability (Loader 2000, "Fast and
//! accurate computation of binomial probabilities"), which stays accurate for millions of trials, where a continued
//! fraction with a fixed number of terms silently does not converge.

use crate::elementary::{exp, ln};

/// A confidence bound cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BinomialError {
    /// There are no trials, or more events than trials.
    #[error(
        "found {events} events in {trials} trials, expected at least one trial and no more events than trials"
    )]
    Counts {
        /// The number of events.
        events: u64,
        /// The number of trials.
        trials: u64,
    },
    /// The confidence is outside the open interval from one half to one.
    #[error("confidence is {found}, expected a number above 0.5 and below 1")]
    Confidence {
        /// The confidence found.
        found: f64,
    },
}

/// The one-sided upper bound of a rate: the true rate is below it with the given confidence.
///
/// It is the rate at which `events` or fewer in `trials` has the probability `1 - confidence`; 1 when every trial was
/// an event. The absolute error is below 1e-9 up to ten million trials.
///
/// # Errors
///
/// When `trials` is 0, `events > trials`, or `confidence` is not above 0.5 and below 1.
///
/// # Example
///
/// ```
/// // The rule of three: no event in 300 trials bounds the rate by about 3 / 300.
/// let bound = portcullis_calibration::binomial::upper_bound(0, 300, 0.95)?;
/// assert!((bound - 0.00993).abs() < 1e-5);
/// # Ok::<(), portcullis_calibration::binomial::BinomialError>(())
/// ```
pub fn upper_bound(events: u64, trials: u64, confidence: f64) -> Result<f64, BinomialError> {
    if trials == 0 || events > trials {
        return Err(BinomialError::Counts { events, trials });
    }
    if !(confidence > 0.5 && confidence < 1.0) {
        return Err(BinomialError::Confidence { found: confidence });
    }
    if events == trials {
        return Ok(1.0);
    }
    // At the observed rate the tail is at least one half, at rate 1 it is zero: the bound lies between.
    let (mut low, mut high) = (events as f64 / trials as f64, 1.0);
    for _ in 0..80 {
        let middle = low + (high - low) * 0.5;
        if lower_tail(events, trials, middle) > 1.0 - confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(high)
}

/// The two-sided interval of a rate: each end is a one-sided bound at half the remaining risk.
///
/// # Errors
///
/// When `trials` is 0, `events > trials`, or `confidence` is not above 0.5 and below 1.
pub fn interval(events: u64, trials: u64, confidence: f64) -> Result<(f64, f64), BinomialError> {
    if !(confidence > 0.5 && confidence < 1.0) {
        return Err(BinomialError::Confidence { found: confidence });
    }
    let one_sided = 0.5 + 0.5 * confidence;
    let high = upper_bound(events, trials, one_sided)?;
    let low = 1.0 - upper_bound(trials - events, trials, one_sided)?;
    Ok((low, high))
}

/// Wilson's two-sided score interval of a rate (Wilson 1927), `z` standard deviations of the normal distribution to either side.
///
/// It is near its confidence also for rates near 0 and for few trials, and costs one square root, where [`interval`] is exact
/// and searches. `(0, 1)` without trials; more events than trials count as all.
///
/// # Example
///
/// ```
/// let (low, high) = portcullis_calibration::binomial::wilson(10, 100, 1.96);
/// assert!((low - 0.0552).abs() < 1e-4 && (high - 0.1744).abs() < 1e-4);
/// ```
#[must_use]
pub fn wilson(events: u64, trials: u64, z: f64) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let n = trials as f64;
    let rate = events.min(trials) as f64 / n;
    let square = z * z;
    let centre = rate + square / (2.0 * n);
    let spread = z * (rate * (1.0 - rate) / n + square / (4.0 * n * n)).sqrt();
    let whole = 1.0 + square / n;
    (((centre - spread) / whole).max(0.0), ((centre + spread) / whole).min(1.0))
}

/// The probability of `events` or fewer in `trials` at a rate of at least `events / trials`, `events < trials`.
fn lower_tail(events: u64, trials: u64, rate: f64) -> f64 {
    let odds = (1.0 - rate) / rate;
    let (mut term, mut sum) = (1.0, 1.0);
    for count in (1..=events).rev() {
        // The ratio of the probability of `count - 1` to that of `count`: at most 1 here, and falling.
        term *= count as f64 * odds / (trials - count + 1) as f64;
        sum += term;
        if term < 1e-17 * sum {
            break;
        }
    }
    exp(ln_probability(events, trials, rate)) * sum
}

/// The logarithm of the probability of exactly `events` in `trials`, `events < trials`, `0 < rate < 1`.
fn ln_probability(events: u64, trials: u64, rate: f64) -> f64 {
    let n = trials as f64;
    if events == 0 {
        return n * ln(1.0 - rate);
    }
    let (k, rest) = (events as f64, (trials - events) as f64);
    let correction = stirling_error(trials) - stirling_error(events) - stirling_error(trials - events);
    correction - deviance(k, n * rate) - deviance(rest, n * (1.0 - rate))
        + 0.5 * ln(n / (2.0 * std::f64::consts::PI * k * rest))
}

/// `x ln(x / mean) + mean - x`.
fn deviance(x: f64, mean: f64) -> f64 {
    x * ln(x / mean) + mean - x
}

/// `ln(n!)` minus Stirling's `n ln n - n + ln(2 pi n) / 2`, for `n >= 1`.
fn stirling_error(n: u64) -> f64 {
    let x = n as f64;
    if n < 16 {
        let factorial: u64 = (1..=n).product();
        return ln(factorial as f64) - (x * ln(x) - x + 0.5 * ln(2.0 * std::f64::consts::PI * x));
    }
    let square = x * x;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / 1680.0 / square) / square) / square) / x
}
