//! Curves: known values, fixed bits, order and inversion.

use super::*;
use proptest::prelude::*;

fn curve() -> impl Strategy<Value = Curve> {
    prop_oneof![
        (-6.0f64..6.0, -50.0f64..50.0).prop_map(|(a, b)| Curve::platt(10f64.powf(a), b).unwrap()),
        (-6.0f64..6.0).prop_map(|t| Curve::temperature(10f64.powf(t)).unwrap()),
    ]
}

#[test]
fn parameters_are_checked() {
    for a in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e7, 1e-7] {
        assert!(matches!(Curve::platt(a, 0.0), Err(CurveError::Slope { .. })));
        assert!(matches!(Curve::temperature(a), Err(CurveError::Temperature { .. })));
    }
    for b in [f64::NAN, f64::NEG_INFINITY, 1e7, -1e7] {
        assert!(matches!(Curve::platt(1.0, b), Err(CurveError::Offset { .. })));
    }
}

#[test]
fn ends_and_not_a_number() {
    for curve in [Curve::platt(1e6, 1e6).unwrap(), Curve::temperature(1e-6).unwrap()] {
        assert_eq!(curve.apply(f32::INFINITY), 1.0);
        assert_eq!(curve.apply(f32::NEG_INFINITY), 0.0);
        assert_eq!(curve.apply(f32::MAX), 1.0);
        assert_eq!(curve.apply(f32::MIN), 0.0);
        assert!(curve.apply(f32::NAN).is_nan());
        assert_eq!(curve.invert(0.0), f32::NEG_INFINITY);
        assert_eq!(curve.invert(1.0), f32::INFINITY);
        for score in [f32::NAN, -0.1, 1.1] {
            assert!(curve.invert(score).is_nan());
        }
    }
}

/// Fixed bits: these numbers must come out on every CPU and in every later version.
#[test]
fn fixed_bits() {
    let platt = Curve::platt(1.25, -0.75).unwrap();
    let temperature = Curve::temperature(1.7).unwrap();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for step in -4000i16..=4000 {
        let logit = f32::from(step) / 128.0;
        for curve in [platt, temperature] {
            for byte in curve.apply(logit).to_bits().to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    assert_eq!(platt.apply(1.0).to_bits(), 0.622_459_35_f32.to_bits());
    assert_eq!(hash, 7_331_981_801_283_758_589);
}

/// Every f32 in a stretch around zero, where neighbouring logits are closer than the exponential's error.
#[test]
fn neighbours_never_swap() {
    for curve in [Curve::platt(1.0, 0.0).unwrap(), Curve::platt(3.0, -2.0).unwrap()] {
        for start in [1e-12f32, 1e-9, 1e-7, 1e-4, 0.3, 0.7, 1.04, 5.0, 16.0] {
            let (mut logit, mut before) = (start, curve.apply(start));
            for _ in 0..20_000 {
                logit = logit.next_up();
                let score = curve.apply(logit);
                assert!(score >= before, "{logit:e} {score} {before}");
                before = score;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn never_decreases(curve in curve(), x in any::<f32>(), y in any::<f32>()) {
        let (low, high) = if x <= y { (x, y) } else { (y, x) };
        prop_assume!(!low.is_nan() && !high.is_nan());
        prop_assert!(curve.apply(low) <= curve.apply(high));
    }

    #[test]
    fn in_range_and_close(curve in curve(), x in -200.0f32..200.0) {
        let score = curve.apply(x);
        prop_assert!((0.0..=1.0).contains(&score));
        let z = match curve.parameters() {
            Parameters::Platt { a, b } => a * f64::from(x) + b,
            Parameters::Temperature { t } => f64::from(x) / t,
        };
        let truth = 1.0 / (1.0 + (-z).exp());
        prop_assert!((f64::from(score) - truth).abs() <= truth * 1.2e-7 + 1.5e-45);
    }

    #[test]
    fn inverts(a in 0.1f64..10.0, b in -3.0f64..3.0, score in 0.001f32..0.999) {
        let curve = Curve::platt(a, b).unwrap();
        prop_assert!((curve.apply(curve.invert(score)) - score).abs() < 1e-5);
    }
}
