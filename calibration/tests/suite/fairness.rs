//! Metrics of fairness and steadiness: by hand, and against oracles that look at every pair of rows.

use portcullis_calibration::Ranking;
use portcullis_calibration::measure::{self, Agreement, LengthBucket, MeasureError, Shift};
use proptest::prelude::*;

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
}

/// Rows of one kind: how many, their score, their label, and whether they are of the subgroup.
fn rows(kinds: &[(usize, f32, bool, bool)]) -> (Vec<f32>, Vec<bool>, Vec<bool>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for &(count, score, label, member) in kinds {
        columns.0.extend(std::iter::repeat_n(score, count));
        columns.1.extend(std::iter::repeat_n(label, count));
        columns.2.extend(std::iter::repeat_n(member, count));
    }
    columns
}

#[test]
fn subgroup_auc_by_hand() {
    let (scores, labels, members) = rows(&[
        (20, 0.6, true, true),
        (15, 0.3, false, true),
        (5, 0.7, false, true),
        (10, 0.65, true, false),
        (10, 0.9, true, false),
        (30, 0.1, false, false),
        (10, 0.6, false, false),
    ]);
    let found = measure::subgroup_auc(&scores, &labels, &members).unwrap();
    assert_eq!((found.positives, found.negatives), (20, 20));
    // 0.6 is above fifteen of twenty.
    near(found.subgroup_auc.unwrap(), 0.75);
    // 0.65 is above fifteen of twenty, 0.9 above all.
    near(found.bpsn_auc.unwrap(), 0.875);
    // 0.6 is above thirty of forty and tied with ten.
    near(found.bnsp_auc.unwrap(), 0.875);
}

#[test]
fn few_rows_give_no_auc() {
    let (scores, labels, members) = rows(&[
        (20, 0.6, true, true),
        (19, 0.3, false, true),
        (50, 0.9, true, false),
        (50, 0.1, false, false),
    ]);
    let found = measure::subgroup_auc(&scores, &labels, &members).unwrap();
    assert_eq!((found.positives, found.negatives), (20, 19));
    assert_eq!((found.subgroup_auc, found.bpsn_auc, found.bnsp_auc), (None, None, None));
    // A background of one class is compared with that class only.
    let (scores, labels, members) =
        rows(&[(20, 0.6, true, true), (20, 0.3, false, true), (20, 0.9, true, false)]);
    let found = measure::subgroup_auc(&scores, &labels, &members).unwrap();
    assert_eq!((found.subgroup_auc, found.bpsn_auc, found.bnsp_auc), (Some(1.0), Some(1.0), None));
    assert_eq!(measure::subgroup_auc(&[], &[], &[]), Err(MeasureError::Empty));
    let found = measure::subgroup_auc(&[0.5], &[true], &[]);
    assert!(matches!(found, Err(MeasureError::Lengths { .. })));
}

#[test]
fn generalized_mean_by_hand() {
    assert_eq!(measure::generalized_mean(&[], -5.0), None);
    near(measure::generalized_mean(&[0.5, 0.5], -5.0).unwrap(), 0.5);
    // The mean of 2^5 and 1 is 16.5.
    near(measure::generalized_mean(&[0.5, 1.0], -5.0).unwrap(), 16.5_f64.powf(-0.2));
    near(measure::generalized_mean(&[1.0, 2.0, 6.0], 1.0).unwrap(), 3.0);
    near(measure::generalized_mean(&[3.0, 4.0], 2.0).unwrap(), 12.5_f64.sqrt());
    assert_eq!(measure::generalized_mean(&[0.0, 1.0], measure::MEAN_POWER), Some(0.0));
}

#[test]
fn shift_by_hand() {
    let found = measure::shift(&[-0.5, 0.25, 0.0]).unwrap();
    // The 95th percentile lies nine tenths of the way from 0.25 to 0.5.
    assert_eq!((found.count, found.median, found.max), (3, 0.25, 0.5));
    near(found.p95, 0.475);
    assert_eq!(measure::shift(&[-0.5]).unwrap(), Shift { count: 1, median: 0.5, p95: 0.5, max: 0.5 });
    assert_eq!(measure::shift(&[]), Err(MeasureError::Empty));
    assert_eq!(measure::shift(&[0.0, f32::NAN]), Err(MeasureError::NotFinite { row: 1 }));
}

