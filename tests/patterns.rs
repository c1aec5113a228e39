//! `eval --patterns` on made-up labelled texts: every kind of data is found, and little else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

#[path = "patterns/generate.rs"]
mod generate;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// Rows of each kind.
const EACH: usize = 60;

#[test]
fn every_kind_is_found_and_little_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let rows = generate::rows(EACH);
    let lines = rows.iter().fold(String::new(), |mut lines, row| {
        writeln!(lines, "{row}").unwrap();
        lines
    });
    // The rows of the record in `benches/record` can be kept: PATTERN_ROWS=rows.jsonl.
    if let Some(copy) = std::env::var_os("PATTERN_ROWS") {
        fs::write(copy, &lines).unwrap();
    }
    fs::write(&path, lines).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["eval", "--patterns", "--json"])
        .arg(&path)
        .output()
        .unwrap();
    let evaluation: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(evaluation["rows"], rows.len());
    let mut kinds = 0;
    for figures in evaluation["detectors"].as_array().unwrap() {
        let (name, gold) = (figures["detector"].as_str().unwrap(), figures["gold"].as_u64().unwrap());
        let wrong = figures["wrong_rows_per_1000"].as_f64().unwrap();
        assert!(wrong <= 2.0, "{name}: {wrong} of a thousand rows have a match where nothing is");
        if gold > 0 {
            assert_eq!(gold, EACH as u64, "{name}");
            let recall = figures["recall"].as_f64().unwrap();
            assert!(recall >= 0.95, "{name}: recall {recall}");
            kinds += 1;
        }
    }
    assert_eq!(kinds, 26);
}
