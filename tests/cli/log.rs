//! `log` and what fills it: checks, searches, counts, and writers that are killed.

use crate::program::{Run, finish, program, run};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;

fn options(state: &Path) -> Vec<String> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let models = models.to_str().unwrap();
    ["--models", models, "--model", "portcullis-tiny", "--state", state.to_str().unwrap()]
        .map(str::to_owned)
        .into()
}

fn with(state: &Path, arguments: &[&str], input: &str) -> Run {
    finish(program().args(options(state)).args(arguments), input.as_bytes())
}

/// A state directory with the verdicts on three texts.
fn judged() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let lines = "{\"text\": \"How do I bake a loaf of bread?\", \"slice\": \"kitchen\"}\n\
        {\"text\": \"Please write to jo@example.org today.\", \"role\": \"assistant\"}\n\
        {\"text\": \"hello\", \"deadline_ms\": 0}\n";
    let run = with(state.path(), &["pipe"], lines);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    state
}

#[test]
fn a_log_is_checked_and_a_change_is_found() {
    let state = judged();
    let good = with(state.path(), &["log", "verify"], "");
    assert_eq!(good.status, Some(0), "{}{}", good.stdout, good.stderr);
    assert!(good.stdout.ends_with("signed for up to 3\nthe log holds\n"), "{}", good.stdout);
    let report = with(state.path(), &["log", "verify", "--json"], "").json();
    assert_eq!((&report["decisions"], &report["problems"]), (&3.into(), &Value::Array(Vec::new())));
    let segment = state.path().join("log/000001.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replacen("\"allow\"", "\"veto\"", 1)).unwrap();
    let bad = with(state.path(), &["log", "verify"], "");
    assert_eq!(bad.status, Some(1));
    assert!(bad.stdout.contains("segment 1, line 2, entry 1: edited: expected the hash "), "{}", bad.stdout);
    assert!(bad.stdout.ends_with("the log does not hold\n"), "{}", bad.stdout);
    fs::write(&segment, text).unwrap();
    let (key, head) = (state.path().join("log.pub"), state.path().join("log/head.json"));
    let elsewhere = ["log", "verify", "--key", key.to_str().unwrap(), "--head", head.to_str().unwrap()];
    assert_eq!(with(state.path(), &elsewhere, "").status, Some(0));
    let none = with(state.path(), &["log", "verify", "--head", segment.to_str().unwrap()], "");
    assert_eq!(none.status, Some(2), "{}", none.stdout);
}

#[test]
fn entries_are_searched_and_counted() {
    let state = judged();
    let query =
        |arguments: &[&str]| with(state.path(), &[&["log", "query"], arguments].concat(), "").json_lines();
    assert_eq!(query(&[]).len(), 3);
    assert_eq!(query(&["--decision", "rewrite"])[0]["findings"][0]["category"], "pii");
    assert_eq!(query(&["--slice", "kitchen"])[0]["seq"], 1);
    assert_eq!(query(&["--role", "assistant", "--role", "assistant"]).len(), 0);
    assert_eq!(query(&["--fault"])[0]["coverage_reasons"][0], "deadline");
    assert_eq!(query(&["--limit", "1"])[0]["seq"], 3);
    assert_eq!(query(&["--event", "any"]).len(), 0);
    assert_eq!(query(&["--since", "1h"]).len(), 3);
    assert_eq!(query(&["--until", "1h"]).len(), 0);
    assert_eq!(query(&["--since", "2000-01-01", "--until", "2000-01-02T00:00:00Z"]).len(), 0);
    let wrong = with(state.path(), &["log", "query", "--since", "yesterday"], "");
    assert_eq!(wrong.status, Some(2));
    let stats = with(state.path(), &["log", "stats", "--by", "role", "--json"], "").json();
    assert_eq!((&stats[0]["group"], &stats[0]["verdicts"]), (&"assistant".into(), &1.into()));
    let table = with(state.path(), &["log", "stats"], "");
    assert!(table.stdout.starts_with("group  verdicts  allow"), "{}", table.stdout);
    let records = with(state.path(), &["log", "export"], "").json_lines();
    assert_eq!((records.len(), records[0]["seq"].clone()), (3, Value::Null));
}

