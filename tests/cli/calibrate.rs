//! `calibrate`: a calibration from own rows, its use, and rows that are none.

use crate::program::{run, run_with};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Real texts, most of them innocent, as unlabelled rows.
fn traffic() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/parity.jsonl.gz");
    let mut rows = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut rows).unwrap();
    rows.lines()
        .map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap())
        .filter(|row| ["oasst", "headlines_news", "taskmaster"].contains(&row["source"].as_str().unwrap()))
        .map(|row| serde_json::json!({"text": row.get("text")}).to_string() + "\n")
        .collect()
}

fn out(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("ours.toml")
}

#[test]
fn own_traffic_makes_a_calibration_that_verdicts_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = out(&folder).display().to_string();
    let made = run_with(&["calibrate", "-", "--benign", "--out", &file], traffic().as_bytes());
    assert_eq!((made.status, made.stderr.as_str()), (Some(0), ""));
    assert!(made.stdout.contains("raised"), "{}", made.stdout);

    let digest = |arguments: &[&str]| {
        let run = run(arguments);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        run.json()["model"]["digest"].clone()
    };
    let text = "how do I bake bread?";
    let own = digest(&["check", "--json", "--calibration", &file, text]);
    assert_ne!(own, digest(&["check", "--json", text]));
    let again = folder.path().join("again.toml").display().to_string();
    run_with(&["calibrate", "-", "--benign", "--out", &again], traffic().as_bytes());
    assert_eq!(own, digest(&["check", "--json", "--calibration", &again, text]));
}

#[test]
fn few_rows_lower_nothing_and_raise_what_they_reach() {
    let folder = tempfile::tempdir().unwrap();
    let file = out(&folder).display().to_string();
    // For this place innocent, whatever the weights say.
    let rows = "{\"text\": \"you stupid idiot\", \"labels\": {\"toxicity\": 0}}\n".repeat(3);
    let made = run_with(&["calibrate", "-", "--out", &file], rows.as_bytes());
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    let toxicity: Vec<&str> =
        made.stdout.lines().find(|line| line.starts_with("toxicity")).unwrap().split_whitespace().collect();
    assert_eq!(toxicity[1..4], ["0", "3", "kept"]);
    assert_eq!((toxicity[4] != "0", toxicity[5]), (true, "0"));
    assert_eq!(run(&["check", "you stupid idiot"]).status, Some(1));
    assert_eq!(run(&["check", "--calibration", &file, "you stupid idiot"]).status, Some(0));
}

#[test]
fn bad_rows_name_their_line_and_not_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = out(&folder).display().to_string();
    for (rows, message) in [
        ("{\"text\": \"secret\"}\n", "line 1: no labels: expected some, or --benign"),
        ("{\"text\": \"secret\", \"labels\": {\"spite\": 1}}\n", "unknown head \"spite\": expected one of"),
        ("{\"text\": \"secret\", \"labels\": {\"toxicity\": 2}}\n", "a label out of range"),
        ("[1]\n", "at column 1: expected an object"),
        ("", "no row that the guard can judge"),
    ] {
        let run = run_with(&["calibrate", "-", "--out", &file], rows.as_bytes());
        assert_eq!(run.status, Some(2), "{rows}");
        assert!(run.stderr.contains(message), "{rows}: {}", run.stderr);
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
        assert!(!out(&folder).exists());
    }
}

#[test]
fn a_calibration_of_other_weights_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let other = models.join("portcullis-small/calibration.toml").display().to_string();
    let refused = run(&["check", "--calibration", &other, "hello"]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("weights digest"), "{}", refused.stderr);
    let missing = folder.path().join("none.toml").display().to_string();
    assert_eq!(run(&["check", "--calibration", &missing, "hello"]).status, Some(2));
}
