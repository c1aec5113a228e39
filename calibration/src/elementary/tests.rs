//! The elementary functions against the platform's.

use super::*;
use proptest::prelude::*;

const BOUND: f64 = 1.0 / (1u64 << 50) as f64;

#[test]
fn special_values() {
    assert!(exp(f64::NAN).is_nan());
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(f64::NEG_INFINITY), 0.0);
    assert_eq!(exp(f64::INFINITY), f64::INFINITY);
    assert!(exp(709.0).is_finite() && exp(-708.0) > 0.0);
    assert!(ln(f64::NAN).is_nan() && ln(-1.0).is_nan());
    assert_eq!(ln(1.0), 0.0);
    assert_eq!(ln(0.0), f64::NEG_INFINITY);
    assert_eq!(ln(f64::INFINITY), f64::INFINITY);
    assert!((ln(f64::from_bits(1)) - f64::from_bits(1).ln()).abs() < 1e-12);
    assert_eq!(softplus(1e300), 1e300);
    assert_eq!(softplus(-1e300), 0.0);
}

/// Fixed bits: a change here is a change of every score, on every CPU.
#[test]
fn known_bits() {
    // One unit in the last place above the nearest double to e.
    assert_eq!(exp(1.0).to_bits(), std::f64::consts::E.to_bits() + 1);
    assert_eq!(ln(2.0).to_bits(), std::f64::consts::LN_2.to_bits());
    assert_eq!(ln(10.0).to_bits(), std::f64::consts::LN_10.to_bits());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn exp_is_close(x in -708.0f64..709.0) {
        prop_assert!((exp(x) / x.exp() - 1.0).abs() < BOUND);
    }

    #[test]
    fn exp_is_close_near_zero(x in -1.0f64..1.0) {
        prop_assert!((exp(x) / x.exp() - 1.0).abs() < BOUND);
    }

    #[test]
    fn ln_is_close(power in -300i32..300, mantissa in 1.0f64..10.0) {
        let x = mantissa * 10f64.powi(power);
        prop_assert!((ln(x) - x.ln()).abs() <= BOUND * x.ln().abs().max(1e-3));
    }
}
