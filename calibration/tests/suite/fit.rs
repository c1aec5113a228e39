//! Fits against SciPy, the conditions of a minimum, and data that has no curve.

use portcullis_calibration::fit::{FitError, Observations, platt, temperature};
use portcullis_calibration::{CurveError, Parameters};
use proptest::prelude::*;

const LOGITS: [f32; 12] = [-3.0, -2.0, -1.5, -0.5, 0.5, -0.2, 1.0, 2.0, 2.5, 4.0, -1.0, 0.3];
const LABELS: [f32; 12] = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.25, 0.75];
const WEIGHTS: [f32; 12] = [1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 3.0, 1.0, 1.0];

/// The minimum that SciPy 1.17 finds by Nelder–Mead and Brent for the same loss.
#[test]
fn known_minimum() {
    let rows = Observations::new(&LOGITS, &LABELS, Some(&WEIGHTS)).unwrap();
    let fit = platt(&rows).unwrap();
    let Parameters::Platt { a, b, .. } = fit.curve.parameters() else { panic!("not platt") };
    assert!((a - 0.74557253).abs() < 1e-6 && (b + 0.19301945).abs() < 1e-6, "{a} {b}");
    assert!((fit.log_loss - 0.4775013014862725).abs() < 1e-8);

    let fit = temperature(&rows).unwrap();
    let Parameters::Temperature { t, .. } = fit.curve.parameters() else { panic!("not temperature") };
    assert!((t - 1.3462915820).abs() < 1e-6, "{t}");
    assert!((fit.log_loss - 0.4804147548533429).abs() < 1e-8);
}

#[test]
fn refusals() {
    let new = Observations::new;
    assert!(matches!(new(&[1.0], &[1.0, 0.0], None), Err(FitError::Lengths { .. })));
    assert!(matches!(new(&[1.0], &[1.0], Some(&[])), Err(FitError::Lengths { .. })));
    assert!(matches!(new(&[1.0, f32::NAN], &[1.0, 0.0], None), Err(FitError::Logit { row: 1 })));
    assert!(matches!(new(&[1.0, 2.0], &[1.0, 1.5], None), Err(FitError::Label { row: 1, .. })));
    assert!(matches!(new(&[1.0, 2.0], &[f32::NAN, 1.0], None), Err(FitError::Label { row: 0, .. })));
    assert!(matches!(
        new(&[1.0, 2.0], &[1.0, 0.0], Some(&[1.0, -1.0])),
        Err(FitError::Weight { row: 1, .. })
    ));
    for (labels, weights) in [([1.0, 1.0], [1.0, 1.0]), ([0.0, 0.0], [1.0, 1.0]), ([0.0, 1.0], [1.0, 0.0])] {
        assert!(matches!(new(&[1.0, 2.0], &labels, Some(&weights)), Err(FitError::SingleClass { .. })));
    }
    assert!(matches!(new(&[], &[], None), Err(FitError::SingleClass { .. })));
    insta::assert_snapshot!(
        new(&[1.0, 2.0], &[1.0, 1.0], None).unwrap_err(),
        @"found a weight of 2 on the positive class and 0 on the negative, expected some on each"
    );
}

#[test]
fn no_curve() {
    let rows = Observations::new(&[2.0, 2.0, 9.0], &[1.0, 0.0, 1.0], Some(&[1.0, 1.0, 0.0])).unwrap();
    assert_eq!(platt(&rows), Err(FitError::ConstantLogits));
    let rows = Observations::new(&[0.0, 0.0], &[1.0, 0.0], None).unwrap();
    assert_eq!(temperature(&rows), Err(FitError::ConstantLogits));
    let falling = Observations::new(&[2.0, 1.0, -1.0, -2.0], &[0.0, 0.0, 1.0, 1.0], None).unwrap();
    assert!(matches!(platt(&falling), Err(FitError::Curve(CurveError::Slope { .. }))));
    assert!(matches!(temperature(&falling), Err(FitError::Curve(CurveError::Temperature { .. }))));
}

/// Separable rows have no finite maximum likelihood; the smoothed targets give one.
#[test]
fn separable() {
    let logits: Vec<f32> = (-50i8..50).map(|step| f32::from(step) * 10.0 + 5.0).collect();
    let labels: Vec<f32> = logits.iter().map(|&logit| f32::from(logit > 0.0)).collect();
    let rows = Observations::new(&logits, &labels, None).unwrap();
    assert!(platt(&rows).unwrap().curve.apply(5.0) > 0.5);
    assert!(temperature(&rows).unwrap().curve.apply(5.0) > 0.5);
}

#[test]
fn extreme_logits() {
    let rows = Observations::new(&[-3e38, 3e38, 1.0, -1.0], &[0.0, 1.0, 1.0, 0.0], None).unwrap();
    // Any answer but a panic or a bad curve.
    for fit in [platt(&rows), temperature(&rows)].into_iter().flatten() {
        assert!(fit.curve.apply(0.0).is_finite());
    }
}

proptest! {
    /// Labels that lie on a known curve give that curve back, up to the smoothing of the targets.
    #[test]
    fn recovers_a_curve(a in 0.3f64..2.0, b in -1.0f64..1.0) {
        let logits: Vec<f32> = (-2000i16..2000).map(|step| f32::from(step) / 500.0).collect();
        let labels: Vec<f32> =
            logits.iter().map(|&x| (1.0 / (1.0 + (-(a * f64::from(x) + b)).exp())) as f32).collect();
        let fit = platt(&Observations::new(&logits, &labels, None).unwrap()).unwrap();
        for x in [-3.0f32, -1.0, 0.0, 0.5, 2.0] {
            let truth = 1.0 / (1.0 + (-(a * f64::from(x) + b)).exp());
            prop_assert!((f64::from(fit.curve.apply(x)) - truth).abs() < 0.01);
        }
    }

    /// A weight of two is the same as the row twice.
    #[test]
    fn weights_count_rows(rows in prop::collection::vec((-5.0f32..5.0, 0u8..=1, 1u8..4), 4..40)) {
        let logits: Vec<f32> = rows.iter().map(|row| row.0).collect();
        let labels: Vec<f32> = rows.iter().map(|row| f32::from(row.1)).collect();
        let weights: Vec<f32> = rows.iter().map(|row| f32::from(row.2)).collect();
        let repeated: Vec<_> = rows.iter().flat_map(|row| vec![*row; usize::from(row.2)]).collect();
        let weighted = Observations::new(&logits, &labels, Some(&weights));
        prop_assume!(weighted.is_ok());
        let long_logits: Vec<f32> = repeated.iter().map(|row| row.0).collect();
        let long_labels: Vec<f32> = repeated.iter().map(|row| f32::from(row.1)).collect();
        let long = Observations::new(&long_logits, &long_labels, None).unwrap();
        if let (Ok(short), Ok(long)) = (platt(&weighted.unwrap()), platt(&long)) {
            prop_assert!((short.log_loss - long.log_loss).abs() < 1e-9);
            prop_assert!((short.curve.apply(0.5) - long.curve.apply(0.5)).abs() < 1e-4);
        }
    }
}
