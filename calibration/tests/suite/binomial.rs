//! Clopper–Pearson bounds against published tables, SciPy and their own definition.

use portcullis_calibration::binomial::{BinomialError, interval, upper_bound};
use proptest::prelude::*;

/// `scipy.stats.beta.ppf(confidence, events + 1, trials - events)`, SciPy 1.17.
const KNOWN: [(u64, u64, f64, f64); 14] = [
    (0, 10, 0.975, 0.308497107819),
    (1, 20, 0.975, 0.248732762772),
    (5, 10, 0.975, 0.812913971553),
    (0, 59, 0.95, 0.049507609888),
    (0, 300, 0.95, 0.009936081944),
    (3, 50, 0.95, 0.147837176364),
    (10, 1000, 0.95, 0.016903175121),
    (15, 16, 0.95, 0.996799302290),
    (17, 40, 0.95, 0.566860910716),
    (1000, 100_000, 0.95, 0.010533200901),
    (99_999, 100_000, 0.95, 0.999999487067),
    (30_000, 10_000_000, 0.95, 0.003028603501),
    (5_000_000, 10_000_000, 0.95, 0.500260124170),
    (0, 10_000_000, 0.95, 0.000000299573),
];

#[test]
fn known_values() {
    for (events, trials, confidence, expected) in KNOWN {
        let found = upper_bound(events, trials, confidence).unwrap();
        assert!((found - expected).abs() < 1e-9, "{events} of {trials}: {found} {expected}");
    }
}

/// The 95% intervals for 10 trials as tables print them.
#[test]
fn published_intervals() {
    for (events, low, high) in
        [(0, 0.0, 0.3085), (1, 0.0025, 0.4450), (3, 0.0667, 0.6525), (5, 0.1871, 0.8129), (10, 0.6915, 1.0)]
    {
        let (found_low, found_high) = interval(events, 10, 0.95).unwrap();
        assert!((found_low - low).abs() < 5e-5 && (found_high - high).abs() < 5e-5, "{events}");
    }
}

#[test]
fn refusals() {
    assert!(matches!(upper_bound(0, 0, 0.95), Err(BinomialError::Counts { .. })));
    assert!(matches!(upper_bound(3, 2, 0.95), Err(BinomialError::Counts { .. })));
    assert!(matches!(interval(3, 2, 0.95), Err(BinomialError::Counts { .. })));
    for confidence in [0.5, 1.0, 0.0, f64::NAN] {
        assert!(matches!(upper_bound(1, 2, confidence), Err(BinomialError::Confidence { .. })));
        assert!(matches!(interval(1, 2, confidence), Err(BinomialError::Confidence { .. })));
    }
}

/// The chance of `events` or fewer by multiplying probabilities out.
fn slow_tail(events: u64, trials: u64, rate: f64) -> f64 {
    (0..=events)
        .map(|count| {
            let ways = (0..count).fold(1.0, |ways, i| ways * (trials - i) as f64 / (i + 1) as f64);
            ways * rate.powi(count as i32) * (1.0 - rate).powi((trials - count) as i32)
        })
        .sum()
}

proptest! {
    #[test]
    fn meets_its_definition(trials in 1u64..200, share in 0.0f64..1.0, confidence in 0.6f64..0.999) {
        let events = (share * trials as f64) as u64;
        let bound = upper_bound(events, trials, confidence).unwrap();
        prop_assert!((slow_tail(events, trials, bound) - (1.0 - confidence)).abs() < 1e-8);
        prop_assert!(bound > events as f64 / trials as f64);
        prop_assert!(upper_bound(events + 1, trials, confidence).unwrap() > bound);
    }
}
