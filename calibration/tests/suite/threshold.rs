//! Thresholds against a search over every candidate.

use portcullis_calibration::threshold::{self, ThresholdError};
use proptest::prelude::*;

#[test]
fn exact_shares() {
    // 0.29 * 100 rounds below 29, yet 29 of 100 is a share of 0.29.
    let scores: Vec<f32> = (0..100u8).map(|row| f32::from(row) / 100.0).collect();
    for percent in 1..100u32 {
        let found = threshold::at_fpr(&scores, f64::from(percent) / 100.0, "mix").unwrap();
        assert_eq!(found.false_positives, u64::from(percent));
    }
}

#[test]
fn ties_go_together() {
    let found = threshold::at_fpr(&[0.5, 0.5, 0.5, 0.1], 0.5, "mix").unwrap();
    assert_eq!((found.threshold, found.false_positives), (0.5f32.next_up(), 0));
    let found = threshold::at_fpr(&[0.5, 0.5, 0.5, 0.1], 0.75, "mix").unwrap();
    assert_eq!((found.threshold, found.false_positives), (0.1f32.next_up(), 3));
}

#[test]
fn refusals() {
    let at = threshold::at_fpr;
    assert!(matches!(at(&[], 0.1, "mix"), Err(ThresholdError::Empty)));
    for score in [f32::NAN, 1.5, -0.5, f32::INFINITY] {
        assert!(matches!(at(&[0.1, score], 0.1, "mix"), Err(ThresholdError::NotProbability { row: 1, .. })));
    }
    for target in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(matches!(at(&[0.1], target, "mix"), Err(ThresholdError::Target(_))));
    }
    insta::assert_snapshot!(
        at(&[1.0, 1.0, 0.2], 0.4, "mix").unwrap_err(),
        @"2 of 3 negative rows score exactly 1, so no threshold allows only 1"
    );
}

proptest! {
    #[test]
    fn smallest_threshold(steps in prop::collection::vec(0u8..20, 1..80), target in 0.001f64..0.999) {
        let scores: Vec<f32> = steps.iter().map(|step| f32::from(*step) / 20.0).collect();
        let fpr = |threshold: f32| {
            scores.iter().filter(|score| **score >= threshold).count() as f64 / scores.len() as f64
        };
        let found = threshold::at_fpr(&scores, target, "mix").unwrap();
        prop_assert!(fpr(found.threshold) <= target);
        prop_assert!(fpr(found.threshold.next_down()) > target);
        prop_assert_eq!(found.false_positives as f64 / found.negatives as f64, fpr(found.threshold));
        prop_assert!(found.fpr_upper_95 > fpr(found.threshold));
    }
}
