//! JSON Schemas of a policy: what is allowed, mended and held, in one text, in lines and in a stream.

use crate::program::{Run, run, run_with};
use std::fs;
use std::path::Path;

const POLICY: &str = r#"schema = 1
id = "p"
version = "1.0.0"
on_unsupported = "allow"

[[json_schema]]
id = "reply"
file = "reply.json"

[[rule]]
id = "reply"
detector = "schema.reply"
threshold = 1.0
action = "rewrite"
mode = "repair"

[[rule]]
id = "mail"
detector = "pii.email"
threshold = 0.5
action = "rewrite"
"#;

const SCHEMA: &str = r#"{"required": ["to"], "properties": {"to": {"type": "string"}}, "type": "object"}"#;

fn folder(policy: &str, schema: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.toml"), policy).unwrap();
    fs::write(folder.path().join("reply.json"), schema).unwrap();
    folder
}

fn check(folder: &Path, role: &str, text: &str) -> Run {
    run(&["check", "--json", "--role", role, "--policy", folder.join("p.toml").to_str().unwrap(), text])
}

#[test]
fn only_the_assistant_must_answer_in_json() {
    let folder = folder(POLICY, SCHEMA);
    assert_eq!(check(folder.path(), "user", "hello there").json()["decision"], "allow");
    let verdict = check(folder.path(), "assistant", "hello there").json();
    assert_eq!(verdict["decision"], "veto");
    assert_eq!(verdict["text"], serde_json::Value::Null);
    let finding = &verdict["findings"][0];
    assert_eq!(finding["source"], "schema");
    assert_eq!(finding["action"], "veto");
    assert_eq!(finding["place"], serde_json::json!({"in": "text", "keyword": "json"}));
}

#[test]
fn a_repair_and_a_redaction_are_one_script() {
    let folder = folder(POLICY, SCHEMA);
    let text = "Sure: {'to': 'jo@example.org', 'cc': None,} Sent!";
    let verdict = check(folder.path(), "assistant", text).json();
    assert_eq!(verdict["decision"], "rewrite", "{verdict}");
    assert_eq!(verdict["text"], r#"{"to": "[EMAIL]", "cc": null}"#);
    let mut edited = text.to_owned();
    for edit in verdict["edits"].as_array().unwrap().iter().rev() {
        let at = |key: &str| usize::try_from(edit[key].as_u64().unwrap()).unwrap();
        edited.replace_range(at("start")..at("end"), edit["replacement"].as_str().unwrap());
    }
    assert_eq!(verdict["text"], edited);
    let again = check(folder.path(), "assistant", &edited).json();
    assert_eq!(again["decision"], "allow");
}

#[test]
fn the_digest_covers_the_schema() {
    let (one, two) = (folder(POLICY, SCHEMA), folder(POLICY, "true"));
    let digest = |folder: &Path| check(folder, "user", "hello there").json()["policy"]["digest"].clone();
    assert_eq!(digest(one.path()), digest(one.path()));
    assert_ne!(digest(one.path()), digest(two.path()));
}

#[test]
fn a_schema_that_cannot_be_used_is_a_mistake_of_the_policy() {
    for (schema, expected) in [
        ("{", "the JSON Schema is not valid JSON at byte 1, expected a JSON Schema"),
        (r#"{"$ref": "other.json"}"#, "the JSON Schema is not a JSON Schema that can be used"),
    ] {
        let run = check(folder(POLICY, schema).path(), "user", "hello");
        assert_eq!(run.status, Some(2));
        assert!(run.stderr.contains("p.toml:8:8: "), "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    let run = check(folder(&POLICY.replace("reply.json", "../reply.json"), SCHEMA).path(), "user", "hello");
    assert!(run.stderr.contains("the file `../reply.json` cannot be used"), "{}", run.stderr);
}

#[test]
fn a_stream_is_held_until_its_json_is_whole() {
    let folder = folder(POLICY, SCHEMA);
    let policy = folder.path().join("p.toml");
    let arguments = ["filter", "--role", "assistant", "--policy", policy.to_str().unwrap()];
    let long = "word. ".repeat(100);
    let run = run_with(&arguments, format!("{{\"to\": \"{long}\",}}\n").as_bytes());
    assert_eq!(run.stdout, format!("{{\"to\": \"{long}\"}}\n"), "{}", run.stderr);
    let run = run_with(&arguments, b"No JSON. None at all.\n");
    assert_eq!((run.stdout.as_str(), run.status), ("", Some(1)), "{}", run.stderr);
}

#[test]
fn a_record_holds_no_key_of_the_text() {
    let folder = folder(POLICY, SCHEMA);
    let record = folder.path().join("record.jsonl");
    let policy = folder.path().join("p.toml");
    let run = run(&[
        "check",
        "--role",
        "assistant",
        "--policy",
        policy.to_str().unwrap(),
        "--record",
        record.to_str().unwrap(),
        r#"{"to": 7}"#,
    ]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    let line: serde_json::Value = serde_json::from_str(&fs::read_to_string(record).unwrap()).unwrap();
    assert_eq!(line["findings"][0]["place"], serde_json::json!({"in": "text", "keyword": "type"}));
}