#[test]
fn decisions_are_replayed() {
    let state = judged();
    let same = with(state.path(), &["log", "replay"], "");
    assert_eq!(same.status, Some(0), "{}{}", same.stdout, same.stderr);
    assert!(same.stdout == "3 verdicts replayed under their own policy: all the same\n", "{}", same.stdout);
    let policy = state.path().join("other.toml");
    let rule = "[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"veto\"\n";
    fs::write(&policy, format!("schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n{rule}")).unwrap();
    let other = with(state.path(), &["log", "replay", "--json", "--policy", policy.to_str().unwrap()], "");
    assert_eq!(other.status, Some(0), "{}", other.stderr);
    let outcome = other.json();
    assert_eq!((&outcome["alike"], &outcome["flips"][0]["to"]), (&2.into(), &"veto".into()), "{outcome}");
    // A record that was changed does not come out the same.
    let segment = state.path().join("log/000001.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replacen("\"decision\":\"allow\"", "\"decision\":\"veto\"", 1)).unwrap();
    assert_eq!(with(state.path(), &["log", "replay"], "").status, Some(1));
}

#[test]
fn what_measures_or_has_no_state_logs_nothing() {
    let state = tempfile::tempdir().unwrap();
    let measured = with(state.path(), &["bench", "--lengths", "8", "--rounds", "1", "--starts", "1"], "");
    assert_eq!(measured.status, Some(0), "{}", measured.stderr);
    assert!(!state.path().join("log").exists());
    let none = run(&["log", "verify"]);
    assert_eq!(
        (none.status, none.stderr.as_str()),
        (Some(2), "portcullis: no state directory: expected --state DIR, or PORTCULLIS_STATE\n")
    );
    assert_eq!(with(state.path(), &["log", "stats"], "").status, Some(2));
    fs::write(state.path().join("portcullis.toml"), "[log]\nenabled = false\n").unwrap();
    assert_eq!(with(state.path(), &["check", "hello"], "").status, Some(0));
    assert!(!state.path().join("log").exists());
}

#[test]
fn a_state_that_cannot_be_used_is_an_error() {
    for (settings, message) in [
        ("[log]\nfsyncs = 1\n", "unknown field `fsyncs`"),
        ("[samples]\nrecipient = \"age1nobody\"\n", "samples.recipient is not an age recipient"),
    ] {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("portcullis.toml"), settings).unwrap();
        let run = with(state.path(), &["check", "hello"], "");
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""));
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
    let state = judged();
    let segment = state.path().join("log/000001.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    let (before, after) = text.rsplit_once("\"veto\"").unwrap();
    fs::write(&segment, format!("{before}\"vote\"{after}")).unwrap();
    let run = with(state.path(), &["check", "hello"], "");
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("its last line is damaged"), "{}", run.stderr);
}

#[test]
#[cfg(feature = "samples")]
fn texts_of_escalated_cases_are_kept_for_one_reader() {
    let state = tempfile::tempdir().unwrap();
    // The key pair of the age crate's own tests.
    let identity = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    let recipient = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    fs::write(state.path().join("portcullis.toml"), format!("[samples]\nrecipient = \"{recipient}\"\n"))
        .unwrap();
    fs::write(state.path().join("id.key"), identity).unwrap();
    let policy = state.path().join("p.toml");
    let rule = "[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"escalate\"\n";
    fs::write(&policy, format!("schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n{rule}")).unwrap();
    let check = |text: &str| {
        let run = with(state.path(), &["check", "--json", "--policy", policy.to_str().unwrap(), text], "");
        run.json()["decision_id"].as_str().unwrap().to_owned()
    };
    let (held, allowed) = (check("Please write to jo@example.org today."), check("hello"));
    let key = state.path().join("id.key");
    let read = |id: &str| with(state.path(), &["log", "sample", id, "--identity", key.to_str().unwrap()], "");
    assert_eq!(read(&held).stdout, "Please write to jo@example.org today.\n", "{}", read(&held).stderr);
    assert_eq!(read(&allowed).status, Some(2));
    assert_eq!(fs::read_dir(state.path().join("samples")).unwrap().count(), 1);
}

