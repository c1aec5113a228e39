//! `eval`: figures from labelled rows, and rows that are none.

use crate::program::{run, run_with};
use insta::assert_snapshot;
use serde_json::json;

const ROWS: &str = r#"{"id": "a:1", "text": "thank you for the lovely tea", "labels": {"toxicity": 0, "insult": 0}, "source": "a"}
{"id": "a:2", "text": "you are a stupid idiot, idiot", "labels": {"toxicity": 1, "insult": 1}, "source": "a"}
{"id": "b:1", "text": "the birds sing in the garden", "labels": {"toxicity": 0}, "source": "b", "extra": 1}
{"id": "b:2", "text": "shut up you worthless idiot", "label": 0.8, "head": "toxicity", "source": "b"}
"#;

#[test]
fn figures_come_per_head_and_slice() {
    let run = run_with(&["eval", "--json", "-"], ROWS.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let evaluation = run.json();
    assert_eq!(evaluation["rows"], 4);
    let toxicity: Vec<_> = evaluation["heads"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|head| head["head"] == "toxicity")
        .map(|head| {
            assert!((0.0..=1.0).contains(&head["auc"].as_f64().unwrap()), "{head}");
            (head["slice"].clone(), head["positives"].clone(), head["negatives"].clone())
        })
        .collect();
    assert_eq!(
        toxicity,
        [
            (json!("all"), json!(2), json!(2)),
            (json!("a"), json!(1), json!(1)),
            (json!("b"), json!(1), json!(1))
        ]
    );
    let all = &evaluation["decisions"][0];
    assert_eq!((&all["rows"], &all["benign"]), (&json!(4), &json!(2)));
}

#[test]
fn tables_and_intervals_are_plain_in_a_pipe() {
    let run = run_with(&["eval", "--head", "toxicity", "--bootstrap", "50", "-"], ROWS.as_bytes());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stdout.is_ascii(), "{}", run.stdout);
    for word in ["toxicity", "95% intervals", "decisions", "benign"] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("insult"), "{}", run.stdout);
}

#[test]
fn a_plot_is_one_svg() {
    let directory = tempfile::tempdir().unwrap();
    let (data, svg) = (directory.path().join("rows.jsonl"), directory.path().join("plot.svg"));
    std::fs::write(&data, ROWS).unwrap();
    let run = run(&["eval", data.to_str().unwrap(), "--plot", svg.to_str().unwrap()]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("Reliability of toxicity"), "{svg}");
}

#[test]
fn a_bad_row_is_an_error_with_its_line() {
    let errors: Vec<String> = [
        "not json",
        "{\"text\": \"\"}",
        "{\"text\": \"secret\", \"label\": 1}",
        "{\"text\": \"secret\", \"labels\": {\"toxicity\": 2}}",
        "{\"text\": \"secret\", \"labels\": \"secret\"}",
        "{\"text\": \"secret\", \"role\": \"secret\"}",
    ]
    .iter()
    .map(|row| {
        let run = run_with(&["eval", "-"], format!("{{\"text\": \"tea\"}}\n{row}\n").as_bytes());
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""));
        run.stderr
    })
    .collect();
    assert_snapshot!(errors.concat(), @r#"
    portcullis: standard input line 2: at column 1: expected an object with a string `text`, and `labels` or `label` in 0..=1
    portcullis: standard input line 2: the text is empty: expected at least one character
    portcullis: standard input line 2: a `label` without a `head`: expected both, or one --head
    portcullis: standard input line 2: a label out of range: expected a number in 0..=1
    portcullis: standard input line 2: at column 37: expected an object with a string `text`, and `labels` or `label` in 0..=1
    portcullis: standard input line 2: unknown role: expected user, assistant, tool or system
    "#);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let errors = [
        run(&["eval", "no-such-file.jsonl"]).stderr,
        run(&["eval", "-"]).stderr,
        run_with(&["eval", "-"], b"{\"text\": \"tea\", \"labels\": {\"sarcasm\": 1}}\n").stderr,
        run_with(&["eval", "--plot", "/nowhere/plot.svg", "-"], ROWS.as_bytes()).stderr,
    ];
    assert_snapshot!(errors.concat(), @r#"
    portcullis: cannot open no-such-file.jsonl: No such file or directory (os error 2)
    portcullis: standard input holds no rows: expected at least one
    portcullis: 1 rows have a label for "sarcasm", which the model has no head for
    portcullis: cannot write /nowhere/plot.svg: No such file or directory (os error 2)
    "#);
}

#[test]
fn an_unknown_head_is_an_error() {
    let run = run_with(&["eval", "--head", "sarcasm", "-"], ROWS.as_bytes());
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.starts_with("portcullis: unknown head \"sarcasm\": expected one of toxicity, "),
        "{}",
        run.stderr
    );
}
