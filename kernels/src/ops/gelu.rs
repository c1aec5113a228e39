//! The GELU activation in its erf form, the same bits on every level.
//!
//! `gelu(x) = x/2 (1 + erf(x / √2))` (Hendrycks and Gimpel, 2016). Between -5.25 and 5.25,
//! `erf(x / √2) = x P(s)` with `s = 2 (x / 5.25)² - 1`, which runs over -1..=1, so that the powers of `s` stay small
//! and Horner's rule in f32 loses nothing. `P` has degree 13; its coefficients minimise the largest error of `x P(s)`,
//! weighted by `x` above 2 (least squares with Lawson's reweighting on Chebyshev nodes), under the condition
//! `5.25 P(1) = 1 + 1e-7`. The condition makes the clamped result exactly ±1 at and beyond the ends, so that `gelu` is
//! exactly 0 and exactly `x` there. There is no division, and the steps are the same for every lane.

use super::polynomial;
use crate::isa::{Isa, Lanes};

const END: f32 = 5.25;
const P: [f32; 14] = [
    2.693_187e-1,
    -1.342_530_4e-1,
    9.929_019e-2,
    -7.954_694e-2,
    6.409_601e-2,
    -4.989_579e-2,
    3.680_932_5e-2,
    -2.628_750_4e-2,
    1.780_288e-2,
    -9.517_329e-3,
    4.068_983_7e-3,
    -3.302_333_6e-3,
    2.793_461_8e-3,
    -9.004_108e-4,
];

/// `gelu(x)` in each lane, from an `erf` within 5e-7 of the true one. NaN stays NaN; minus infinity gives NaN.
///
/// Several vectors at once hide the time that each step waits for the one before.
#[inline(always)]
pub(super) fn gelu<I: Isa, const N: usize, const M: usize>(
    isa: I,
    mut x: [[I::Lanes; N]; M],
) -> [[I::Lanes; N]; M] {
    let erf = erf(isa, x);
    for (x, erf) in x.as_flattened_mut().iter_mut().zip(erf.as_flattened()) {
        let half = x.mul(isa.splat(0.5));
        *x = half.mul_add(*erf, half);
    }
    x
}

/// `erf(x / √2)` in each lane.
#[inline(always)]
fn erf<I: Isa, const N: usize, const M: usize>(isa: I, mut x: [[I::Lanes; N]; M]) -> [[I::Lanes; N]; M] {
    let mut s = [[isa.splat(0.0); N]; M];
    for (x, s) in x.as_flattened_mut().iter_mut().zip(s.as_flattened_mut()) {
        // In this order of operands a NaN lane comes through.
        *x = isa.splat(-END).max(isa.splat(END).min(*x));
        *s = x.mul(*x).mul_add(isa.splat(2.0 / (END * END)), isa.splat(-1.0));
    }
    let p = polynomial(isa, &P, s);
    for (x, p) in x.as_flattened_mut().iter_mut().zip(p.as_flattened()) {
        *x = isa.splat(-1.0).max(isa.splat(1.0).min(x.mul(*p)));
    }
    x
}

#[cfg(test)]
mod tests {
    use super::{erf, gelu};
    use crate::isa::{Isa, Lanes};
    use crate::scalar::Scalar;

    /// `erf(x / √2)` by its power series, good to 1e-10 for `x` up to 5.25.
    fn exact(x: f64) -> f64 {
        let z = x / std::f64::consts::SQRT_2;
        let mut term = z;
        let mut sum = z;
        for n in 1..200 {
            term *= -z * z / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn stays_within_the_stated_error() {
        let isa = Scalar::new().unwrap();
        let (mut worst, mut worst_gelu) = (0f64, 0f64);
        for step in -525_000..=525_000 {
            let x = step as f32 * 1e-5;
            let wanted = exact(f64::from(x));
            worst = worst.max((f64::from(erf(isa, [[isa.splat(x)]])[0][0].largest()) - wanted).abs());
            let wanted = f64::from(x) / 2.0 * (1.0 + wanted);
            worst_gelu =
                worst_gelu.max((f64::from(gelu(isa, [[isa.splat(x)]])[0][0].largest()) - wanted).abs());
        }
        assert!(worst < 5e-7, "{worst}");
        assert!(worst_gelu < 1e-6, "{worst_gelu}");
    }

    #[test]
    fn ends_are_exact() {
        let isa = Scalar::new().unwrap();
        let of = |x: f32| gelu(isa, [[isa.splat(x)]])[0][0].largest();
        for x in [5.25, 6.0, 100.0, 1e30, f32::INFINITY] {
            assert_eq!(of(x), x);
        }
        for x in [-5.25, -6.0, -100.0, -1e30, 0.0] {
            assert_eq!(of(x), 0.0);
        }
        assert!(gelu(isa, [[isa.splat(f32::NAN)]])[0][0].sum().is_nan());
        assert!(gelu(isa, [[isa.splat(f32::NEG_INFINITY)]])[0][0].sum().is_nan());
    }
}
