//! Metrics: by hand, against scikit-learn, and against oracles that compare every pair of rows.

use portcullis_calibration::Ranking;
use portcullis_calibration::measure::{self, Bins, Bootstrap, MeasureError, ReportOptions};
use proptest::prelude::*;

const SCORES: [f32; 10] = [0.1, 0.4, 0.35, 0.8, 0.8, 0.2, 0.4, 0.9, 0.65, 0.4];
const LABELS: [bool; 10] = [false, false, true, true, false, false, true, true, false, true];

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-7, "{found} {expected}");
}

/// scikit-learn on the same rows.
#[test]
fn known_values() {
    let ranking = Ranking::new(&SCORES, &LABELS).unwrap();
    near(measure::auc(&ranking).unwrap(), 0.66);
    near(measure::average_precision(&ranking).unwrap(), 0.6869047619047619);
    near(measure::brier(&ranking).unwrap(), 0.2465);
    near(measure::log_loss(&ranking).unwrap(), 0.6709497382889829);
}

#[test]
fn by_hand() {
    // Falling: 0.9+ | 0.7- 0.7+ | 0.4- | 0.2+ | 0.1-
    let ranking =
        Ranking::new(&[0.7, 0.9, 0.4, 0.2, 0.7, 0.1], &[false, true, false, true, true, false]).unwrap();
    let roc = measure::roc(&ranking).unwrap();
    let points: Vec<(f64, f64)> = roc.iter().map(|point| (point.fpr, point.recall)).collect();
    let third = 1.0 / 3.0;
    assert_eq!(
        points,
        [(0.0, 0.0), (0.0, third), (third, 2.0 / 3.0), (2.0 / 3.0, 2.0 / 3.0), (2.0 / 3.0, 1.0), (1.0, 1.0)]
    );
    assert_eq!(roc[0].threshold, f32::INFINITY);
    // Pairs won: 3 by 0.9, 2.5 by 0.7, 1 by 0.2, of 9.
    near(measure::auc(&ranking).unwrap(), 6.5 / 9.0);
    // Steps: 1/3 at precision 1, 1/3 at 2/3, 1/3 at 3/5.
    near(measure::average_precision(&ranking).unwrap(), (1.0 + 2.0 / 3.0 + 0.6) / 3.0);
    // At 0.2: three of five flagged, all positives: 2*3/(5+3).
    let best = measure::best_f1(&ranking).unwrap();
    assert_eq!((best.f1, best.threshold), (0.75, 0.2));
    assert_eq!(measure::f1(&ranking, 0.7).unwrap(), 2.0 / 3.0);
    assert_eq!(measure::f1(&ranking, 0.95).unwrap(), 0.0);
    let point = measure::recall_at_fpr(&ranking, 0.34).unwrap();
    assert_eq!((point.threshold, point.recall), (0.7, 2.0 / 3.0));
    let point = measure::operating_point(&ranking, 0.7).unwrap();
    assert_eq!((point.fpr, point.recall), (third, 2.0 / 3.0));
}

#[test]
fn perfect_inverted_constant() {
    let labels = [true, true, false, false];
    let perfect = Ranking::new(&[0.9, 0.8, 0.2, 0.1], &labels).unwrap();
    assert_eq!(measure::auc(&perfect).unwrap(), 1.0);
    assert_eq!(measure::average_precision(&perfect).unwrap(), 1.0);
    assert_eq!(measure::best_f1(&perfect).unwrap().f1, 1.0);
    assert_eq!(measure::recall_at_fpr(&perfect, 0.0).unwrap().recall, 1.0);
    let inverted = Ranking::new(&[0.1, 0.2, 0.8, 0.9], &labels).unwrap();
    assert_eq!(measure::auc(&inverted).unwrap(), 0.0);
    assert_eq!(measure::recall_at_fpr(&inverted, 0.4).unwrap().recall, 0.0);
    assert_eq!(measure::recall_at_fpr(&inverted, 0.4).unwrap().threshold, f32::INFINITY);
    // Signed zeros are one score.
    let constant = Ranking::new(&[0.0, -0.0, 0.0, -0.0], &labels).unwrap();
    assert_eq!(constant.groups().len(), 1);
    assert_eq!(measure::auc(&constant).unwrap(), 0.5);
    assert_eq!(measure::average_precision(&constant).unwrap(), 0.5);
}

