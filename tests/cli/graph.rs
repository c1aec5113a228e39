//! `graph`: export, queries and ready questions.

use std::fs;

use tempfile::TempDir;

use crate::program::{Run, run};

const POLICY: &str = r#"
schema = 2
id = "shop"
version = "1.0.0"
revision = 1

[governance]
objective = "Keep data in."
owner = "jo"

[[rule]]
id = "mail"
detector = "pii.email"
threshold = 0.5
action = "rewrite"
hazard = "Privacy"
references = ["OWASP LLM02"]
"#;

const TESTS: &str = r#"
[[case]]
name = "an address goes"
text = "Write to jo@example.org."
expect = "rewrite"
rule = "mail"
"#;

fn bundle() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    (folder, path)
}

fn graph(arguments: &[&str]) -> Run {
    run(&[&["graph"], arguments].concat())
}

#[test]
fn ready_questions() {
    let (folder, policy) = bundle();
    let told = graph(&["ask", "rules-without-test", "--policy", &policy, "--csv"]);
    assert_eq!(
        (told.status, told.stdout.as_str()),
        (Some(0), "policy,rule\r\nshop 1.0.0,mail\r\n"),
        "{}",
        told.stderr
    );
    fs::create_dir(folder.path().join("tests")).unwrap();
    fs::write(folder.path().join("tests/mail.toml"), TESTS).unwrap();
    let told = graph(&["ask", "rules-without-test", "--policy", &policy, "--csv"]);
    assert_eq!(told.stdout, "policy,rule\r\n", "{}", told.stderr);
    let told = graph(&["ask", "references", "--policy", &policy]);
    assert!(told.stdout.contains("OWASP LLM02  mail"), "{}", told.stdout);
    assert_eq!(graph(&["ask", "exceptions-by"]).status, Some(2), "by whom?");
    assert_eq!(graph(&["ask", "history", "jo"]).status, Some(2));
    assert_eq!(graph(&["ask", "everything"]).status, Some(2));
}

#[test]
fn the_model_in_use_is_in_the_graph() {
    let inspected = run(&["inspect", "--json"]).json();
    let digest = inspected["model"]["digest"].as_str().unwrap();
    let told = graph(&["ask", "depends-on", digest.get(..10).unwrap(), "--csv"]);
    for kind in ["Calibration,", "Detector,", "Head,", "Policy,", "Rule,"] {
        assert!(told.stdout.contains(kind), "{kind} {}", told.stdout);
    }
}

#[test]
fn forms() {
    let (folder, policy) = bundle();
    let turtle = graph(&["export", "--policy", &policy]);
    assert!(
        turtle.stdout.contains("@prefix pc: <urn:portcullis:vocab#>"),
        "{}{}",
        turtle.stdout,
        turtle.stderr
    );
    assert_eq!(turtle.stdout, graph(&["export", "--policy", &policy]).stdout);
    let out = folder.path().join("graph.jsonld");
    let told = graph(&["export", "--policy", &policy, "--format", "jsonld", "--out", out.to_str().unwrap()]);
    assert_eq!((told.status, told.stdout.as_str()), (Some(0), ""));
    serde_json::from_str::<serde_json::Value>(&fs::read_to_string(out).unwrap()).unwrap();
}

#[test]
fn queries_only_read() {
    for (query, message) in [
        ("DROP ALL", "expected SELECT, ASK, CONSTRUCT or DESCRIBE"),
        ("LOAD <file:///etc/passwd>", "expected SELECT, ASK, CONSTRUCT or DESCRIBE"),
        ("SELECT * { SERVICE SILENT <http://127.0.0.1:1/> { ?s ?p ?o } }", "nothing leaves this machine"),
        (
            "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?o ?p . ?q ?r ?s }",
            "took more than 1 seconds",
        ),
    ] {
        let told = graph(&["query", query, "--time", "1"]);
        assert_eq!(told.status, Some(2), "{query}");
        assert!(told.stderr.contains(message), "{query}: {}", told.stderr);
    }
}

#[test]
fn decisions_are_bounded() {
    let folder = TempDir::new().unwrap();
    let records = folder.path().join("records.jsonl");
    let records = records.to_str().unwrap();
    for text in ["one", "two", "three"] {
        assert_eq!(run(&["check", "--record", records, text]).status, Some(0));
    }
    let count = "SELECT (COUNT(*) AS ?n) { ?d a pc:Decision }";
    let told = graph(&["query", count, "--records", records, "--csv"]);
    assert_eq!(told.stdout, "n\r\n3\r\n", "{}", told.stderr);
    let told = graph(&["query", count, "--records", records, "--limit", "2", "--csv"]);
    assert_eq!(told.stdout, "n\r\n2\r\n");
    let told = graph(&["query", count, "--records", records, "--since", "2100-01-01", "--csv"]);
    assert_eq!(told.stdout, "n\r\n0\r\n");
}

#[test]
fn what_was_put_in_force_is_told_once() {
    let (folder, policy) = bundle();
    let state = folder.path().join("state").to_str().unwrap().to_owned();
    let done = run(&["policy", "activate", &policy, "--state", &state, "--by", "jo"]);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    let told = graph(&["ask", "history", "--state", &state, "--csv"]);
    assert_eq!(told.stdout.lines().count(), 2, "{}{}", told.stdout, told.stderr);
    assert!(told.stdout.contains(",activated,shop 1.0.0,1,jo,"), "{}", told.stdout);
}
