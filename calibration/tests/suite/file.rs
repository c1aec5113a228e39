//! The calibration file: written and read back, and every rule broken once.

use std::fs;
use std::path::Path;

use portcullis_calibration::{
    Calibration, CalibrationError, Curve, Exit, ExitHead, ExitThreshold, Gate, Head, LengthCorrection,
    Reference, Threshold, length,
};
use proptest::prelude::*;

fn digest() -> String {
    "0123456789abcdef".repeat(4)
}

fn threshold() -> impl Strategy<Value = Threshold> {
    (1u64..1_000_000, 0.0f64..1.0, 0.0f32..=1.0, "[ -~]{1,20}").prop_map(
        |(negatives, share, threshold, slice)| {
            let false_positives = (share * 0.9 * negatives as f64) as u64;
            Threshold {
                target_fpr: share.max(1e-9),
                threshold,
                negatives,
                false_positives,
                fpr_upper_95: 1.0,
                slice,
            }
        },
    )
}

fn head() -> impl Strategy<Value = Head> {
    let curve = prop_oneof![
        (1e-6f64..1e6, -1e6f64..1e6).prop_map(|(a, b)| Curve::platt(a, b).unwrap()),
        (1e-6f64..1e6).prop_map(|t| Curve::temperature(t).unwrap()),
    ];
    ("[a-z][a-z0-9_]{0,20}", any::<bool>(), curve, 0u64..1 << 53, 0.0f64..=1.0, prop::option::of(threshold()))
        .prop_map(|(name, experimental, curve, count, share, threshold)| Head {
            name,
            experimental,
            curve,
            positives: count,
            negatives: count / 2,
            ece: share,
            brier: share * share,
            thresholds: threshold.into_iter().collect(),
        })
}

/// Exits for `heads`, with gates and thresholds in order.
fn exits(heads: &[Head]) -> impl Strategy<Value = Vec<Exit>> + use<> {
    let names: Vec<String> = heads.iter().map(|head| head.name.clone()).collect();
    let exit = (1e-6f64..1e6, -1e6f64..1e6, 0.0f32..=0.5, 0.5f32..=1.0, any::<bool>());
    prop::collection::vec(exit, 0..3).prop_map(move |parts| {
        let exit = |(place, (slope, intercept, low, high, own)): (usize, (f64, f64, f32, f32, bool))| Exit {
            stage: format!("layer-{place}"),
            weights_digest: own.then(digest),
            heads: names
                .iter()
                .map(|name| ExitHead {
                    name: name.clone(),
                    slope,
                    intercept,
                    ece: 0.5,
                    negatives: 1000,
                    slice: "mix".into(),
                    thresholds: vec![
                        ExitThreshold { target_fpr: 1e-3, threshold: high, false_positives: 1 },
                        ExitThreshold { target_fpr: 0.1, threshold: low, false_positives: 100 },
                    ],
                    gates: vec![Gate { from: high, below: low, flagged: 10, lost: 1 }],
                })
                .collect(),
        };
        parts.into_iter().enumerate().map(exit).collect()
    })
}

#[test]
fn a_gate_is_that_of_the_greatest_threshold_below() {
    let gate = |from, below| Gate { from, below, flagged: 10, lost: 0 };
    let head = ExitHead {
        name: "a".into(),
        slope: 2.0,
        intercept: -1.0,
        ece: 0.0,
        negatives: 1,
        slice: "mix".into(),
        thresholds: vec![ExitThreshold { target_fpr: 0.01, threshold: 0.75, false_positives: 0 }],
        gates: vec![gate(0.5, 0.1), gate(0.8, 0.2)],
    };
    assert_eq!(
        [0.4, 0.5, 0.79, 0.8, 1.0].map(|from| head.gate(from)),
        [None, Some(0.1), Some(0.1), Some(0.2), Some(0.2)]
    );
    assert_eq!(head.carry(1.5), 2.0);
    assert!(head.carry(f32::NAN).is_nan());
    let exit = Exit { stage: "words".into(), weights_digest: None, heads: vec![head] };
    assert_eq!((exit.threshold("a", 0.01), exit.threshold("a", 0.02)), (Some(0.75), None));
}

proptest! {
    #[test]
    fn reads_back_what_it_wrote(
        (heads, exits) in prop::collection::vec(head(), 1..6).prop_flat_map(|heads| (Just(heads.clone()), exits(&heads))), created_by in r#"[a-z"\\ é]{1,30}"#,
        knots in prop::collection::btree_map(0u32..1 << 20, -100f32..=100.0, 1..32),
        signals in prop::collection::btree_map("[a-z][a-z0-9_.]{0,20}", prop::collection::vec(0.0f32..=1.0, 0..50), 0..4)
    ) {
        let made = Calibration::new(&digest(), &digest(), &created_by, heads);
        prop_assume!(made.is_ok());
        let mut added: Vec<f32> = knots.values().copied().collect();
        added.sort_by(|a, b| b.total_cmp(a));
        let knots = knots.into_keys().zip(added).collect();
        let made = made.unwrap();
        let corrections = vec![LengthCorrection { head: made.heads()[0].name.clone(), knots }];
        let references = signals.iter().filter_map(|(name, values)| Reference::of_sample(name, values)).collect();
        let made = made.with_corrections(corrections).unwrap().with_exits(exits).unwrap().with_references(references).unwrap();
        let text = made.to_toml();
        let read = Calibration::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&read, &made);
        prop_assert_eq!(read.to_toml(), text);
    }

    /// Any bytes, and a good file with any one byte changed, give an answer and no panic.
    #[test]
    fn hostile_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let _ = Calibration::parse(&bytes);
        let mut file = fs::read(attacks().join("good.toml")).unwrap();
        let place = place.index(file.len());
        file[place] = byte;
        let _ = Calibration::parse(&file);
        let _ = Calibration::parse(&file[..place]);
    }
}

