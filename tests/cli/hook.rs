//! `hook`: recorded events of an agent, and what the agent gets to hear.

use crate::program::{Run, finish, program, run_with};
use insta::assert_snapshot;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hooks");

fn hook(arguments: &[&str], event: &[u8]) -> Run {
    let policy = format!("{EVENTS}/agent.toml");
    run_with(&[&["hook", "--policy", &policy], arguments].concat(), event)
}

/// Every recorded event with its status and output.
fn told(arguments: &[&str]) -> String {
    let mut names: Vec<String> = std::fs::read_dir(EVENTS)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    let mut told = String::new();
    for name in names {
        let run = hook(arguments, &std::fs::read(Path::new(EVENTS).join(&name)).unwrap());
        let _ = writeln!(told, "{name}: {}", run.status.unwrap());
        for line in [run.stdout.as_str(), &run.stderr].iter().flat_map(|output| output.lines()) {
            let _ = writeln!(told, "  {line}");
        }
    }
    told
}

#[test]
fn every_event_has_its_status_and_reason() {
    assert_snapshot!(told(&[]));
}

#[test]
fn every_event_has_its_decision_for_an_agent_that_reads_one() {
    assert_snapshot!(told(&["--json"]));
}

#[test]
fn no_reason_holds_what_was_judged() {
    let told = told(&[]) + &told(&["--json", "--pass-rewrites"]);
    for judged in
        ["ghp_", "previous instructions", "rm -rf", "idiot", "install.sh", "water plant", "/home/jo"]
    {
        assert!(!told.contains(judged), "{judged}: {told}");
    }
}

#[test]
fn rewrites_pass_when_asked() {
    let event = std::fs::read(Path::new(EVENTS).join("prompt-secret.json")).unwrap();
    assert_eq!(hook(&[], &event).status, Some(2));
    let passed = hook(&["--pass-rewrites"], &event);
    assert_eq!((passed.status, passed.stdout.as_str(), passed.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn what_cannot_be_judged_is_blocked() {
    let event = std::fs::read(Path::new(EVENTS).join("prompt.json")).unwrap();
    // A policy that cannot be read, a flag that is not known, time that is up.
    let missing = run_with(&["hook", "--policy", "/nowhere.toml"], &event);
    assert_eq!((missing.status, missing.stdout.as_str()), (Some(2), ""));
    assert_eq!(hook(&["--jsonn"], &event).status, Some(2));
    let late = hook(&["--deadline-ms", "0", "--json"], &event);
    assert_eq!((late.status, late.json()["decision"].as_str()), (Some(0), Some("block")), "{}", late.stderr);
    assert_eq!(hook(&["--deadline-ms", "0"], &event).status, Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_decision_that_cannot_be_told_is_blocked() {
    let event = std::fs::read(Path::new(EVENTS).join("prompt-injection.json")).unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = program();
    command.args(["hook", "--json", "--policy", &format!("{EVENTS}/agent.toml")]);
    let mut child = command.stdin(Stdio::piped()).stdout(full).stderr(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &event).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn an_event_is_logged_as_any_text() {
    let state = tempfile::tempdir().unwrap();
    let event = std::fs::read(Path::new(EVENTS).join("call-destroy.json")).unwrap();
    let policy = format!("{EVENTS}/agent.toml");
    let state = state.path().to_str().unwrap();
    let run = finish(program().args(["hook", "--state", state, "--policy", &policy]), &event);
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    let stats = crate::program::run(&["log", "query", "--state", state, "--json"]);
    assert!(stats.stdout.contains("\"veto\""), "{}{}", stats.stdout, stats.stderr);
}
