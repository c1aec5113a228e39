//! `monitor` and `rollback --plan`: what is counted, told, exported, and undone by itself.

use crate::program::{Run, program, run, run_with};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A policy that vetoes texts with the word.
fn policy(revision: u64, word: &str, more: &str) -> String {
    format!(
        "schema = 2\nid = \"manners\"\nversion = \"1.{revision}.0\"\nrevision = {revision}\n\n\
         [governance]\nobjective = \"To try the monitor.\"\nowner = \"Tests\"\n\n{more}\n\n\
         [[list]]\nid = \"words\"\nwords = [\"{word}\"]\n\n\
         [[rule]]\nid = \"words\"\ndetector = \"list.words\"\nthreshold = 1.0\naction = \"veto\"\n"
    )
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.state()).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn state(&self) -> PathBuf {
        self.path("state")
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    /// The program with this state directory and the smallest model.
    fn run(&self, arguments: &[&str], input: &str) -> Run {
        let state = self.state().display().to_string();
        let fixed = ["--models", "models", "--model", "portcullis-tiny", "--state", &state];
        run_with(&[arguments, &fixed].concat(), input.as_bytes())
    }

    fn alerts(&self) -> Run {
        self.run(&["monitor", "alerts", "--json"], "")
    }
}

fn lines(count: usize, text: &str) -> String {
    format!("{{\"text\": \"{text}\"}}\n").repeat(count)
}

const KIND: &str = "Thank you for the kind words.";
const RUDE: &str = "Drat and double drat.";

#[test]
fn without_a_state_directory_there_is_nothing_to_show() {
    for command in [&["monitor", "status"][..], &["monitor", "alerts"], &["rollback", "--plan"]] {
        let run = run(command);
        assert_eq!(run.status, Some(2), "{}", run.stdout);
        assert!(run.stderr.contains("expected --state DIR"), "{}", run.stderr);
    }
    let place = Place::new();
    let status = place.run(&["monitor", "status"], "");
    assert_eq!((status.status, status.stdout.as_str()), (Some(0), "no verdict was watched yet\n"));
    assert_eq!(place.alerts().status, Some(0));
    let nothing = place.run(&["rollback"], "");
    assert_eq!(nothing.status, Some(2));
    assert!(nothing.stderr.contains("expected --plan"), "{}", nothing.stderr);
}

#[test]
fn a_policy_that_vetoes_too_much_is_told_everywhere() {
    let place = Place::new();
    let policy =
        place.write("p.toml", &policy(1, "drat", "[rollback]\nveto_rate_above = 0.2\nmin_verdicts = 100"));
    let (alerts, prometheus) = (place.path("alerts.jsonl"), place.path("portcullis.prom"));
    place.write(
        "state/portcullis.toml",
        &format!("[alerts]\nfile = {alerts:?}\n\n[monitor]\nprometheus = {prometheus:?}\n"),
    );
    let good = place.run(&["pipe", "--policy", &policy], &lines(300, KIND));
    assert_eq!((good.status, good.stderr.as_str()), (Some(0), ""));
    assert_eq!(place.alerts().stdout, "");
    let bad = place.run(&["pipe", "--policy", &policy], &lines(300, RUDE));
    assert!(bad.stderr.starts_with("portcullis: alert: veto rate is 0."), "{}", bad.stderr);
    assert!(!bad.stderr.to_lowercase().contains("drat"));
    let listed = place.alerts();
    assert_eq!(listed.status, Some(1));
    assert_eq!(listed.json()["indicator"], "veto_rate");
    let told: serde_json::Value = serde_json::from_str(&fs::read_to_string(alerts).unwrap()).unwrap();
    assert_eq!((&told["state"], &told["policy"]["id"]), (&"raised".into(), &"manners".into()));
    let exposition = fs::read_to_string(&prometheus).unwrap();
    assert!(exposition.contains("portcullis_verdicts_total{decision=\"veto\"} 300\n"), "{exposition}");
    let exported = place.run(&["monitor", "export", "--policy", &policy, "--prometheus", "-"], "");
    assert_eq!(exported.stdout, exposition);

    let status = place.run(&["monitor", "status", "--json", "--policy", &policy], "").json();
    assert_eq!(status["gen_ai.operation.name"], "guardrail");
    assert_eq!(status["windows"]["long"]["rates"]["veto"]["events"], 300);
    assert_eq!(status["windows"]["long"]["rules"][0]["name"], "words");
    assert_eq!(status["conditions"][0]["holds"], true);
    // One text counts as well as a line.
    let one = place.run(&["check", "--policy", &policy, KIND], "");
    assert_eq!(one.status, Some(0));
    let status = place.run(&["monitor", "status", "--json", "--policy", &policy], "").json();
    assert_eq!(status["verdicts"], 601);
}

