//! Exceptions from the policy: who may make them, what they take out, and that nothing else changes.

use crate::program::{Run, program, run, run_with};
use portcullis::trust::SigningKey;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A state directory that trusts Ana, and her key.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate("ana").unwrap();
        key.write(&folder.path().join("ana.key")).unwrap();
        fs::create_dir_all(folder.path().join("state/keys")).unwrap();
        key.public().write(&folder.path().join("state/keys/ana.pub")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn with_state(&self, arguments: &[&str]) -> Vec<String> {
        let state = ["--state".to_owned(), self.path("state").display().to_string()];
        arguments.iter().map(|one| (*one).to_owned()).chain(state).collect()
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let arguments = self.with_state(arguments);
        run_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), input.as_bytes())
    }

    fn add(&self, arguments: &[&str]) -> Run {
        let key = self.path("ana.key").display().to_string();
        let rest = ["--key", &key, "--reason", "a test", "--days", "10"];
        self.run(&[&["exception", "add"], arguments, &rest].concat())
    }

    fn added(&self, arguments: &[&str]) {
        let run = self.add(arguments);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

const INSULT: &str = "you are a stupid worthless idiot, shut up";

#[test]
fn records_and_verdicts_name_what_was_used() {
    let place = Place::new();
    place.added(&["--id", "press", "--rule", "pii.email", "--pattern", r"press@example\.org"]);
    let record = place.path("record.jsonl").display().to_string();
    let text = "Write to press@example.org or jo@example.org today.";
    let verdict = place.run(&["check", "--json", "--record", &record, text]).json();
    assert_eq!(verdict["text"], "Write to press@example.org or [EMAIL] today.");
    assert_eq!(verdict["findings"][0]["spans"], serde_json::json!([[30, 44]]));
    let used =
        serde_json::json!([{"rule": "pii.email", "id": "press", "approved_by": "ana", "spans": [[9, 26]]}]);
    assert_eq!(verdict["exceptions"], used);
    let recorded: serde_json::Value = serde_json::from_str(&fs::read_to_string(&record).unwrap()).unwrap();
    assert_eq!(recorded["exceptions"], used);
    // Without a use there is no key, and without the state directory no exception.
    assert!(place.run(&["check", "--json", "good morning"]).json().get("exceptions").is_none());
    assert!(run(&["check", "--json", text]).json().get("exceptions").is_none());
}

#[test]
fn what_nobody_trusted_vouches_for_is_not_used_and_told() {
    let place = Place::new();
    let eve = SigningKey::generate("eve").unwrap();
    eve.write(&place.path("eve.key")).unwrap();
    let eve = place.path("eve.key").display().to_string();
    let refused = place.run(&[
        "exception",
        "add",
        "--key",
        &eve,
        "--id",
        "all",
        "--rule",
        "insult",
        "--reason",
        "why not",
        "--days",
        "1",
    ]);
    assert_eq!(refused.status, Some(2));
    assert!(
        refused.stderr.contains("signed by eve") && refused.stderr.contains("not trusted here"),
        "{}",
        refused.stderr
    );
    assert!(!place.path("state/exceptions/all.toml").exists());

    place.added(&["--id", "all", "--rule", "insult", "--rule", "toxicity"]);
    assert_eq!(place.run(&["check", INSULT]).status, Some(0));
    let file = place.path("state/exceptions/all.toml");
    let altered = fs::read_to_string(&file).unwrap().replace("a test", "a trick");
    fs::write(&file, altered).unwrap();
    let run = place.run(&["check", INSULT]);
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.starts_with("warning: the exception in ") && run.stderr.contains("does not hold"),
        "{}",
        run.stderr
    );
    let listed = place.run(&["exception", "list", "--json"]).json();
    assert_eq!(
        (&listed["exceptions"], listed["ignored"].as_array().unwrap().len()),
        (&serde_json::json!([]), 1)
    );
    assert_eq!(place.run(&["exception", "check"]).status, Some(1));
    assert_eq!(place.run(&["exception", "check", &file.display().to_string()]).status, Some(1));
}

