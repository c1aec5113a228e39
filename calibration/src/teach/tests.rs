use proptest::prelude::*;

use super::{Example, LEAST_POSITIVES, Lesson, TeachError, least_negatives, teach};
use crate::{TaughtHead, binomial};

/// Numbers in -1..1 that are always the same.
fn noise(seed: &mut u64) -> f32 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 40) as f32 / f32::from(1u16 << 15) / 256.0 - 1.0
}

/// Texts of `windows` windows of 16 states; those of the category are moved by `apart` in one of them.
fn texts(positives: usize, negatives: usize, windows: usize, apart: f32) -> Vec<(Vec<Vec<f32>>, bool)> {
    let mut seed = 7;
    let mut text = |positive: bool| {
        let window = |_| {
            let mut states: Vec<f32> = (0..16).map(|_| noise(&mut seed)).collect();
            states[3] += if positive { apart } else { 0.0 } + 5.0;
            states
        };
        ((0..windows).map(window).collect(), positive)
    };
    (0..positives + negatives).map(|row| text(row < positives)).collect()
}

fn learn(texts: &[(Vec<Vec<f32>>, bool)]) -> Result<Lesson, TeachError> {
    let examples: Vec<Example<'_>> =
        texts.iter().map(|(windows, positive)| Example { windows, positive: *positive }).collect();
    teach("topic", &examples)
}

#[test]
fn classes_that_lie_apart_are_told_apart() {
    let lesson = learn(&texts(20, 60, 1, 3.0)).unwrap();
    assert!(lesson.auc > 0.999, "{}", lesson.auc);
    assert!(lesson.recall > 0.9, "{}", lesson.recall);
    assert!(lesson.threshold >= 0.5);
    let head = TaughtHead::new(&"0".repeat(64), &"1".repeat(64), "a test", lesson).unwrap();
    // Rows that it has not seen.
    let fresh = texts(200, 200, 1, 3.0);
    let mut right = 0;
    for (windows, positive) in &fresh[100..300] {
        let score = head.head().curve.apply(head.logit(&windows[0]));
        right += usize::from((score >= 0.5) == *positive);
    }
    assert!(right > 190, "{right} of 200");
}

#[test]
fn classes_that_lie_together_are_not() {
    match learn(&texts(30, 60, 1, 0.0)) {
        Err(TeachError::Indistinct(_)) => {}
        Ok(lesson) => assert!((0.3..0.7).contains(&lesson.auc), "{}", lesson.auc),
        Err(other) => panic!("{other}"),
    }
    let same: Vec<_> = (0..40).map(|row| (vec![vec![1.0, 2.0]], row % 2 == 0)).collect();
    assert!(matches!(learn(&same), Err(TeachError::Indistinct(_))));
}

#[test]
fn the_strongest_window_speaks_for_a_text() {
    let mut all = texts(20, 40, 1, 3.0);
    // Half of the texts of the category have a harmless window before.
    let harmless: Vec<Vec<f32>> =
        texts(0, 10, 1, 0.0).into_iter().map(|(windows, _)| windows[0].clone()).collect();
    for ((windows, _), other) in all.iter_mut().zip(harmless) {
        windows.insert(0, other);
    }
    let lesson = learn(&all).unwrap();
    assert!(lesson.auc > 0.95, "{}", lesson.auc);
}

#[test]
fn thresholds_are_those_that_the_rows_show() {
    let lesson = learn(&texts(20, 40, 1, 3.0)).unwrap();
    let targets: Vec<f64> = lesson.head.thresholds.iter().map(|row| row.target_fpr).collect();
    // 29 rows without a false alarm show 10%, 59 show 5%.
    assert_eq!(targets, [0.1]);
    let lesson = learn(&texts(20, 400, 1, 3.0)).unwrap();
    for row in &lesson.head.thresholds {
        assert!(row.fpr_upper_95 <= row.target_fpr && row.negatives == 400, "{row:?}");
        assert!(row.threshold >= 0.5);
    }
    assert!(lesson.head.thresholds.iter().any(|row| row.target_fpr == 0.01));
    assert!(lesson.head.thresholds.iter().all(|row| row.target_fpr >= 0.0075));
}

#[test]
fn the_fewest_negatives_are_the_fewest() {
    assert_eq!([0.1, 0.05, 0.01, 0.001].map(least_negatives), [29, 59, 299, 2995]);
    for target in [0.3, 0.02, 0.0005] {
        let least = least_negatives(target);
        assert!(binomial::upper_bound(0, least, 0.95).unwrap() <= target);
        assert!(binomial::upper_bound(0, least - 1, 0.95).unwrap() > target);
    }
}

#[test]
fn what_cannot_be_learnt_from_is_said() {
    assert_eq!(
        learn(&texts(LEAST_POSITIVES - 1, 40, 1, 3.0)),
        Err(TeachError::Positives { found: LEAST_POSITIVES - 1 })
    );
    assert_eq!(learn(&texts(20, 19, 1, 3.0)), Err(TeachError::Negatives { found: 19, positives: 20 }));
    let mut odd = texts(20, 20, 1, 3.0);
    odd[5].0[0].pop();
    assert_eq!(learn(&odd), Err(TeachError::Width { example: 5, found: 15, expected: 16 }));
    odd[5].0.clear();
    assert_eq!(learn(&odd), Err(TeachError::Width { example: 5, found: 0, expected: 16 }));
    let mut odd = texts(20, 20, 1, 3.0);
    odd[7].0[0][2] = f32::NAN;
    assert_eq!(learn(&odd), Err(TeachError::NotFinite { example: 7 }));
}

#[test]
fn states_of_any_size_are_learnt_alike() {
    // The rows are brought to one size before the fit, so their unit does not matter.
    let plain = learn(&texts(20, 40, 1, 3.0)).unwrap();
    let mut large = texts(20, 40, 1, 3.0);
    large.iter_mut().flat_map(|(windows, _)| windows).flatten().for_each(|state| *state *= 1024.0);
    let large = learn(&large).unwrap();
    assert_eq!((plain.auc, plain.penalty), (large.auc, large.penalty));
    for (a, b) in plain.scores.iter().zip(&large.scores) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

proptest! {
    /// Any bytes, and a good file cut or with one byte changed, give an answer and no panic.
    #[test]
    fn hostile_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let _ = TaughtHead::parse(&bytes);
        let lesson = learn(&texts(20, 30, 1, 3.0)).unwrap();
        let good = TaughtHead::new(&"0".repeat(64), &"1".repeat(64), "a test", lesson).unwrap();
        let mut file = good.to_toml().into_bytes();
        let place = place.index(file.len());
        let _ = TaughtHead::parse(&file[..place]);
        file[place] = byte;
        if let Ok(head) = TaughtHead::parse(&file) {
            prop_assert_eq!(&head, &TaughtHead::parse(head.to_toml().as_bytes()).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_lesson_is_always_the_same_and_fits_its_file(
        positives in 20usize..26,
        more in 0usize..20,
        windows in 1usize..3,
        apart in 1.0f32..4.0,
    ) {
        let rows = texts(positives, positives + more, windows, apart);
        let lesson = learn(&rows).unwrap();
        prop_assert_eq!(&lesson, &learn(&rows).unwrap());
        let head = TaughtHead::new(&"0".repeat(64), &"1".repeat(64), "a test", lesson).unwrap();
        let read = TaughtHead::parse(head.to_toml().as_bytes()).unwrap();
        prop_assert_eq!(&head, &read);
        prop_assert_eq!(head.to_toml(), read.to_toml());
    }
}
