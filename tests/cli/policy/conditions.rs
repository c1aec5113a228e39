//! Rules for some slices and locales, as each command asks for them.

use super::{bundle, path};
use crate::program::{run, run_with};
use serde_json::{Value, json};

const POLICY: &str = r#"schema = 2
id = "desk"
version = "1.0.0"
revision = 1
on_unsupported = "allow"

[governance]
objective = "o"
owner = "o"

[[rule]]
id = "mail"
detector = "pii.email"
slices = ["shop"]
locales = ["de"]
threshold = 0.5
action = "rewrite"

[[rule]]
id = "phone"
detector = "pii.phone"
slices = ["shop"]
threshold = 0.5
action = "veto"
"#;

const TEXT: &str = "Please write to jo@example.org today.";

#[test]
fn check_and_filter_say_the_slice() {
    let bundle = bundle(POLICY, None);
    let check = |more: &[&str]| {
        let run = run(&[&["check", "--json", "--policy", path(&bundle), TEXT], more].concat());
        run.json()["text"].clone()
    };
    assert_eq!(check(&["--slice", "shop", "--locale", "de-AT"]), "Please write to [EMAIL] today.");
    assert_eq!(check(&["--slice", "shop"]), TEXT);
    assert_eq!(check(&["--locale", "de"]), TEXT);
    let filter = |more: &[&str]| {
        run_with(&[&["filter", "--policy", path(&bundle)], more].concat(), TEXT.as_bytes()).stdout
    };
    assert_eq!(filter(&["--slice", "shop", "--locale", "de"]), "Please write to [EMAIL] today.");
    assert_eq!(filter(&[]), TEXT);
}

/// What is rewritten is judged again, and a tool call's arguments are judged as texts: both in the slice of the request.
#[test]
fn every_part_of_a_request_is_of_its_slice() {
    let bundle = bundle(POLICY, None);
    let call = json!({"name": "say", "arguments": {"text": "Call +44 20 7946 0958."}});
    let lines = [
        json!({"slice": "shop", "tool_call": call}),
        json!({"slice": "desk", "tool_call": call}),
        json!({"tool_call": call}),
    ];
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let record = bundle.path().join("record.jsonl");
    let answers =
        run_with(&["pipe", "--policy", path(&bundle), "--record", super::text(&record)], input.as_bytes())
            .json_lines();
    let decisions: Vec<&Value> = answers.iter().map(|answer| &answer["decision"]).collect();
    assert_eq!(decisions, ["veto", "allow", "allow"]);
    let record = std::fs::read_to_string(record).unwrap();
    let thresholds: Vec<Value> = record
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["thresholds"].clone())
        .collect();
    assert_eq!(thresholds, [json!({"phone": 0.5}), json!({}), json!({})]);
}

#[test]
fn explain_shows_the_thresholds_that_apply() {
    let policy = POLICY.replace("detector = \"pii.phone\"", "detector = \"classifier.hate\"");
    let bundle = bundle(&policy, None);
    let threshold = |more: &[&str]| {
        let explained =
            run(&[&["explain", "--json", "--policy", path(&bundle), "A quiet day."], more].concat()).json();
        let heads = explained["heads"].as_array().unwrap().clone();
        heads.into_iter().find(|head| head["name"] == "hate").unwrap()["threshold"].clone()
    };
    assert_eq!((threshold(&["--slice", "shop"]), threshold(&[])), (json!(0.5), Value::Null));
}