#[test]
fn a_bad_change_of_policy_is_undone_by_itself_and_once() {
    let place = Place::new();
    let conditions = "[rollback]\nveto_rate_above = 0.2\nmin_verdicts = 100\ncooldown = \"0s\"";
    let good = place.write("good.toml", &policy(1, "drat", conditions));
    let bad = place.write("bad.toml", &policy(2, "kind", conditions));
    let activate = |bundle: &str| {
        let run = place.run(&["policy", "activate", bundle, "--by", "Ada"], "");
        assert_eq!(run.status, Some(0), "{}", run.stderr);
    };
    let plan = || place.run(&["rollback", "--plan", "--json"], "");
    activate(&good);
    assert_eq!(place.run(&["pipe"], &lines(300, KIND)).stderr, "");
    activate(&bad);
    let before = plan().json();
    assert_eq!((&before["active"]["revision"], &before["target"]["revision"]), (&2.into(), &1.into()));
    assert_eq!(before["outlook"], "as soon as a condition holds");
    let undone = place.run(&["pipe"], &lines(300, KIND));
    assert!(undone.stderr.contains("rolled back: manners 1.1.0 is in force again"), "{}", undone.stderr);
    let after = plan();
    assert_eq!(after.json()["active"]["by"], "monitor");
    assert!(after.json()["outlook"].as_str().unwrap().starts_with("not before a person"));
    let history = place.run(&["policy", "history"], "").stdout;
    assert!(history.contains("monitor") && history.contains("the share of vetoes is 1.0000"), "{history}");

    // The good one goes bad too: nobody takes a policy from under people's feet twice.
    let rude = place.run(&["pipe"], &lines(1000, RUDE));
    assert!(!rude.stderr.contains("rolled back"), "{}", rude.stderr);
    assert_eq!(plan().json()["active"]["revision"], 1);
    let readable = place.run(&["rollback", "--plan"], "");
    assert_eq!(readable.status, Some(1), "{}", readable.stdout);
    assert!(readable.stdout.contains("veto_rate_above 0.2: HOLDS"), "{}", readable.stdout);

    // A person may try the bad one again; it is watched from its first verdict on.
    activate(&bad);
    assert_eq!(place.run(&["pipe"], &lines(50, KIND)).stderr, "");
    assert!(place.run(&["pipe"], &lines(300, KIND)).stderr.contains("rolled back"));
}

#[test]
fn a_place_is_compared_with_itself() {
    let place = Place::new();
    let policy = place.write("p.toml", &policy(1, "drat", ""));
    let baseline = |more: &[&str]| {
        let fixed = ["monitor", "baseline", "--policy", &policy];
        place.run(&[&fixed, more].concat(), "")
    };
    let few = baseline(&["--by", "Ada"]);
    assert_eq!(few.status, Some(2));
    assert!(few.stderr.contains("the log has 0 verdicts"), "{}", few.stderr);
    let usual: String = (0..100).map(|_| lines(9, KIND) + &lines(1, RUDE)).collect();
    assert_eq!(place.run(&["pipe", "--policy", &policy], &usual).stderr, "");
    let none_since = baseline(&["--by", "Ada", "--since", "2199-01-01T00:00:00Z"]);
    assert_eq!(none_since.status, Some(2), "{}", none_since.stdout);
    assert_eq!(baseline(&["--by", ""]).status, Some(2));
    assert_eq!(baseline(&["--by", "Ada", "--since", "soon"]).status, Some(2));
    let taken = baseline(&["--by", "Ada", "--since", "1d"]);
    assert_eq!(taken.status, Some(0), "{}", taken.stderr);
    assert!(
        taken.stdout.contains("1000 verdicts") && taken.stdout.contains("veto 0.1000"),
        "{}",
        taken.stdout
    );

    // What is usual is no alert, what is not is one, and in the log.
    let again = place.run(&["pipe", "--policy", &policy], &usual);
    let ours = |run: &Run| !run.stderr.contains("veto rate") && !run.stderr.contains("drift");
    assert!(ours(&again), "{}", again.stderr);
    let status = place.run(&["monitor", "status", "--json", "--policy", &policy], "").json();
    assert_eq!(status["reference"], "baseline");
    let rude = place.run(&["pipe", "--policy", &policy], &lines(1000, RUDE));
    assert!(
        rude.stderr.contains("alert: veto rate is") && rude.stderr.contains("rule rate of words"),
        "{}",
        rude.stderr
    );
    let entries = portcullis::log::read(&place.state()).unwrap();
    let raised = entries.filter(|entry| {
        let body = &entry.as_ref().unwrap().body;
        matches!(body, portcullis::log::Body::Event {
            event: portcullis::log::Event::AlertRaised { indicator, .. }, ..
        } if indicator == "veto_rate")
    });
    assert_eq!(raised.count(), 1);
}

