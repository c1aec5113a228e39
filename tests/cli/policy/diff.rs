//! `policy diff`: differences in words, and on rows.

use super::{POLICY, bundle, path};
use crate::program::{run, run_with};

/// Hate is let pass and addresses are held.
fn changed() -> String {
    POLICY
        .replace("revision = 3", "revision = 4")
        .replace("target_fpr = 0.001", "threshold = 1.0")
        .replace("action = \"rewrite\"", "action = \"escalate\"")
}

const ROWS: &str = r#"{"id": "a", "text": "Please write to jo@example.org today."}
{"id": 7, "text": "How do I bake bread?", "source": "kitchen"}
{"text": "All Muslims are filthy animals and should be exterminated.", "slice": "shop"}
{"id": "b", "text": "Ask ann@example.org or bo@example.org.", "labels": {"toxicity": 0}}
"#;

#[test]
fn the_same_policy_has_no_difference() {
    let (a, b) = (bundle(POLICY, None), bundle(POLICY, None));
    let run = run(&["policy", "diff", path(&a), path(&b)]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), "no difference\n"));
}

#[test]
fn differences_are_told_in_words() {
    let (a, b) = (bundle(POLICY, None), bundle(&changed(), None));
    let run = run(&["policy", "diff", path(&a), path(&b)]);
    let expected = "the policy: revision from 3 to 4\n\
                    rule `mail`: action from rewrite (redact) to escalate\n\
                    rule `hate`: limit from target_fpr 0.001 to threshold 1\n\
                    3 differences\n";
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), expected), "{}", run.stderr);
}

#[test]
fn rows_that_flip_are_counted_by_rule() {
    let (a, b) = (bundle(POLICY, None), bundle(&changed(), None));
    let run = run_with(&["policy", "diff", path(&a), path(&b), "--data", "-", "--ids", "1"], ROWS.as_bytes());
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    let told = run.stdout.split("\n\n").nth(1).unwrap();
    let lines: Vec<String> =
        told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "3 of 4 rows change",
            "from to rule rows which",
            "rewrite escalate mail 2 a and 1 more",
            "veto allow hate 1 line 3",
        ]
    );
}

#[test]
fn another_text_is_a_change_too() {
    let masked = POLICY.replace("action = \"rewrite\"", "action = \"rewrite\"\nmode = \"mask\"");
    let (a, b) = (bundle(POLICY, None), bundle(&masked, None));
    let difference =
        run_with(&["policy", "diff", path(&a), path(&b), "--data", "-", "--json"], ROWS.as_bytes()).json();
    assert_eq!(difference["changes"][0]["to"], "rewrite (mask, keep 4)");
    let flips = &difference["flips"];
    assert_eq!((&flips["rows"], &flips["changed"]), (&4.into(), &2.into()));
    assert_eq!(flips["kinds"][0]["ids"], serde_json::json!(["a", "b"]));
    assert_eq!(
        (&flips["kinds"][0]["from"], &flips["kinds"][0]["to"]),
        (&"rewrite".into(), &"rewrite".into())
    );
}

#[test]
fn bad_rows_and_policies_are_errors_without_the_text() {
    let (a, b) = (bundle(POLICY, None), bundle("schema = 9", None));
    let broken = run(&["policy", "diff", path(&a), path(&b)]);
    assert_eq!((broken.status, broken.stdout.as_str()), (Some(2), ""));
    assert!(broken.stderr.contains("`schema` is `9`"), "{}", broken.stderr);
    let row =
        run_with(&["policy", "diff", path(&a), path(&a), "--data", "-"], b"{\"text\": \"secret words\"\n");
    assert_eq!(row.status, Some(2));
    assert!(row.stderr.contains("standard input line 1") && !row.stderr.contains("secret"), "{}", row.stderr);
    let none = run_with(&["policy", "diff", path(&a), path(&a), "--data", "-"], b"");
    assert!(none.stderr.contains("holds no rows"), "{}", none.stderr);
}

#[test]
fn past_verdicts_are_decided_again_from_the_log() {
    let (a, b) = (bundle(POLICY, None), bundle(&changed(), None));
    let state = tempfile::tempdir().unwrap();
    let state = path(&state);
    let judged =
        run_with(&["pipe", "--ignore-unknown-keys", "--state", state, "--policy", path(&a)], ROWS.as_bytes());
    let ids: Vec<_> = judged.json_lines().iter().map(|verdict| verdict["decision_id"].clone()).collect();
    let difference = run(&["policy", "diff", path(&a), path(&b), "--log", "--state", state, "--json"]).json();
    let log = &difference["log"];
    assert_eq!(
        (&log["rows"], &log["changed"], &log["passed_over"]),
        (&4.into(), &3.into(), &0.into()),
        "{log}"
    );
    assert_eq!(log["kinds"][0]["ids"], serde_json::json!([ids[0], ids[3]]));
    assert_eq!((&log["kinds"][1]["rule"], &log["kinds"][1]["ids"][0]), (&"hate".into(), &ids[2]));
    // Looking leaves no trace.
    let again = run(&["policy", "diff", path(&a), path(&b), "--log", "--state", state, "--json"]).json();
    assert_eq!(&again["log"], log);
    let none = run(&["policy", "diff", path(&a), path(&b), "--log"]);
    assert_eq!(none.status, Some(2));
    assert!(none.stderr.contains("no state directory"), "{}", none.stderr);
}
