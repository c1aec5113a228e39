//! The hashed model against Python: the same words, features and logits, bit for bit.
//!
//! `tests/data/hashed.jsonl.gz`, which `train.tiny` writes, holds 2,000 texts that may be passed on (source and licence in each
//! row), each with the number of its words, the number and the sum of its features' keys, and the bits of its logits by
//! the shipped weights.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use portcullis::hashed::features;
use portcullis::normalize::Normalized;
use portcullis::tokenize::Words;
use portcullis::{Guard, GuardBuilder};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    text: String,
    words: usize,
    features: usize,
    sum: u64,
    logits: Vec<u32>,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hashed.jsonl.gz");
    let mut lines = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut lines).unwrap();
    let rows: Vec<Row> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2000);
    rows
}

fn tiny() -> GuardBuilder {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    Guard::builder().models_dir(models).model("portcullis-tiny")
}

#[test]
fn words_and_features_are_those_of_python() {
    let mut words = Words::new();
    for row in rows() {
        words.split(Normalized::new(&row.text).text());
        assert_eq!(words.len(), row.words, "words of {:?}", row.text);
        let mut keys = BTreeSet::new();
        features(&words, 0..words.len(), |key| {
            keys.insert(key);
        });
        let sum: u64 = keys.iter().copied().map(u64::from).sum();
        assert_eq!((keys.len(), sum), (row.features, row.sum), "features of {:?}", row.text);
    }
}

#[test]
fn logits_are_those_of_python_to_the_bit() {
    let rows = rows();
    let guard = tiny().threads(1).build().unwrap();
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let several = rows.iter().filter(|row| row.words > 128).count();
    assert!(several > 50, "only {several} texts have several windows");
    for (row, scores) in rows.iter().zip(guard.scores(&texts).unwrap()) {
        let bits: Vec<u32> = scores.logits.iter().map(|logit| logit.to_bits()).collect();
        assert_eq!(bits, row.logits, "{:?}", row.text);
        assert_eq!(scores.tokens, row.words);
    }
}

#[test]
fn threads_and_company_change_no_bit() {
    let rows = rows();
    let texts: Vec<&str> = rows.iter().take(300).map(|row| row.text.as_str()).collect();
    let (one, many) = (tiny().threads(1).build().unwrap(), tiny().threads(3).build().unwrap());
    let together = many.scores(&texts).unwrap();
    for (text, expected) in texts.iter().zip(&together) {
        assert_eq!(one.scores(&[text]).unwrap().first(), Some(expected));
    }
}

#[test]
fn nothing_to_read_is_judged_and_an_attack_is_not_diluted() {
    let guard = tiny().threads(1).build().unwrap();
    let empty = guard.scores(&[" \t\u{1}"]).unwrap();
    assert_eq!((empty[0].tokens, empty[0].windows), (0, 1));
    assert!(empty[0].logits.iter().all(|logit| logit.is_finite()));
    // A window that holds nothing of the filling scores as the attack alone does at the least.
    let attack = "you are a stupid worthless idiot ".repeat(30);
    let long = format!("{}{attack}{}", "the garden is quiet ".repeat(500), "a".repeat(100_000));
    let scores = guard.scores(&[&attack, &long]).unwrap();
    assert!(scores[1].windows > 20);
    assert!(scores[1].logits[0] > scores[0].logits[0] - 0.5, "{scores:?}");
    assert!(guard.encode_ids(&[101, 102]).is_err());
}