#[test]
fn refusals() {
    assert_eq!(Ranking::new(&[], &[]), Err(MeasureError::Empty));
    assert!(matches!(Ranking::new(&[0.5], &[]), Err(MeasureError::Lengths { .. })));
    for score in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(Ranking::new(&[0.5, score], &[true, false]), Err(MeasureError::NotFinite { row: 1 }));
    }
    let single = Ranking::new(&[0.5, 0.6], &[true, true]).unwrap();
    let expected = Err(MeasureError::SingleClass { positives: 2, negatives: 0 });
    assert_eq!(measure::auc(&single), expected);
    assert_eq!(measure::average_precision(&single), expected);
    assert_eq!(measure::roc(&single).map(|_| 0.0), expected);
    assert_eq!(measure::precision_recall(&single).map(|_| 0.0), expected);
    assert_eq!(measure::f1(&single, 0.5), expected);
    assert_eq!(measure::best_f1(&single).map(|_| 0.0), expected);
    assert_eq!(measure::recall_at_fpr(&single, 0.1).map(|_| 0.0), expected);
    assert_eq!(measure::operating_point(&single, 0.1).map(|_| 0.0), expected);
    let logits = Ranking::new(&[-1.5, 0.5], &[true, false]).unwrap();
    assert_eq!(measure::brier(&logits), Err(MeasureError::NotProbability { found: -1.5 }));
    assert!(matches!(measure::log_loss(&logits), Err(MeasureError::NotProbability { .. })));
    let two = Ranking::new(&[0.1, 0.5], &[true, false]).unwrap();
    for bins in [Bins::EqualWidth(0), Bins::EqualMass(1001)] {
        assert!(matches!(measure::reliability(&two, bins), Err(MeasureError::Bins { .. })));
    }
    for rate in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(measure::recall_at_fpr(&two, rate), Err(MeasureError::Rate { .. })));
    }
    for (replicates, confidence) in [(0, 0.95), (10, 0.0), (10, 1.0), (10, f64::NAN)] {
        let settings = Bootstrap { replicates, confidence, seed: 0 };
        let found = measure::bootstrap(&two, settings, |rows| Ok([measure::auc(rows)?]));
        assert!(matches!(found, Err(MeasureError::Bootstrap { .. })));
    }
}

#[test]
fn reliability_by_hand() {
    let scores = [0.05, 0.15, 0.15, 0.55, 1.0];
    let ranking = Ranking::new(&scores, &[false, false, true, true, true]).unwrap();
    let wide = measure::reliability(&ranking, Bins::EqualWidth(2)).unwrap();
    assert_eq!(wide.bins.iter().map(|bin| bin.rows).collect::<Vec<_>>(), [3, 2]);
    assert_eq!((wide.bins[0].low, wide.bins[0].high, wide.bins[1].high), (0.0, 0.5, 1.0));
    near(wide.ece, (3.0 * (1.0 / 3.0 - 0.35 / 3.0) + 2.0 * (1.0 - 0.775)) / 5.0);
    near(wide.max_error, 0.225);
    // The tied 0.15 stay together: five rows in five bins fill four.
    let mass = measure::reliability(&ranking, Bins::EqualMass(5)).unwrap();
    assert_eq!(mass.bins.iter().map(|bin| bin.rows).collect::<Vec<_>>(), [1, 2, 1, 1]);
    near(mass.ece, (0.05 + 2.0 * 0.35 + 0.45 + 0.0) / 5.0);
}

#[test]
fn certain_and_wrong_costs_a_finite_loss() {
    let ranking = Ranking::new(&[0.0, 1.0], &[true, false]).unwrap();
    near(measure::log_loss(&ranking).unwrap(), 24.0 * std::f64::consts::LN_2);
}