#[test]
fn an_exception_covers_its_scope_only() {
    let place = Place::new();
    place.added(&[
        "--id", "desk", "--rule", "insult", "--rule", "toxicity", "--role", "tool", "--slice", "desk",
    ]);
    let line = |role: &str, slice: &str| {
        serde_json::json!({"text": INSULT, "role": role, "slice": slice}).to_string() + "\n"
    };
    let input = [line("tool", "desk"), line("tool", "other"), line("user", "desk")].concat();
    let verdicts = place.run_with(&["pipe"], &input).json_lines();
    let decisions: Vec<&str> = verdicts.iter().map(|verdict| verdict["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["allow", "veto", "veto"]);
}

#[test]
fn a_fault_is_not_excepted() {
    let place = Place::new();
    let policy = place.write(
        "small.toml",
        "schema = 1\nid = \"small\"\nversion = \"1.0.0\"\nmax_bytes = 10\n[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\n\
         threshold = 0.5\naction = \"rewrite\"\n",
    );
    place.added(&["--id", "all", "--rule", "mail"]);
    let run = place.run(&["check", "--json", "--policy", &policy, "jo@example.org and more"]);
    assert_eq!((run.status, run.json()["decision"].as_str()), (Some(1), Some("veto")));
}

#[test]
fn a_rewritten_text_is_known_by_what_it_was() {
    let place = Place::new();
    let text = format!("{INSULT}. Write to jo@example.org, please.");
    assert_eq!(place.run(&["check", &text]).status, Some(1));
    let file = place.write("letter.txt", &text);
    place.added(&["--id", "letter", "--rule", "insult", "--rule", "toxicity", "--text-file", &file]);
    let verdict = place.run(&["check", "--json", &text]).json();
    assert_eq!(verdict["decision"], "rewrite", "{verdict}");
    assert!(verdict["text"].as_str().unwrap().ends_with("[EMAIL], please."));
    // It is for that text, byte for byte.
    assert_eq!(place.run(&["check", &format!("{text} ")]).status, Some(1));
}

#[test]
fn a_tool_call_s_strings_are_texts() {
    let place = Place::new();
    place.added(&["--id", "press", "--rule", "pii.email", "--pattern", r"press@example\.org"]);
    let call =
        serde_json::json!({"name": "mail", "arguments": {"to": "press@example.org", "cc": "jo@example.org"}});
    let input =
        serde_json::json!({"role": "assistant", "text": "Sent.", "tool_call": call}).to_string() + "\n";
    let policy = place.write(
        "tools.toml",
        "schema = 1\nid = \"t\"\nversion = \"1.0.0\"\n[[rule]]\nid = \"pii.email\"\ndetector = \"pii.email\"\nthreshold = 0.5\n\
         action = \"rewrite\"\n",
    );
    let verdict = place.run_with(&["pipe", "--policy", &policy], &input).json();
    assert_eq!(
        verdict["tool_call"]["arguments"],
        serde_json::json!({"to": "press@example.org", "cc": "[EMAIL]"})
    );
    assert_eq!(verdict["exceptions"][0]["place"]["in"], "tool_call.arguments", "{verdict}");
    assert_eq!(verdict["exceptions"][0]["place"]["pointer"], "/to");
}

#[test]
fn a_live_text_has_them_too() {
    let place = Place::new();
    place.added(&["--id", "press", "--rule", "pii.email", "--pattern", r"press@example\.org"]);
    let text = "The garden is open. Write to press@example.org or jo@example.org, please.";
    let run = place.run_with(&["filter"], text);
    assert_eq!(run.stdout, "The garden is open. Write to press@example.org or [EMAIL], please.");
    let events = place.run_with(&["filter", "--json"], text).json_lines();
    let used = events.iter().find_map(|event| event.get("exceptions")).unwrap();
    assert_eq!(used[0]["spans"], serde_json::json!([[29, 46]]));
}

#[test]
fn a_bundle_brings_them_and_a_running_guard_takes_them_up() {
    let place = Place::new();
    let bundle = "schema = 1\nid = \"b\"\nversion = \"1.0.0\"\n[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\n\
                  action = \"rewrite\"\n";
    place.write("bundle/policy.toml", bundle);
    let bundle = place.path("bundle").display().to_string();
    let arguments = place.with_state(&["pipe", "--policy", &bundle]);
    let mut child = program().args(&arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut ask = || {
        input.write_all(b"{\"text\": \"Write to jo@example.org, please.\"}\n").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()
    };
    assert_eq!(ask()["decision"], "rewrite");
    let draft = place.write(
        "draft.toml",
        "schema = 1\nid = \"jo\"\nreason = \"Jo agreed\"\nrules = [\"mail\"]\neffective = 2020-01-01T00:00:00Z\n\
         expires = 2020-12-31T00:00:00Z\n",
    );
    let key = place.path("ana.key").display().to_string();
    // One that is over is told, and not used.
    let out = place.path("bundle/exceptions");
    fs::create_dir(&out).unwrap();
    let signed = out.join("jo.toml").display().to_string();
    assert_eq!(run(&["exception", "sign", &draft, "--key", &key, "--out", &signed]).status, Some(0));
    let warned = place.run(&["check", "--policy", &bundle, "good morning"]);
    assert!(warned.stderr.contains("the exception jo expired at 2020-12-31"), "{}", warned.stderr);
    // The installation's own, while the guard runs.
    place.added(&["--id", "jo2", "--rule", "mail"]);
    let taken = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        ask()["exceptions"][0]["id"] == "jo2"
    });
    assert!(taken, "the exception was never taken up");
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn taking_one_up_and_back_is_in_the_log_and_the_decision_replays() {
    use portcullis::log::{self, Body, Event};
    let place = Place::new();
    place.added(&["--id", "press", "--rule", "pii.email", "--pattern", r"press@example\.org"]);
    place.run(&["check", "Write to press@example.org or jo@example.org today."]);
    assert_eq!(
        place.run(&["exception", "revoke", "press", "--by", "bo", "--reason", "moved"]).status,
        Some(0)
    );
    let mut told = Vec::new();
    for entry in log::read(&place.path("state")).unwrap() {
        match entry.unwrap().body {
            Body::Event { event: Event::ExceptionAdded { id, approved_by, .. }, .. } => {
                told.push(format!("{id} {approved_by}"));
            }
            Body::Event { event: Event::ExceptionRevoked { id, by, reason }, .. } => {
                told.push(format!("{id} {by} {reason}"));
            }
            Body::Decision(record) => told.push(record.exceptions[0].id.clone()),
            _ => {}
        }
    }
    assert_eq!(told, ["press ana", "press", "press bo moved"]);
    let replayed = place.run(&["log", "replay"]);
    assert_eq!(replayed.status, Some(0), "{}{}", replayed.stdout, replayed.stderr);
}

#[test]
fn mistakes_are_told_and_leave_nothing_behind() {
    let place = Place::new();
    for (arguments, message) in [
        (vec!["--id", "../x", "--rule", "insult"], "`id`"),
        (vec!["--id", "x", "--rule", "insult", "--pattern", "("], "`pattern`"),
        (vec!["--id", "x", "--rule", "insult", "--text-digest", "abc"], "`texts`"),
        (vec!["--id", "x", "--rule", "insult", "--text-file", "/nowhere"], "cannot read /nowhere"),
        (vec!["--id", "x", "--rule", "insult", "--effective", "tomorrow"], "cannot sign the exception"),
    ] {
        let run = place.add(&arguments);
        assert_eq!(run.status, Some(2), "{arguments:?}");
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
    }
    assert!(!place.path("state/exceptions").exists());
    let none = run(&["exception", "list"]);
    assert_eq!(none.status, Some(2));
    assert!(none.stderr.contains("no state directory"), "{}", none.stderr);
    place.added(&["--id", "x", "--rule", "insult"]);
    let twice = place.add(&["--id", "x", "--rule", "hate"]);
    assert!(twice.stderr.contains("the exception x is there already"), "{}", twice.stderr);
    let unknown = place.run(&["exception", "revoke", "y", "--by", "ana", "--reason", "none"]);
    assert!(unknown.stderr.contains("there is no exception y here"), "{}", unknown.stderr);
    assert!(Path::new(&place.path("state/exceptions/x.toml")).exists());
}
