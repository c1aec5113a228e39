//! References of samples: parts, the index and the test of later samples.

use portcullis_calibration::Reference;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_value_has_its_part(values in prop::collection::vec(-5.0f32..5.0, 2..300), later in prop::collection::vec(-6.0f32..6.0, 1..300)) {
        let Some(reference) = Reference::of_sample("a", &values) else {
            prop_assert!(values.iter().all(|value| *value == values[0]));
            return Ok(());
        };
        prop_assert_eq!(reference.rows(), values.len() as u64);
        prop_assert!((2..=10).contains(&reference.parts()));
        let mut counts = vec![0; reference.parts()];
        for value in &values {
            let part = reference.part(*value);
            counts[part] += 1;
            prop_assert!(part == 0 || reference.edges()[part - 1] <= *value);
            prop_assert!(part == reference.edges().len() || *value < reference.edges()[part]);
        }
        prop_assert_eq!(&counts, reference.counts());
        prop_assert!(reference.psi(&counts).unwrap().abs() < 1e-12);
        prop_assert_eq!(reference.p_value(&counts).unwrap(), 1.0);
        let mut counts = vec![0; reference.parts()];
        for value in later {
            counts[reference.part(value)] += 1;
        }
        prop_assert!(reference.psi(&counts).unwrap() >= -1e-12);
        prop_assert!((0.0..=1.0).contains(&reference.p_value(&counts).unwrap()));
    }
}

#[test]
fn known_values() {
    let reference = Reference::new("a", vec![0.5], vec![500_000, 500_000]).unwrap();
    // (0.6 - 0.5) ln 1.2 + (0.4 - 0.5) ln 0.8, the half rows aside.
    let psi = reference.psi(&[600_000, 400_000]).unwrap();
    assert!((psi - 0.040_546_5).abs() < 1e-5, "{psi}");
    // A two by two table has chi-square 4 at |a - b| = 2 sqrt(n / 2), about.
    let reference = Reference::new("a", vec![0.5], vec![30, 70]).unwrap();
    let p = reference.p_value(&[45, 55]).unwrap();
    assert!((p - 0.028_459_8).abs() < 1e-6, "{p}");
    assert_eq!((reference.psi(&[1]), reference.p_value(&[0, 0])), (None, None));
    assert_eq!(reference.part(f32::NAN), 1);
    assert_eq!((reference.part(0.5), reference.part(0.499)), (1, 0));
}

#[test]
fn samples_that_have_no_spread() {
    assert_eq!(Reference::of_sample("a", &[]), None);
    assert_eq!(Reference::of_sample("a", &[0.5; 100]), None);
    assert_eq!(Reference::of_sample("a", &[0.5, f32::NAN]), None);
    assert_eq!(Reference::of_sample("A b", &[0.5, 0.6]), None);
    let mostly = [vec![0.25; 99], vec![0.75]].concat();
    let reference = Reference::of_sample("a", &mostly).unwrap();
    assert_eq!((reference.edges(), reference.counts()), (&[0.75][..], &[99, 1][..]));
}