fn attacks() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")
}

/// What is added depends on the head and the length alone, and lies between the knots around the length.
#[test]
fn a_length_adds_to_its_head() {
    let calibration = Calibration::parse(&fs::read(attacks().join("good.toml")).unwrap()).unwrap();
    let corrected = |length: usize| {
        let mut logits = [1.0, 1.0, 1.0];
        calibration.correct(&mut logits, length);
        assert_eq!(logits[1..], [1.0, 1.0]);
        logits[0] - 1.0
    };
    assert_eq!(
        [0, 40, 72, 200, 400, 600, usize::MAX].map(corrected),
        [1.5, 1.5, 1.25, 0.25, 0.125, 0.0, 0.0]
    );
    let all: Vec<f32> = (0..700).map(corrected).collect();
    assert!(all.windows(2).all(|pair| pair[0] >= pair[1]));
    let mut logits = [f32::NAN];
    calibration.correct(&mut logits, 10);
    assert!(logits[0].is_nan());
    assert_eq!(["", " \t\n", "a b", "né\u{3000}e"].map(length), [0, 0, 2, 3]);
}

/// The good file differs from each attack by the one rule that the attack breaks.
#[test]
fn good_file() {
    let bytes = fs::read(attacks().join("good.toml")).unwrap();
    let calibration = Calibration::parse(&bytes).unwrap();
    assert_eq!(calibration.to_toml().as_bytes(), bytes);
    assert_eq!(calibration.heads().len(), 2);
    assert!(calibration.head("hate").unwrap().experimental);
    assert_eq!(calibration.references()[0].counts(), [400, 300, 200, 100]);
    assert_eq!(calibration.corrections()[0].knots, [(40, 1.5), (200, 0.25), (600, 0.0)]);
    // A file from before there were references is read as ever.
    let old = std::str::from_utf8(&bytes).unwrap().split("\n[[reference]]").next().unwrap();
    assert!(Calibration::parse(old.as_bytes()).unwrap().references().is_empty());
    assert_eq!(calibration.threshold("toxicity", 0.01).unwrap().threshold, 0.75);
    insta::assert_snapshot!(
        calibration.threshold("toxicity", 0.02).unwrap_err(),
        @r#"head "toxicity" has no threshold for the false positive rate 0.02, it has 0.01, 0.05"#
    );
    insta::assert_snapshot!(
        calibration.threshold("hate", 0.01).unwrap_err(),
        @r#"head "hate" has no threshold for the false positive rate 0.01, it has none"#
    );
    insta::assert_snapshot!(
        calibration.head("sarcasm").unwrap_err(),
        @r#"calibration has no head "sarcasm", it has toxicity, hate"#
    );
}

#[test]
fn every_attack_is_refused() {
    let mut files: Vec<_> = fs::read_dir(attacks()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut messages = String::new();
    for file in files.iter().filter(|file| !file.ends_with("good.toml")) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let error = Calibration::parse(&fs::read(file).unwrap()).expect_err(name).to_string();
        assert!(!error.contains('\n') && !error.chars().any(char::is_control), "{name}");
        messages.push_str(&format!("{name}: {error}\n"));
    }
    insta::assert_snapshot!("attacks", messages);
}

#[test]
fn all_problems_at_once() {
    let file = fs::read_to_string(attacks().join("good.toml")).unwrap();
    let broken = file.replace("ece = 0.012", "ece = 2.0").replace("schema = 1", "schema = 2\nextra = 1");
    let Err(CalibrationError::Invalid { problems }) = Calibration::parse(broken.as_bytes()) else {
        panic!("read a broken file")
    };
    let places: Vec<&str> = problems.iter().map(|problem| problem.at.as_str()).collect();
    assert_eq!(places, ["the top level", "schema", "head[0].ece"]);
}

#[test]
fn limits() {
    let large = vec![b'#'; Calibration::MAX_BYTES + 1];
    assert!(matches!(Calibration::parse(&large), Err(CalibrationError::TooLarge { .. })));
    let deep = format!("head = {}", "[".repeat(500_000));
    assert!(matches!(Calibration::parse(deep.as_bytes()), Err(CalibrationError::Syntax { .. })));
    let wide: String = (0..100_000).map(|key| format!("k{key}=1\n")).collect();
    let Err(CalibrationError::Invalid { problems }) = Calibration::parse(wide.as_bytes()) else {
        panic!("read a wide file")
    };
    assert_eq!(problems.len(), CalibrationError::MAX_PROBLEMS);
    let heads = "[[head]]\nname=\"a\"\n".repeat(40_000);
    assert!(matches!(Calibration::parse(heads.as_bytes()), Err(CalibrationError::Invalid { .. })));
}

/// The rules hold for calibrations made in code too.
#[test]
fn made_in_code() {
    let found = Calibration::new("x", &digest(), "", Vec::new()).unwrap_err();
    insta::assert_snapshot!(found, @r#"calibration is not valid: model_digest: found "x", expected 64 lower-case hex digits; created_by: found "", expected 1 to 256 characters, none of them a control; head: found 0 heads, expected 1 to 256"#);
}
