//! The hashed bundle beside the default one: every command that judges takes it.

use std::path::Path;

use crate::program::{Run, run_with};

fn tiny(arguments: &[&str], input: &str) -> Run {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let options = ["--models", models.to_str().unwrap(), "--model", "portcullis-tiny"];
    run_with(&[&options as &[&str], arguments].concat(), input.as_bytes())
}

#[test]
fn check_judges_and_names_the_model() {
    let benign = tiny(&["check", "--json", "How do I descale a kettle?"], "");
    assert_eq!(benign.status, Some(0), "{}", benign.stderr);
    let verdict = benign.json();
    assert_eq!((&verdict["decision"], &verdict["model"]["id"]), (&"allow".into(), &"portcullis-tiny".into()));
    let hostile = tiny(&["check", "--json", "you are a stupid worthless idiot, shut up"], "").json();
    assert_ne!(hostile["decision"], "allow", "{hostile}");
    assert!(hostile["scores"]["insult"].as_f64().unwrap() > 0.5, "{hostile}");
}

#[test]
fn what_it_cannot_read_is_told() {
    let verdict =
        tiny(&["check", "--json", "Wo kann man hier in der Nähe ein gutes gebrauchtes Fahrrad kaufen?"], "");
    assert_eq!(verdict.json()["coverage"], "none", "{}", verdict.stdout);
}

#[test]
fn pipe_explain_inspect_and_bench_take_it() {
    let lines = tiny(&["pipe"], "{\"text\":\"good morning\"}\n{\"text\":\"shut up, idiot\"}\n").json_lines();
    assert_eq!(lines.len(), 2);
    let explanation = tiny(&["explain", "--json", "you are an idiot"], "").json();
    assert_eq!(explanation["words"].as_array().unwrap().len(), 4, "{explanation}");
    let report = tiny(&["inspect", "--self-test", "--json"], "").json();
    assert!(
        report["self_test"].as_array().unwrap().iter().all(|finding| finding["passed"] != false),
        "{report}"
    );
    let bench = tiny(&["bench", "--lengths", "8,302", "--rounds", "2", "--starts", "0"], "");
    assert_eq!(bench.status, Some(0), "{}", bench.stderr);
    let ids = tiny(&["bench", "encode-loop"], "16\n");
    assert_eq!(ids.status, Some(2));
    assert!(ids.stderr.contains("the bundle's model reads words, not token ids"), "{}", ids.stderr);
}
