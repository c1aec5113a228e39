//! `eval --patterns`: figures from labelled spans, and rows that are none.

use crate::program::run_with;
use serde_json::json;

const ROWS: &str = r#"{"text": "mail jo@example.org or 212-555-0134", "spans": [{"start": 5, "end": 19, "label": "pii.email"}]}
{"text": "an e-mail without an address", "spans": [{"start": 3, "end": 9, "label": "pii.email"}]}
{"text": "nothing at all", "spans": []}
"#;

#[test]
fn detectors_are_measured() {
    let run = run_with(&["eval", "--patterns", "--json", "-"], ROWS.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let evaluation = run.json();
    assert_eq!(evaluation["rows"], 3);
    let email = &evaluation["detectors"][0];
    assert_eq!(email["detector"], "pii.email");
    assert_eq!(
        (&email["gold"], &email["hit"], &email["exact"], &email["wrong"]),
        (&json!(2), &json!(1), &json!(1), &json!(0))
    );
    assert_eq!((&email["precision"], &email["recall"]), (&json!(1.0), &json!(0.5)));
    assert!((email["f2"].as_f64().unwrap() - 5.0 / 9.0).abs() < 1e-9);
    let phone = &evaluation["detectors"][1];
    assert_eq!(
        (&phone["detector"], &phone["wrong"], &phone["recall"]),
        (&json!("pii.phone"), &json!(1), &json!(null))
    );
    let rate = phone["wrong_rows_per_1000"].as_f64().unwrap();
    assert!((rate - 1000.0 / 3.0).abs() < 1e-9);
}

#[test]
fn detectors_without_a_rule_count_with_at_only() {
    let row = "{\"text\": \"https://example.org/\", \"spans\": []}\n";
    let without = run_with(&["eval", "--patterns", "--json", "-"], row.as_bytes()).json();
    assert_eq!(without["detectors"], json!([]));
    let with = run_with(&["eval", "--patterns", "--at", "0.3", "--json", "-"], row.as_bytes()).json();
    assert_eq!(with["detectors"][0]["detector"], "pii.url");
    let table = run_with(&["eval", "--patterns", "--at", "0.3", "-"], row.as_bytes());
    assert!(table.stdout.contains("pii.url"), "{}", table.stdout);
}

#[test]
fn bad_rows_are_refused_with_their_line() {
    for (row, expected) in [
        ("{\"text\": \"secret words\"}", "expected an object with a string `text` and a list `spans`"),
        (
            "{\"text\": \"é\", \"spans\": [{\"start\": 1, \"end\": 2, \"label\": \"x\"}]}",
            "the span 1..2 is none of the text's 2 bytes",
        ),
        (
            "{\"text\": \"é\", \"spans\": [{\"start\": 0, \"end\": 9, \"label\": \"x\"}]}",
            "the span 0..9 is none",
        ),
        ("[]", "at column 1"),
    ] {
        let run = run_with(
            &["eval", "--patterns", "-"],
            format!("{}\n{row}\n", "{\"text\":\"a\",\"spans\":[]}").as_bytes(),
        );
        assert_eq!(run.status, Some(2), "{row}");
        assert!(run.stderr.contains("line 2") && run.stderr.contains(expected), "{}", run.stderr);
        assert!(!run.stderr.contains("secret words"));
    }
    let run = run_with(&["eval", "--patterns", "--at", "2", "-"], b"");
    assert!(run.stderr.contains("expected a score from 0 to 1"), "{}", run.stderr);
    let run = run_with(&["eval", "--patterns", "--bias", "-"], b"");
    assert_eq!(run.status, Some(2));
}
