//! The upper tail of the chi-square distribution, by the incomplete gamma function.

use crate::elementary::{exp, ln};

/// The probability that a chi-square variable with `degrees` of freedom is at least `statistic`, in `0..=1`.
///
/// 1 where there are no degrees of freedom. The error is below 1e-10 up to a hundred degrees.
#[must_use]
pub fn chi_square_upper(statistic: f64, degrees: u32) -> f64 {
    if degrees == 0 || statistic.is_nan() || statistic <= 0.0 {
        return 1.0;
    }
    let (a, x) = (f64::from(degrees) / 2.0, statistic / 2.0);
    let upper = if x < a + 1.0 { 1.0 - lower_series(a, x) } else { upper_fraction(a, x) };
    upper.clamp(0.0, 1.0)
}

/// The regularised lower incomplete gamma function by its series (Abramowitz and Stegun 6.5.29), for `x < a + 1`.
fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..500 {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * 1e-16 {
            break;
        }
    }
    sum * exp(a * ln(x) - x - ln_gamma(a))
}

/// The regularised upper incomplete gamma function by its continued fraction (Abramowitz and Stegun 6.5.31), in the form of
/// Lentz, for `x >= a + 1`.
fn upper_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
    let mut product = d;
    for step in 1..500 {
        let step = f64::from(step);
        let numerator = -step * (step - a);
        b += 2.0;
        d = numerator * d + b;
        if d.abs() < TINY {
            d = TINY;
        }
        c = b + numerator / c;
        if c.abs() < TINY {
            c = TINY;
        }
        d = 1.0 / d;
        product *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    exp(a * ln(x) - x - ln_gamma(a)) * product
}

/// The logarithm of the gamma function at a multiple of one half, from its values at 1/2 and 1.
fn ln_gamma(a: f64) -> f64 {
    let mut at = if a.fract() == 0.0 { 1.0 } else { 0.5 };
    let mut sum = if a.fract() == 0.0 { 0.0 } else { 0.5 * ln(std::f64::consts::PI) };
    while at < a {
        sum += ln(at);
        at += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests;