#[test]
fn two_processes_count_together() {
    let place = Place::new();
    let policy = place.write("p.toml", &policy(1, "drat", ""));
    let state = place.state().display().to_string();
    let input = place.write("input.ndjson", &lines(400, KIND));
    let start = || {
        program()
            .args([
                "pipe",
                "--models",
                "models",
                "--model",
                "portcullis-tiny",
                "--policy",
                &policy,
                "--state",
                &state,
            ])
            .stdin(fs::File::open(&input).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children = [start(), start(), start()];
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let status = place.run(&["monitor", "status", "--json", "--policy", &policy], "").json();
    assert_eq!((&status["verdicts"], &status["windows"]["timed"]["verdicts"]), (&1200.into(), &1200.into()));
}

#[test]
fn a_damaged_state_and_damaged_settings_are_told() {
    let place = Place::new();
    let state = place.state().join("monitor/state.json");
    assert_eq!(place.run(&["check", KIND], "").status, Some(0));
    let mut bytes = fs::read(&state).unwrap();
    let last = bytes.len() - 1;
    bytes[last] = b'!';
    fs::write(&state, &bytes).unwrap();
    let shown = place.run(&["monitor", "status"], "");
    assert_eq!(shown.status, Some(2));
    assert!(shown.stderr.contains("is not a monitor's state"), "{}", shown.stderr);
    // It is no reason to hold a text, or to let one go.
    let judged = place.run(&["check", KIND], "");
    assert_eq!(judged.status, Some(0));
    assert!(judged.stderr.contains("the watch begins anew"), "{}", judged.stderr);
    assert!(Path::new(&place.state().join("monitor/state.damaged")).exists());

    for (settings, expected) in [
        ("[monitor]\nwindow = 5\n", "expected a string"),
        ("[monitor]\nwindow = \"5s\"\n", "expected a duration"),
        ("[monitor]\nband = 1\n", "expected a number above 1"),
        ("[monitor]\nveto_rate_above = 1.5\n", "expected a rate in 0..=1"),
        ("[monitor]\nsigma = 4\n", "unknown field"),
        ("[alerts]\ntimeout = \"2 days\"\n", "expected a duration"),
    ] {
        place.write("state/portcullis.toml", settings);
        let run = place.run(&["check", KIND], "");
        assert_eq!(run.status, Some(2), "{settings}");
        assert!(run.stderr.contains(expected), "{settings}: {}", run.stderr);
    }
    place.write("state/portcullis.toml", "[monitor]\nenabled = false\n");
    fs::remove_dir_all(place.state().join("monitor")).unwrap();
    assert_eq!(place.run(&["check", KIND], "").status, Some(0));
    assert!(!state.exists());
}

#[test]
fn a_simulation_is_the_same_for_the_same_seed() {
    let report = |seed| {
        run(&["monitor", "simulate", "--json", "--runs", "1", "--shift", "veto rate x5", "--seed", seed])
    };
    let first = report("7");
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    assert_eq!(first.stdout, report("7").stdout);
    let row = &first.json()["power"][0];
    assert_eq!((&row["shift"], &row["caught"]), (&"veto rate x5".into(), &1.into()));
    let unknown = run(&["monitor", "simulate", "--shift", "veto rate x9"]);
    assert_eq!(unknown.status, Some(2));
    assert!(unknown.stderr.contains("expected one of veto rate x1.5"), "{}", unknown.stderr);
}

#[test]
fn texts_of_another_kind_show_in_the_models_states() {
    let place = Place::new();
    // The same text over and over is nothing like everyday traffic, whatever the heads say of it.
    let state = place.state().display().to_string();
    let judged = run_with(&["pipe", "--state", &state], lines(400, KIND).as_bytes());
    assert_eq!(judged.status, Some(0), "{}", judged.stderr);
    let status = run_with(&["monitor", "status", "--json", "--state", &state], b"").json();
    let drift = status["windows"]["long"]["drift"].as_array().unwrap();
    let of = |signal: &str| drift.iter().find(|one| one["signal"] == signal).expect(signal);
    for number in 0..4 {
        let psi = of(&format!("embedding.{number}"))["psi"].as_f64().unwrap();
        assert!(psi > 0.25, "{drift:?}");
    }
    assert!(of("toxicity")["psi"].is_f64());
}
