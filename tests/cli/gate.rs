//! `policy gate`: figures, budgets, and what they end with.

use crate::policies::Place;
use crate::program::{Run, run};
use serde_json::json;
use std::fs;

/// Ten benign rows in two slices, two of which name a kestrel, and one that is not benign.
fn rows(place: &Place) -> String {
    let mut rows = String::new();
    for number in 0..10 {
        let (bird, slice) = if number < 2 {
            ("kestrel", "birds")
        } else {
            ("heron", if number % 2 == 0 { "birds" } else { "water" })
        };
        let row = json!({ "text": format!("Number {number} is a {bird}."), "slice": slice, "labels": { "toxicity": 0 } });
        rows += &format!("{row}\n");
    }
    rows +=
        &format!("{}\n", json!({ "text": "You kestrel!", "slice": "birds", "labels": { "toxicity": 1 } }));
    fs::write(place.path("rows.jsonl"), rows).unwrap();
    place.text("rows.jsonl")
}

fn gate(place: &Place, more: &[&str]) -> Run {
    let (old, new) = (place.bundle(1, "kestrel", "rewrite"), place.bundle(2, "kestrel", "veto"));
    let rows = rows(place);
    run(&[&["policy", "gate", &new, "--against", &old, "--data", &rows], more].concat())
}

#[test]
fn figures_are_shares_of_rows() {
    let place = Place::new();
    let gate = gate(&place, &["--json", "--min-slice-rows", "4"]);
    assert_eq!(gate.status, Some(0), "{}", gate.stderr);
    let gate = gate.json();
    assert_eq!(
        (&gate["rows"], &gate["benign_rows"], &gate["passed"]),
        (&11.into(), &10.into(), &true.into())
    );
    let figures: Vec<_> =
        gate["measures"].as_array().unwrap().iter().map(|m| m["value"].as_f64().unwrap()).collect();
    // Three flips in eleven rows, two of ten benign rows held, two of six in one slice and none in the other.
    assert_eq!(figures, [3.0 / 11.0, 0.2, 2.0 / 6.0]);
    assert_eq!(gate["flips"], json!([{ "from": "rewrite", "to": "veto", "rows": 3 }]));
}

#[test]
fn past_a_budget_it_fails_and_says_by_what() {
    let place = Place::new();
    for (budget, status) in [
        (["--max-flips", "0.28"], 0),
        (["--max-flips", "0.27"], 1),
        (["--max-fpr", "0.2"], 0),
        (["--max-fpr", "0.19"], 1),
        (["--max-slice-gap", "0.34"], 0),
        (["--max-slice-gap", "0.33"], 1),
    ] {
        let gate = gate(&place, &[&budget[..], &["--min-slice-rows", "4"]].concat());
        assert_eq!(gate.status, Some(status), "{budget:?}: {}", gate.stderr);
        assert_eq!(gate.stdout.contains("past the budget"), status == 1, "{}", gate.stdout);
    }
    let junit = place.text("gate.xml");
    assert_eq!(gate(&place, &["--max-flips", "0.1", "--max-fpr", "0.5", "--junit", &junit]).status, Some(1));
    let xml = fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("tests=\"3\"") && xml.contains("failures=\"1\""), "{xml}");
    assert!(xml.contains("flips is 0.2727, the budget is 0.1000"), "{xml}");
}

#[test]
fn a_budget_without_rows_is_an_error() {
    let place = Place::new();
    // Neither slice has the 20 rows that are asked for by default.
    let gap = gate(&place, &["--max-slice-gap", "0.5"]);
    assert_eq!(gap.status, Some(2), "{}", gap.stderr);
    assert!(gap.stderr.contains("slice gap has a budget, and no rows to measure it on"), "{}", gap.stderr);
    fs::write(place.path("none.jsonl"), "").unwrap();
    let (bundle, none) = (place.bundle(1, "kestrel", "veto"), place.text("none.jsonl"));
    let empty = run(&["policy", "gate", &bundle, "--data", &none]);
    assert_eq!(empty.status, Some(2));
    assert!(empty.stderr.contains("holds no rows"), "{}", empty.stderr);
}

#[test]
fn active_is_the_policy_in_force_and_rows_leave_no_trace() {
    let place = Place::new();
    place.activate(&place.bundle(1, "kestrel", "veto"));
    let entries = || portcullis::log::read(&place.path("state")).unwrap().count();
    let before = entries();
    let (same, rows) = (place.bundle(1, "kestrel", "veto"), rows(&place));
    let gate = place.run(&["policy", "gate", &same, "--data", &rows, "--max-flips", "0", "--json"]);
    assert_eq!(gate.status, Some(0), "{}", gate.stderr);
    assert_eq!(gate.json()["policy"]["id"], "birds");
    assert_eq!(entries(), before);
}
