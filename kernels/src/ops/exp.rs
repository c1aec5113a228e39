//! The exponential function for arguments of at most 0, the same bits on every level.
//!
//! `exp(x) = 2^n * exp(r)` with `n` the whole number nearest to `x / ln 2` and `r` what is left, at most `ln 2 / 2`
//! in size. `ln 2` is taken off in two parts, the first with few bits, so that `r` is exact to the last place.
//! `exp(r) = 1 + r + r² q(r)`, where `q` has degree 4; its coefficients minimise the largest relative error of the
//! whole (least squares with Lawson's reweighting on Chebyshev nodes; 3e-9 before rounding, 9e-8 after).

use super::{abreast, polynomial};
use crate::isa::{Isa, Lanes, SHIFT};

/// Below this the result is 0.
const LOWEST: f32 = -88.0;
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -0.000_212_194_44;
const Q: [f32; 5] = [0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_745, 0.001_381_453_8];

/// `exp(x)` for `x` at most 0 in each lane: within 1.2e-7 of the true value relative to it where that is at least
/// 2^-126, else 0. NaN stays NaN.
#[inline(always)]
pub(super) fn exp<I: Isa>(isa: I, x: I::Lanes) -> I::Lanes {
    // In this order of operands a NaN lane comes through.
    let x = isa.splat(LOWEST).max(x);
    let n = x.mul(isa.splat(std::f32::consts::LOG2_E)).round();
    let r = n.mul_add(isa.splat(-LN_2_HIGH), x);
    let r = n.mul_add(isa.splat(-LN_2_LOW), r);
    let [q0, q1, q2, q3, q4] = Q.map(|q| isa.splat(q));
    let q = q4.mul_add(r, q3).mul_add(r, q2).mul_add(r, q1).mul_add(r, q0);
    let power = q.mul_add(r.mul(r), r).add(isa.splat(1.0));
    power.mul(n.power_of_two())
}

/// Below this, [`weights`] is 0.
const LIGHTEST: f32 = -7.0;
const W: [f32; 5] = [255.0, 254.991_55, 127.508_2, 42.807_99, 10.586_032];

/// `255 exp(x)` for each `x`, at most 0 in each lane, within 0.001, then rounded to a whole number. NaN stays NaN.
///
/// A weight of the softmax needs no more; this takes half the time of [`exp`]. The coefficients, of `255 exp(r)`, are
/// fitted as above, and `n`, at least -10, needs no second part of `ln 2`.
#[inline(always)]
pub(super) fn weights<I: Isa, const N: usize, const M: usize>(
    isa: I,
    mut x: [[I::Lanes; N]; M],
) -> [[I::Lanes; N]; M] {
    for x in x.as_flattened_mut() {
        // In this order of operands a NaN lane comes through.
        *x = isa.splat(LIGHTEST).max(*x);
    }
    let mut weights = scaled_powers(isa, x);
    for weight in weights.as_flattened_mut() {
        *weight = weight.round();
    }
    weights
}

/// [`weights`] as whole numbers, for each `x` in `-2^21..=0`.
#[inline(always)]
pub(super) fn whole_weights<I: Isa, const N: usize, const M: usize>(
    isa: I,
    mut x: [[I::Lanes; N]; M],
) -> [[I::Sums; N]; M] {
    if !I::Lanes::VANISHES {
        for x in x.as_flattened_mut() {
            *x = isa.splat(LIGHTEST).max(*x);
        }
    }
    let mut whole = [[isa.whole(isa.splat(0.0)); N]; M];
    for (whole, x) in whole.as_flattened_mut().iter_mut().zip(scaled_powers(isa, x).as_flattened()) {
        *whole = isa.whole(*x);
    }
    whole
}

/// `255 exp(x)`.
#[inline(always)]
fn scaled_powers<I: Isa, const N: usize, const M: usize>(
    isa: I,
    mut x: [[I::Lanes; N]; M],
) -> [[I::Lanes; N]; M] {
    let mut shifted = x;
    for shifted in shifted.as_flattened_mut() {
        *shifted = shifted.mul_add(isa.splat(std::f32::consts::LOG2_E), isa.splat(SHIFT));
    }
    abreast(shifted.as_flattened_mut());
    for (x, shifted) in x.as_flattened_mut().iter_mut().zip(shifted.as_flattened()) {
        *x = shifted.sub(isa.splat(SHIFT)).mul_add(isa.splat(-std::f32::consts::LN_2), *x);
    }
    let mut power = polynomial(isa, &W, x);
    for (power, shifted) in power.as_flattened_mut().iter_mut().zip(shifted.as_flattened()) {
        *power = power.scale(shifted.sub(isa.splat(SHIFT)), *shifted);
    }
    power
}

#[cfg(test)]
mod tests {
    use super::{exp, weights};
    use crate::isa::{Isa, Lanes};
    use crate::scalar::Scalar;

    fn exp_of(x: f32) -> f32 {
        let isa = Scalar::new().unwrap();
        exp(isa, isa.splat(x)).largest()
    }

    #[test]
    fn stays_within_the_stated_error() {
        let mut worst = 0f64;
        for step in 0..=870_000 {
            let x = step as f32 * -1e-4;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp_of(x)) - exact).abs() / exact);
        }
        assert!(worst < 1.2e-7, "{worst}");
    }

    #[test]
    fn weights_are_those_of_the_exact_function() {
        let isa = Scalar::new().unwrap();
        for step in 0..=1_000_000 {
            let x = step as f32 * -1e-5;
            let exact = 255.0 * f64::from(x).exp();
            let found = f64::from(weights(isa, [[isa.splat(x)]])[0][0].largest());
            assert!((found - exact).abs() < 0.501, "{x}: {found}");
        }
        assert_eq!(weights(isa, [[isa.splat(0.0)]])[0][0].largest(), 255.0);
        assert_eq!(weights(isa, [[isa.splat(f32::NEG_INFINITY)]])[0][0].largest(), 0.0);
        assert!(weights(isa, [[isa.splat(f32::NAN)]])[0][0].sum().is_nan());
        assert!(weights(isa, [[isa.splat(-f32::NAN)]])[0][0].sum().is_nan());
    }

    #[test]
    fn ends_are_exact() {
        assert_eq!(exp_of(0.0), 1.0);
        assert_eq!(exp_of(-88.0), 0.0);
        assert_eq!(exp_of(-1e30), 0.0);
        assert_eq!(exp_of(f32::NEG_INFINITY), 0.0);
        let isa = Scalar::new().unwrap();
        assert!(exp(isa, isa.splat(f32::NAN)).sum().is_nan());
    }
}