#[test]
fn intervals() {
    let ranking = Ranking::new(&SCORES, &LABELS).unwrap();
    let auc = |settings| measure::bootstrap(&ranking, settings, |rows| Ok([measure::auc(rows)?])).unwrap()[0];
    let first = auc(Bootstrap::default());
    assert_eq!(first, auc(Bootstrap::default()));
    assert_ne!(first, auc(Bootstrap { seed: 1, ..Bootstrap::default() }));
    assert!(first.low < 0.66 && 0.66 < first.high && first.low >= 0.0 && first.high <= 1.0);
    let narrow = auc(Bootstrap { confidence: 0.5, ..Bootstrap::default() });
    assert!(first.low < narrow.low && narrow.high < first.high);
    let one = auc(Bootstrap { replicates: 1, ..Bootstrap::default() });
    assert_eq!(one.low, one.high);
}

/// The interval of a mean against the normal approximation.
#[test]
fn interval_width() {
    let scores = vec![0.0f32; 1000];
    let ranking = Ranking::new(
        &scores.iter().enumerate().map(|(row, _)| f32::from(row % 5 == 0)).collect::<Vec<_>>(),
        &vec![false; 1000],
    )
    .unwrap();
    let [found] =
        measure::bootstrap(&ranking, Bootstrap::default(), |rows| Ok([measure::brier(rows)?])).unwrap();
    let half = 1.96 * (0.2f64 * 0.8 / 1000.0).sqrt();
    assert!((found.low - (0.2 - half)).abs() < 0.004 && (found.high - (0.2 + half)).abs() < 0.004);
}

#[test]
fn reports_by_slice() {
    let slices = ["chat", "chat", "chat", "chat", "chat", "code", "code", "code", "code", "code"];
    let options = ReportOptions {
        bootstrap: Bootstrap { replicates: 50, ..Bootstrap::default() },
        ..ReportOptions::default()
    };
    let found = measure::slices(&SCORES, &LABELS, &slices, &options).unwrap();
    assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["chat", "code"]);
    let alone = Ranking::new(&SCORES[..5], &LABELS[..5]).unwrap();
    assert_eq!(found[0].1, measure::report(&alone, &options).unwrap());
    assert_eq!(found[0].1.recall_at_fpr.len(), 2);
    let benign = measure::slices(&[0.1, 0.2], &[false, false], &["a", "a"], &options).unwrap();
    assert_eq!((benign[0].1.auc, benign[0].1.negatives), (None, 2));
    let short = measure::slices(&[0.1, 0.2], &[false, false], &["a"], &options);
    assert!(matches!(short, Err(MeasureError::Lengths { .. })));
    let json = serde_json::to_value(&found[0].1).unwrap();
    assert_eq!(json["bins"]["equal_mass"], 15);
}

/// Rows with many ties and both classes.
fn rows() -> impl Strategy<Value = (Vec<f32>, Vec<bool>)> {
    prop::collection::vec((0u8..12, any::<bool>()), 2..60)
        .prop_map(|rows| rows.into_iter().map(|(step, label)| (f32::from(step) / 11.0, label)).unzip())
        .prop_filter("both classes", |(_, labels): &(Vec<f32>, Vec<bool>)| {
            labels.contains(&true) && labels.contains(&false)
        })
}

fn slow_counts(scores: &[f32], labels: &[bool], threshold: f32) -> (f64, f64) {
    let flagged = |class| {
        scores.iter().zip(labels).filter(|(score, label)| **score >= threshold && **label == class).count()
            as f64
    };
    (flagged(true), flagged(false))
}