/// The verdicts that a writer gave before it was killed are all in the log, and work goes on.
#[test]
fn a_writer_may_be_killed_at_any_moment() {
    let state = tempfile::tempdir().unwrap();
    fs::write(
        state.path().join("portcullis.toml"),
        "[log]\nfsync = \"none\"\nfsync_interval_ms = 1\nsegment_bytes = 20000\n",
    )
    .unwrap();
    let mut given = BTreeSet::new();
    for round in 0..20_usize {
        let mut child = program()
            .args(options(state.path()))
            .args(["pipe", "--batch", "4"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || {
            for line in 0.. {
                let text = format!("{{\"text\": \"Line {line} is for jo@example.org.\"}}\n");
                if input.write_all(text.as_bytes()).is_err() {
                    break;
                }
            }
        });
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        for _ in 0..round * 7 % 23 + 1 {
            line.clear();
            if output.read_line(&mut line).unwrap() == 0 {
                break;
            }
            let verdict: Value = serde_json::from_str(&line).unwrap();
            given.insert(verdict["decision_id"].as_str().unwrap().to_owned());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        drop(output);
        feeder.join().unwrap();
        let report = with(state.path(), &["log", "verify", "--json"], "").json();
        // Nothing worse than a last line without an end.
        for problem in report["problems"].as_array().unwrap() {
            assert_eq!(problem["kind"], "torn", "{report}");
        }
    }
    assert_eq!(with(state.path(), &["check", "hello"], "").status, Some(0));
    let verified = with(state.path(), &["log", "verify"], "");
    assert_eq!(verified.status, Some(0), "{}", verified.stdout);
    let logged = with(state.path(), &["log", "export"], "").json_lines();
    let logged: BTreeSet<&str> =
        logged.iter().map(|record| record["decision_id"].as_str().unwrap()).collect();
    assert!(given.iter().all(|id| logged.contains(id.as_str())));
    assert!(given.len() > 100, "{}", given.len());
}

#[test]
fn two_processes_share_a_log() {
    let state = tempfile::tempdir().unwrap();
    fs::write(state.path().join("portcullis.toml"), "[log]\nsegment_bytes = 20000\n").unwrap();
    let lines: String = (0..60).map(|n| format!("{{\"text\": \"Line {n}.\"}}\n")).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!(with(state.path(), &["pipe"], &lines).status, Some(0)));
        }
    });
    let report = with(state.path(), &["log", "verify", "--json"], "").json();
    assert_eq!(
        (&report["decisions"], &report["problems"]),
        (&120.into(), &Value::Array(Vec::new())),
        "{report}"
    );
}

/// A file system of its own, while this lives.
#[cfg(target_os = "linux")]
struct Small(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl Small {
    /// Nothing where it cannot be made, as for a user who is not root.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let option = format!("size={size},mode=700");
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &option, "none"]).arg(folder.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_holds_texts_back_unless_the_policy_says_otherwise() {
    let lines: String = (0..150).map(|n| format!("{{\"text\": \"Line {n} is fine.\"}}\n")).collect();
    for (key, held) in [("", true), ("on_log_failure = \"continue\"\n", false)] {
        let Some(disk) = Small::mount("128k") else { return };
        let state = disk.0.path();
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("p.toml");
        let rule = "[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"veto\"\n";
        fs::write(&policy, format!("schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n{key}{rule}")).unwrap();
        let arguments = ["pipe", "--policy", policy.to_str().unwrap()];
        assert_eq!(with(state, &arguments, "{\"text\": \"hello\"}\n").json_lines()[0]["decision"], "allow");
        fs::write(state.join("filler"), vec![0; 64 << 10]).unwrap();
        let verdicts = with(state, &arguments, &lines).json_lines();
        assert_eq!(verdicts.len(), 150);
        let faults = verdicts.iter().filter(|verdict| verdict["decision"] == "veto").count();
        assert_eq!(faults > 0, held, "{faults}");
        let last = verdicts.last().unwrap();
        assert_eq!(
            last["fault"].as_str().is_some_and(|fault| fault.contains("cannot append to")),
            held,
            "{last}"
        );
        // With room again the log goes on, and it holds.
        fs::remove_file(state.join("filler")).unwrap();
        assert_eq!(with(state, &arguments, "{\"text\": \"hello\"}\n").json_lines()[0]["decision"], "allow");
        let verified = with(state, &["log", "verify"], "");
        assert_eq!(verified.status, Some(0), "{}", verified.stdout);
    }
}
