//! Thresholds against a search over every candidate.

use portcullis_calibration::threshold::{self, Budget, ThresholdError, joint};
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
    assert!(matches!(at(&[], 0.1, "mix"), Err(ThresholdError::Empty { .. })));
    for score in [f32::NAN, 1.5, -0.5, f32::INFINITY] {
        assert!(matches!(at(&[0.1, score], 0.1, "mix"), Err(ThresholdError::NotProbability { row: 1, .. })));
    }
    for target in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(matches!(at(&[0.1], target, "mix"), Err(ThresholdError::Rate { .. })));
    }
    insta::assert_snapshot!(
        at(&[1.0, 1.0, 0.2], 0.4, "mix").unwrap_err(),
        @"2 of 3 negative rows score exactly 1, so no threshold allows only 1"
    );
    let budget = Budget { total: 0.1, worst_kind: None };
    assert!(matches!(joint(&[], None, budget, "mix"), Err(ThresholdError::Empty { head: None })));
    insta::assert_snapshot!(
        joint(&[("a", &[0.1]), ("b", &[0.1, 0.2])], None, budget, "mix").unwrap_err(),
        @r#"found 2 rows of head "b", expected 1 as in the first head"#
    );
    let kinds = joint(&[("a", &[0.1])], Some(&["x", "y"]), budget, "mix");
    assert!(matches!(kinds, Err(ThresholdError::Lengths { head: None, .. })));
    let worst = Budget { total: 0.1, worst_kind: Some(0.0) };
    assert!(matches!(joint(&[("a", &[0.1])], None, worst, "mix"), Err(ThresholdError::Rate { .. })));
    insta::assert_snapshot!(
        joint(&[("a", &[0.1, 0.2]), ("b", &[1.0, 0.2])], None, budget, "mix").unwrap_err(),
        @r#"1 of 2 negative rows score exactly 1 of head "b", so no threshold allows only 0"#
    );
}

/// Two heads that flag the same rows cost once; two that flag different rows cost twice.
#[test]
fn overlap_is_spent_once() {
    let rising: Vec<f32> = (0..1000u16).map(|row| f32::from(row) / 1000.0).collect();
    let falling: Vec<f32> = rising.iter().rev().copied().collect();
    let budget = Budget { total: 0.01, worst_kind: None };
    let same = joint(&[("a", &rising), ("b", &rising)], None, budget, "mix").unwrap();
    assert_eq!((same.per_head, same.union.flagged), (0.01, 10));
    let apart = joint(&[("a", &rising), ("b", &falling)], None, budget, "mix").unwrap();
    assert_eq!((apart.per_head, apart.union.flagged), (0.005, 10));
    assert_eq!(apart.thresholds[0].1.target_fpr, 0.01);
    assert!(apart.union.upper_95 > 0.01);
}

#[test]
fn the_worst_kind_limits() {
    let scores: Vec<f32> = (0..1000u16).map(|row| f32::from(row) / 1000.0).collect();
    // The highest hundred scores are all fiction.
    let kinds: Vec<&str> = (0..1000).map(|row| if row >= 900 { "fiction" } else { "chat" }).collect();
    let free =
        joint(&[("a", &scores)], Some(&kinds), Budget { total: 0.01, worst_kind: None }, "mix").unwrap();
    assert_eq!(free.kinds.iter().map(|kind| kind.flagged).collect::<Vec<_>>(), [0, 10]);
    let held = Budget { total: 0.01, worst_kind: Some(0.02) };
    let held = joint(&[("a", &scores)], Some(&kinds), held, "mix").unwrap();
    assert_eq!((held.kinds[1].kind.as_str(), held.kinds[1].rate), ("fiction", 0.02));
    assert_eq!(held.union.flagged, 2);
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

    /// The joint share is feasible, the next is not, by trying each on every row.
    #[test]
    fn greatest_joint_share(
        rows in prop::collection::vec((0u8..30, 0u8..30, 0u8..30, 0u8..3), 1..60),
        total in 0.01f64..0.9,
        worst in prop::option::of(0.01f64..0.9),
    ) {
        let column = |pick: fn(&(u8, u8, u8, u8)) -> u8| {
            rows.iter().map(|row| f32::from(pick(row)) / 30.0).collect::<Vec<f32>>()
        };
        let columns = [column(|row| row.0), column(|row| row.1), column(|row| row.2)];
        let kinds: Vec<&str> = rows.iter().map(|row| ["x", "y", "z"][usize::from(row.3)]).collect();
        let thresholds = |share: usize| -> Vec<f32> {
            columns.iter().map(|scores| {
                let mut sorted = scores.clone();
                sorted.sort_by(|x, y| y.total_cmp(x));
                sorted.get(share).map_or(0.0, |score| score.next_up())
            }).collect()
        };
        let union = |share: usize, kind: Option<&str>| {
            let thresholds = thresholds(share);
            let of_kind: Vec<usize> = (0..rows.len()).filter(|row| kind.is_none_or(|kind| kinds[*row] == kind)).collect();
            let flagged = of_kind.iter().filter(|row| {
                columns.iter().zip(&thresholds).any(|(scores, threshold)| scores[**row] >= *threshold)
            }).count();
            if of_kind.is_empty() { 0.0 } else { flagged as f64 / of_kind.len() as f64 }
        };
        let feasible = |share: usize| {
            union(share, None) <= total
                && worst.is_none_or(|worst| ["x", "y", "z"].iter().all(|kind| union(share, Some(kind)) <= worst))
        };
        let heads: Vec<(&str, &[f32])> = ["a", "b", "c"].into_iter().zip(columns.iter().map(Vec::as_slice)).collect();
        let found = joint(&heads, Some(&kinds), Budget { total, worst_kind: worst }, "mix").unwrap();
        let share = (found.per_head * rows.len() as f64).round() as usize;
        prop_assert!(feasible(share));
        prop_assert!(!feasible(share + 1));
        prop_assert_eq!(found.union.rate, union(share, None));
        for kind in &found.kinds {
            prop_assert_eq!(kind.rate, union(share, Some(&kind.kind)));
        }
        for ((_, threshold), expected) in found.thresholds.iter().zip(thresholds(share)) {
            prop_assert_eq!(threshold.threshold, expected);
        }
    }
}
