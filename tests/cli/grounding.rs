//! Sentences of an answer held against its sources.

use crate::program::{Run, run_with};
use serde_json::{Value, json};
use std::fs;

const POLICY: &str = r#"schema = 1
id = "p"
version = "1.0.0"

[[rule]]
id = "unsupported"
detector = "grounding.unsupported"
experimental = true
threshold = 0.25
action = "escalate"
"#;

const SOURCE: &str = "The town library opens at nine on weekdays. It is closed on Sundays.";
const ANSWER: &str = "The library opens at nine on weekdays. Penguins cannot fly.";

fn pipe(policy: &str, arguments: &[&str], line: &Value) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    fs::write(&path, policy).unwrap();
    let mut all = vec!["pipe", "--policy", path.to_str().unwrap()];
    all.extend(arguments);
    run_with(&all, format!("{line}\n").as_bytes())
}

fn answer(line: &Value) -> Value {
    pipe(POLICY, &[], line).json()
}

#[test]
fn a_sentence_that_no_source_bears_out_is_found_where_it_stands() {
    let verdict = answer(&json!({"role": "assistant", "text": ANSWER, "sources": [SOURCE]}));
    assert_eq!(verdict["decision"], "escalate");
    let findings = verdict["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0]["spans"], json!([[39, 59]]));
    assert_eq!(findings[0]["source"], "grounding");
    let both = json!({"role": "assistant", "text": ANSWER, "sources": [SOURCE, "Penguins cannot fly."]});
    assert_eq!(answer(&both)["decision"], "allow");
}

#[test]
fn without_sources_and_in_other_roles_nothing_is_asked() {
    for line in [
        json!({"role": "assistant", "text": ANSWER}),
        json!({"role": "assistant", "text": ANSWER, "sources": []}),
        json!({"role": "user", "text": ANSWER, "sources": [SOURCE]}),
    ] {
        assert_eq!(answer(&line)["decision"], "allow", "{line}");
    }
    let line = json!({"role": "assistant", "text": ANSWER, "sources": [""]});
    assert_eq!(answer(&line)["findings"].as_array().unwrap().len(), 2, "an empty source bears nothing out");
}

#[test]
fn what_cannot_be_compared_is_a_fault() {
    let line = json!({"role": "assistant", "text": "One two three.", "sources": ["word ".repeat(300)]});
    let small = POLICY.replace("version = \"1.0.0\"", "version = \"1.0.0\"\nmax_bytes = 1000");
    let verdict = pipe(&small, &[], &line).json();
    assert_eq!(verdict["decision"], "veto");
    assert_eq!(verdict["fault"], "the sources have 1500 bytes, the policy's max_bytes is 1000");
    let many = "One two three. ".repeat(3000);
    let verdict = answer(&json!({"role": "assistant", "text": many, "sources": [many]}));
    assert_eq!(verdict["decision"], "veto");
    assert_eq!(verdict["fault"], "the answer and its sources have too many sentences to be compared");
}

#[test]
fn the_rule_must_say_that_it_is_experimental() {
    let run = pipe(&POLICY.replace("experimental = true\n", ""), &[], &json!({"text": "hello"}));
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("`grounding.unsupported` is experimental"), "{}", run.stderr);
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    let tiny = ["--models", models, "--model", "portcullis-tiny"];
    let run = pipe(POLICY, &tiny, &json!({"text": "hello"}));
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("no detector is named `grounding.unsupported`"), "{}", run.stderr);
}