#[test]
fn accuracy_by_hand() {
    let ranking = Ranking::new(&[0.9, 0.5, 0.4, 0.5], &[true, true, true, false]).unwrap();
    // At 0.5: two positives flagged, one missed, one false alarm.
    assert_eq!(measure::accuracy(&ranking, 0.5), 0.5);
    assert_eq!(measure::accuracy(&ranking, 0.6), 0.5);
    assert_eq!(measure::accuracy(&ranking, 0.0), 0.75);
    let single = Ranking::new(&[0.9, 0.2], &[false, false]).unwrap();
    assert_eq!(measure::accuracy(&single, 0.5), 0.5);
    assert_eq!(measure::flagged_share(&[0.9, 0.5, 0.4, 0.1], 0.5), Some(0.5));
    assert_eq!(measure::flagged_share(&[], 0.5), None);
}

#[test]
fn lengths_by_hand() {
    let rows = [
        (0, 0.2, false),
        (16, 0.6, false),
        (17, 0.9, true),
        (64, 0.1, true),
        (512, 0.5, false),
        (513, 0.4, false),
        (9000, 0.7, true),
    ];
    let buckets = measure::by_length(&rows, Some(0.5)).unwrap();
    let ranges: Vec<_> = buckets.iter().map(|bucket| (bucket.first, bucket.last)).collect();
    assert_eq!(ranges, [(1, Some(16)), (17, Some(64)), (65, Some(128)), (129, Some(512)), (513, None)]);
    let figures = |bucket: &LengthBucket| (bucket.positives, bucket.negatives, bucket.fpr, bucket.recall);
    assert_eq!(
        buckets.iter().map(figures).collect::<Vec<_>>(),
        [
            (0, 2, Some(0.5), None),
            (2, 0, None, Some(0.5)),
            (0, 0, None, None),
            (0, 1, Some(1.0), None),
            (1, 1, Some(0.0), Some(1.0)),
        ]
    );
    assert_eq!(buckets[0].mean_negative_tokens, Some(8.0));
    assert!((buckets[0].mean_negative_score.unwrap() - 0.4).abs() < 1e-6);
    let without = measure::by_length(&rows, None).unwrap();
    assert_eq!((without[0].fpr, without[1].recall, without[0].negatives), (None, None, 2));
}

#[test]
fn pairs_by_hand() {
    // Three rows of `a` make three pairs, of which one agrees; `c` is alone.
    let rows = [("a", 0), ("a", 0), ("b", 1), ("a", 2), ("b", 1), ("c", 0)];
    let found = measure::agreement(rows);
    assert_eq!(found, Agreement { pairs: 4, agreeing: 2 });
    assert_eq!(found.share(), Some(0.5));
    assert_eq!(Agreement::default().share(), None);
    let rows = [("a", 0.5), ("a", 0.25), ("b", 0.0), ("a", 1.0), ("b", 1.0), ("c", 0.5)];
    // 0.25 + 0.75 + 0.5 of `a`, 1 of `b`.
    assert_eq!(measure::mean_difference(rows), Some((4, 2.5 / 4.0)));
    assert_eq!(measure::mean_difference([("a", 0.5), ("b", 0.7)]), None);
}

proptest! {
    #[test]
    fn differences_match_every_pair(rows in prop::collection::vec((0_u8..4, 0_u16..1000), 0..40)) {
        let rows: Vec<(u8, f32)> = rows.into_iter().map(|(name, score)| (name, f32::from(score) / 1000.0)).collect();
        let mut differences = Vec::new();
        for (at, one) in rows.iter().enumerate() {
            for other in rows.iter().skip(at + 1).filter(|other| other.0 == one.0) {
                differences.push(f64::from((one.1 - other.1).abs()));
            }
        }
        match measure::mean_difference(rows) {
            Some((pairs, mean)) => {
                prop_assert_eq!(pairs as usize, differences.len());
                prop_assert!((mean - differences.iter().sum::<f64>() / pairs as f64).abs() < 1e-6);
            }
            None => prop_assert!(differences.is_empty()),
        }
    }
}
