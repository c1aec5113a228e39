//! A running `pipe` and its policy: what is taken up between two lines, and candidates beside it.

use crate::policies::{Place, policy};
use crate::program::{program, run_with};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// A `pipe` that looks for a change before every batch.
struct Pipe {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Pipe {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program()
            .args(["pipe", "--reload-ms", "0"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn ask(&mut self, text: &str) -> Value {
        writeln!(self.input, "{}", json!({ "text": text })).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn decision(&mut self, text: &str) -> String {
        self.ask(text).get("decision").and_then(Value::as_str).unwrap().to_owned()
    }

    /// Ends the input and answers standard error.
    fn end(mut self) -> String {
        drop(self.input);
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{errors}");
        errors
    }
}

const KESTREL: &str = "What does a kestrel eat?";
const ROOK: &str = "What does a rook eat?";

#[test]
fn an_activation_is_taken_up_between_two_lines() {
    let place = Place::new();
    let state = place.text("state");
    let mut pipe = Pipe::start(&["--state", &state]);
    assert_eq!(pipe.decision(KESTREL), "allow");
    for (revision, action) in [(1, "rewrite"), (2, "veto")] {
        place.activate(&place.bundle(revision, "kestrel", action));
        let verdict = pipe.ask(KESTREL);
        assert_eq!(verdict["decision"], action);
        assert_eq!(verdict["policy"]["version"], format!("1.{revision}.0"));
    }
    place.run(&["policy", "rollback", "--by", "jo", "--reason", "too strict"]);
    assert_eq!(pipe.decision(KESTREL), "rewrite");
    let errors = pipe.end();
    assert_eq!(errors.matches("portcullis: now judging by birds 1.").count(), 3, "{errors}");
}

#[test]
fn a_changed_word_list_is_taken_up_between_two_lines() {
    let place = Place::new();
    let bundle = place.bundle(1, "kestrel", "veto");
    let list = place.path("birds-1-kestrel-veto/birds.txt");
    let mut pipe = Pipe::start(&["--policy", &bundle]);
    assert_eq!((pipe.decision(KESTREL).as_str(), pipe.decision(ROOK).as_str()), ("veto", "allow"));
    fs::write(&list, "rook\n").unwrap();
    assert_eq!((pipe.decision(KESTREL).as_str(), pipe.decision(ROOK).as_str()), ("veto", "veto"));
    let file = place.path("birds-1-kestrel-veto/policy.toml");
    fs::write(file, policy(2, "wren", "veto")).unwrap();
    assert_eq!((pipe.decision(KESTREL).as_str(), pipe.decision(ROOK).as_str()), ("allow", "veto"));
    pipe.end();
}

#[test]
fn a_change_that_cannot_be_used_keeps_the_old_policy_and_is_told_once() {
    let place = Place::new();
    let bundle = place.bundle(1, "kestrel", "veto");
    let file = place.path("birds-1-kestrel-veto/policy.toml");
    let mut pipe = Pipe::start(&["--policy", &bundle]);
    assert_eq!(pipe.decision(KESTREL), "veto");
    fs::write(&file, "schema = 2\n").unwrap();
    for _ in 0..3 {
        assert_eq!(pipe.decision(KESTREL), "veto");
    }
    fs::remove_file(&file).unwrap();
    for _ in 0..3 {
        assert_eq!(pipe.decision(KESTREL), "veto");
    }
    fs::write(&file, policy(2, "rook", "veto")).unwrap();
    assert_eq!(pipe.decision(KESTREL), "allow");
    let errors = pipe.end();
    assert_eq!(errors.matches("warning: the policy before stays in force").count(), 2, "{errors}");
    assert!(errors.contains("policy.toml:1:1"), "{errors}");
}

#[test]
fn a_stored_bundle_that_is_changed_keeps_the_policy_that_was_loaded() {
    let place = Place::new();
    place.activate(&place.bundle(1, "kestrel", "veto"));
    let state = place.text("state");
    let mut pipe = Pipe::start(&["--state", &state]);
    assert_eq!(pipe.decision(KESTREL), "veto");
    let active = place.run(&["policy", "active", "--json"]).json();
    let stored = std::path::PathBuf::from(active["path"].as_str().unwrap());
    fs::write(stored.join("policy.toml"), policy(1, "rook", "veto")).unwrap();
    assert_eq!(pipe.decision(KESTREL), "veto");
    assert!(pipe.end().contains("has been changed since it was stored"));
}

#[test]
fn a_stripped_signature_is_not_taken_up() {
    let place = Place::new();
    let (keys, state) = (place.text("keys"), place.text("state"));
    crate::program::run(&["policy", "keygen", "release", "--out", &keys]);
    fs::create_dir_all(place.path("state/keys")).unwrap();
    fs::copy(place.path("keys/release.pub"), place.path("state/keys/release.pub")).unwrap();
    fs::write(place.path("state/portcullis.toml"), "[trust]\nrequire_signed_policy = true\n").unwrap();
    let bundle = place.bundle(1, "kestrel", "veto");
    let key = place.text("keys/release.key");
    crate::program::run(&["policy", "sign", &bundle, "--key", &key]);
    let mut pipe = Pipe::start(&["--state", &state, "--policy", &bundle]);
    assert_eq!(pipe.decision(KESTREL), "veto");
    fs::remove_file(place.path("birds-1-kestrel-veto/SIGNATURE.json")).unwrap();
    fs::write(place.path("birds-1-kestrel-veto/policy.toml"), policy(2, "rook", "veto")).unwrap();
    assert_eq!(pipe.decision(KESTREL), "veto");
    assert!(pipe.end().contains("expected a signature by a trusted key"));
}

#[test]
fn a_candidate_changes_no_verdict_and_tells_what_it_would_change() {
    let place = Place::new();
    let (old, new) = (place.bundle(1, "kestrel", "rewrite"), place.bundle(2, "rook", "veto"));
    let out = place.text("differences.ndjson");
    let rows = [
        ("a kestrel flew", "birds"),
        ("a rook flew", "birds"),
        ("a plane flew", "travel"),
        ("a rook and a kestrel", "birds"),
    ];
    let input: String =
        rows.iter().map(|(text, slice)| format!("{}\n", json!({ "text": text, "slice": slice }))).collect();
    let plain = run_with(&["pipe", "--policy", &old], input.as_bytes());
    let beside =
        run_with(&["pipe", "--policy", &old, "--shadow", &new, "--shadow-out", &out], input.as_bytes());
    assert_eq!(beside.status, Some(0), "{}", beside.stderr);
    let told = |lines: Vec<Value>| -> Vec<Value> {
        lines
            .into_iter()
            .map(|mut line| {
                line["timing_us"].take();
                line["decision_id"].take();
                line
            })
            .collect()
    };
    let ids: Vec<Value> = beside.json_lines().iter().map(|line| line["decision_id"].clone()).collect();
    assert_eq!(told(plain.json_lines()), told(beside.json_lines()));
    assert!(
        beside.stderr.ends_with("portcullis: shadow: 3 of 4 verdicts differ: 1 allow to veto, 1 rewrite to allow, 1 rewrite to veto\n"),
        "{}",
        beside.stderr
    );
    let written = fs::read_to_string(&out).unwrap();
    assert!(!written.contains("flew"), "{written}");
    let differences: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(differences.len(), 3);
    assert_eq!((&differences[0]["from"], &differences[0]["to"]), (&"rewrite".into(), &"allow".into()));
    assert_eq!((&differences[0]["lost"], &differences[0]["gained"]), (&json!(["birds"]), &json!([])));
    assert_eq!((&differences[1]["slice"], &differences[1]["decision_id"]), (&"birds".into(), &ids[1]));
    assert_eq!(differences[1]["candidate"]["version"], "1.2.0");
}

#[test]
fn differences_go_to_the_log_of_the_state_directory() {
    let place = Place::new();
    place.activate(&place.bundle(1, "kestrel", "rewrite"));
    let candidate = place.bundle(2, "kestrel", "veto");
    let judged = place.run(&["check", "--json", "--shadow", &candidate, KESTREL]);
    assert_eq!((judged.status, judged.json()["decision"].clone()), (Some(0), "rewrite".into()));
    assert!(judged.stderr.contains("shadow: 1 of 1 verdicts differ: 1 rewrite to veto"), "{}", judged.stderr);
    let state = place.path("state");
    let entries = portcullis::log::read(&state).unwrap();
    let bodies: Vec<Value> =
        entries.map(|entry| serde_json::to_value(entry.unwrap().body).unwrap()).collect();
    let of = |kind: &str| bodies.iter().filter(|body| body["event"]["event"] == kind).count();
    assert_eq!((of("policy_activated"), of("shadow_difference")), (1, 1), "{bodies:?}");
    // The candidate's verdict is no decision.
    assert!(bodies.iter().filter(|body| !body["decision"].is_null()).count() <= 1, "{bodies:?}");
}

#[test]
fn a_candidate_scores_as_it_would_alone() {
    let place = Place::new();
    let toxic = |threshold: &str| {
        format!(
            "schema = 1\nid = \"t\"\nversion = \"1.0.0\"\nmax_decode_depth = 0\n[[rule]]\nid = \"t\"\n\
             detector = \"classifier.toxicity\"\nthreshold = {threshold}\naction = \"veto\"\n"
        )
    };
    fs::write(place.path("lax.toml"), toxic("0.999999")).unwrap();
    fs::write(place.path("strict.toml"), toxic("0.000001")).unwrap();
    let (lax, strict, out) = (place.text("lax.toml"), place.text("strict.toml"), place.text("out"));
    let input = "{\"text\":\"good morning\"}\n{\"text\":\"you stupid idiot\"}\n{\"text\":\"good morning\"}\n";
    let beside =
        run_with(&["pipe", "--policy", &lax, "--shadow", &strict, "--shadow-out", &out], input.as_bytes());
    assert_eq!(beside.status, Some(0), "{}", beside.stderr);
    let alone = run_with(&["pipe", "--policy", &strict], input.as_bytes()).json_lines();
    let vetoes = alone.iter().filter(|line| line["decision"] == "veto").count();
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), vetoes);
    assert!(vetoes > 0);
}