proptest! {
    #[test]
    fn auc_counts_pairs((scores, labels) in rows()) {
        let (mut wins, mut pairs) = (0.0, 0.0);
        for (x, _) in scores.iter().zip(&labels).filter(|(_, label)| **label) {
            for (y, _) in scores.iter().zip(&labels).filter(|(_, label)| !**label) {
                pairs += 1.0;
                wins += if x > y { 1.0 } else if x == y { 0.5 } else { 0.0 };
            }
        }
        let found = measure::auc(&Ranking::new(&scores, &labels).unwrap()).unwrap();
        prop_assert!((found - wins / pairs).abs() < 1e-12);
    }

    #[test]
    fn roc_area_is_auc((scores, labels) in rows()) {
        let ranking = Ranking::new(&scores, &labels).unwrap();
        let roc = measure::roc(&ranking).unwrap();
        let area: f64 = roc.windows(2).map(|w| (w[1].fpr - w[0].fpr) * (w[0].recall + w[1].recall) / 2.0).sum();
        prop_assert!((area - measure::auc(&ranking).unwrap()).abs() < 1e-12);
        prop_assert!(roc.windows(2).all(|w| w[0].fpr <= w[1].fpr && w[0].recall <= w[1].recall && w[0].threshold > w[1].threshold));
    }

    #[test]
    fn average_precision_counts_rows((scores, labels) in rows()) {
        let total = labels.iter().filter(|label| **label).count() as f64;
        let mut slow = 0.0;
        for (score, _) in scores.iter().zip(&labels).filter(|(_, label)| **label) {
            let (positives, negatives) = slow_counts(&scores, &labels, *score);
            slow += positives / (positives + negatives) / total;
        }
        let found = measure::average_precision(&Ranking::new(&scores, &labels).unwrap()).unwrap();
        prop_assert!((found - slow).abs() < 1e-12);
    }

    #[test]
    fn points_count_rows((scores, labels) in rows(), limit in 0.0f64..1.0) {
        let ranking = Ranking::new(&scores, &labels).unwrap();
        let (p, n) = slow_counts(&scores, &labels, 0.0);
        let (mut best_recall, mut best_f1) = (0.0f64, 0.0f64);
        for &threshold in &scores {
            let (tp, fp) = slow_counts(&scores, &labels, threshold);
            let point = measure::operating_point(&ranking, threshold).unwrap();
            prop_assert_eq!((point.recall, point.fpr), (tp / p, fp / n));
            let f1 = 2.0 * tp / (tp + fp + p);
            prop_assert_eq!(measure::f1(&ranking, threshold).unwrap(), f1);
            best_f1 = best_f1.max(f1);
            if fp / n <= limit {
                best_recall = best_recall.max(tp / p);
            }
        }
        prop_assert_eq!(measure::best_f1(&ranking).unwrap().f1, best_f1);
        prop_assert_eq!(measure::recall_at_fpr(&ranking, limit).unwrap().recall, best_recall);
    }

    #[test]
    fn losses_sum_rows((scores, labels) in rows()) {
        let ranking = Ranking::new(&scores, &labels).unwrap();
        let rows = scores.len() as f64;
        let target = |label: &bool| if *label { 1.0 } else { 0.0 };
        let brier: f64 = scores.iter().zip(&labels).map(|(s, l)| (f64::from(*s) - target(l)).powi(2)).sum();
        prop_assert!((measure::brier(&ranking).unwrap() - brier / rows).abs() < 1e-12);
        let loss: f64 = scores.iter().zip(&labels).map(|(s, l)| {
            let p = f64::from(*s).clamp(2f64.powi(-24), 1.0 - 2f64.powi(-24));
            if *l { -p.ln() } else { -(1.0 - p).ln() }
        }).sum();
        prop_assert!((measure::log_loss(&ranking).unwrap() - loss / rows).abs() < 1e-12);
    }

    #[test]
    fn bins_hold_every_row((scores, labels) in rows(), count in 1usize..30) {
        let ranking = Ranking::new(&scores, &labels).unwrap();
        for bins in [Bins::EqualWidth(count), Bins::EqualMass(count)] {
            let found = measure::reliability(&ranking, bins).unwrap();
            prop_assert_eq!(found.bins.iter().map(|bin| bin.rows).sum::<u64>(), ranking.rows());
            prop_assert!(found.bins.len() <= count && found.ece <= found.max_error + 1e-12);
            for bin in &found.bins {
                prop_assert!(bin.low <= bin.mean_score + 1e-7 && bin.mean_score <= bin.high + 1e-7);
            }
        }
        // One bin: the distance of the means.
        let one = measure::reliability(&ranking, Bins::EqualWidth(1)).unwrap().ece;
        let mean = scores.iter().map(|s| f64::from(*s)).sum::<f64>() / scores.len() as f64;
        let rate = ranking.positives() as f64 / ranking.rows() as f64;
        prop_assert!((one - (mean - rate).abs()).abs() < 1e-12);
    }
}
