//! Help, and mistakes in the arguments.

use crate::program::{finish, program, run};
use insta::assert_snapshot;

#[test]
fn every_command_shows_examples() {
    for command in [
        "check",
        "pipe",
        "serve",
        "filter",
        "hook",
        "explain",
        "inspect",
        "bench",
        "eval",
        "teach",
        "policy",
        "log",
        "completions",
        "man",
    ] {
        let run = run(&[command, "--help"]);
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
        assert!(run.stdout.contains("Example"), "{command}: {}", run.stdout);
    }
}

#[test]
fn the_commands_are_listed() {
    let run = run(&["-h"]);
    assert_eq!(run.status, Some(0));
    let listed: Vec<&str> = run
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()))
        .collect();
    assert_eq!(
        listed,
        [
            "check",
            "pipe",
            "serve",
            "filter",
            "hook",
            "scan",
            "explain",
            "inspect",
            "bench",
            "eval",
            "calibrate",
            "teach",
            "monitor",
            "rollback",
            "policy",
            "report",
            "graph",
            "exception",
            "log",
            "pack",
            "review",
            "completions",
            "man",
            "help"
        ]
    );
}

#[test]
fn an_unknown_level_is_an_error() {
    let run = run(&["check", "--level", "sse9", "hello"]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.starts_with("portcullis: invalid value 'sse9' for '--level <LEVEL>': "),
        "{}",
        run.stderr
    );
}

#[test]
fn mistakes_are_told_with_the_status_2() {
    let mut errors = String::new();
    for arguments in [
        &["chekc", "hello"] as &[&str],
        &["secret words"],
        &["check", "--rol", "user", "hello"],
        &["check", "--role", "nobody", "hello"],
        &["check", "--device", "abacus", "hello"],
        &["check", "--threads", "0", "hello"],
        &["check", "--deadline-ms", "soon", "hello"],
        &["check", "secret", "words"],
        &["pipe", "--batch", "0"],
        &["bench", "--lengths", "2"],
    ] {
        let run = run(arguments);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        errors.push_str(run.stderr.lines().next().unwrap());
        errors.push('\n');
    }
    assert_snapshot!(errors, @r#"
    portcullis: unrecognized subcommand 'chekc'
    portcullis: unknown command: `portcullis --help` lists those there are
    portcullis: unexpected argument '--rol' found
    portcullis: invalid value 'nobody' for '--role <ROLE>': unknown role: expected user, assistant, tool or system
    portcullis: invalid value 'abacus' for '--device <DEVICE>'
    portcullis: invalid value '0' for '--threads <N>': expected a number in 1..=1024
    portcullis: invalid value 'soon' for '--deadline-ms <N>': invalid digit found in string
    portcullis: more arguments than expected: a text is one argument, put it in quotes
    portcullis: invalid value '0' for '--batch <N>': 0 is not in 1..=4096
    portcullis: invalid value '2' for '--lengths <N,…>': 2 is not in 3..=512
    "#);
}

#[test]
fn a_broken_environment_variable_is_an_error() {
    let run = finish(program().env("PORTCULLIS_THREADS", "many").args(["check", "hello"]), b"");
    assert_eq!(run.status, Some(2));
    assert_snapshot!(run.stderr, @r#"
    portcullis: invalid value 'many' for '--threads <N>': expected a number in 1..=1024

    For more information, try '--help'.
    "#);
}

#[test]
fn what_cannot_be_opened_is_named() {
    let models = run(&["check", "--models", "/nowhere", "hello"]);
    let policy = run(&["check", "--policy", "/nowhere.toml", "hello"]);
    assert_eq!((models.status, policy.status), (Some(2), Some(2)));
    assert!(models.stderr.starts_with("portcullis: cannot start the guard: "), "{}", models.stderr);
    assert!(models.stderr.contains("/nowhere"), "{}", models.stderr);
    assert!(policy.stderr.contains("/nowhere.toml"), "{}", policy.stderr);
}

#[test]
fn the_guards_flags_may_stand_before_the_command_and_the_last_one_holds() {
    let level = |arguments: &[&str]| run(arguments).json()["level"].clone();
    assert_eq!(level(&["--level", "scalar", "inspect", "--json"]), "scalar");
    assert_eq!(level(&["inspect", "--json", "--level", "scalar"]), "scalar");
    let threads = run(&["--threads", "3", "inspect", "--json", "--threads", "2"]).json();
    assert_eq!(threads["threads"], 2);
    let set =
        finish(program().env("PORTCULLIS_THREADS", "4").args(["--threads", "3", "inspect", "--json"]), b"");
    assert_eq!(set.json()["threads"], 3);
    let missing = run(&["--models", "/nowhere", "check", "hello"]);
    assert_eq!(missing.status, Some(2));
    assert!(missing.stderr.contains("/nowhere"), "{}", missing.stderr);
}

#[test]
fn commands_without_a_guard_do_not_show_its_flags() {
    for command in ["completions", "man"] {
        let help = run(&[command, "--help"]).stdout;
        assert!(!help.contains("--models") && help.contains("--color"), "{help}");
    }
    assert_eq!(run(&["--threads", "1", "completions", "fish"]).status, Some(0));
    assert!(run(&["check", "--help"]).stdout.contains("--models"));
}

/// The second rule can never change a decision.
const SHADOWED: &str = r#"schema = 1
id = "p"
version = "1.0.0"

[[rule]]
id = "all"
detector = "pii.*"
threshold = 0.4
action = "veto"

[[rule]]
id = "mail"
detector = "pii.email"
threshold = 0.5
action = "escalate"
"#;

#[test]
fn warnings_about_the_policy_asked_for_are_told_once() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("policy.toml"), SHADOWED).unwrap();
    let policy = directory.path().to_str().unwrap();
    // The self-test makes a guard for each level.
    for command in
        [&["check", "--policy", policy, "hello"] as &[&str], &["inspect", "--self-test", "--policy", policy]]
    {
        let run = run(command);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert!(run.stderr.starts_with("warning: "), "{}", run.stderr);
        assert!(
            run.stderr.contains("policy.toml:11:1: the rule `mail` never changes a decision"),
            "{}",
            run.stderr
        );
        assert_eq!(run.stderr.matches("warning: ").count(), 1, "{}", run.stderr);
    }
    assert_eq!(run(&["check", "hello"]).stderr, "");

    let report = run(&["inspect", "--json", "--policy", policy]).json();
    let warnings = report["warnings"].as_array().unwrap();
    assert_eq!((&warnings[0]["line"], &warnings[0]["column"], warnings.len()), (&11.into(), &1.into(), 1));
    assert!(warnings[0]["message"].as_str().unwrap().starts_with("the rule `mail`"), "{report}");
    assert!(run(&["inspect", "--policy", policy]).stdout.contains("11:1: the rule `mail`"));
    assert_eq!(run(&["inspect", "--json"]).json()["warnings"], serde_json::json!([]));
}

#[test]
fn a_bundle_is_chosen_by_name() {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    let chosen =
        run(&["check", "--models", models, "--model", "portcullis-small", "--json", "how do I bake bread?"]);
    assert_eq!((chosen.status, chosen.json()["model"]["id"].as_str()), (Some(0), Some("portcullis-small")));
    let none = run(&["check", "--models", models, "--model", "huge", "hello"]);
    assert_eq!(none.status, Some(2));
    assert!(
        none.stderr.contains("no bundle \"huge\"") && none.stderr.contains("portcullis-base"),
        "{}",
        none.stderr
    );
    let outside = run(&["check", "--model", "portcullis-small", "hello"]);
    assert_eq!(outside.status, Some(2));
    assert!(outside.stderr.contains("holds portcullis-base only"), "{}", outside.stderr);
}

#[test]
fn a_text_in_another_language_is_held_and_says_why() {
    let german =
        "Wie kann ich meine Großmutter am besten nach der Operation unterstützen, wenn sie allein wohnt?";
    let held = run(&["check", "--json", german]);
    let verdict = held.json();
    assert_eq!((held.status, verdict["decision"].as_str()), (Some(1), Some("escalate")));
    assert_eq!(verdict["coverage"].as_str(), Some("none"));
}

#[test]
fn a_policy_that_hashes_asks_for_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let (policy, key) = (folder.path().join("p.toml"), folder.path().join("key"));
    std::fs::write(
        &policy,
        "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\n\
         action = \"rewrite\"\nmode = \"hash\"\n",
    )
    .unwrap();
    std::fs::write(&key, "sixteen bytes or more").unwrap();
    let text = "Please write to jo@example.org today.";
    let (policy, key) = (policy.to_str().unwrap(), key.to_str().unwrap());
    let refused = run(&["check", "--policy", policy, text]);
    assert_eq!(refused.status, Some(2));
    assert_snapshot!(refused.stderr, @"portcullis: cannot start the guard: the rule `mail` has the mode hash, expected a key for it: none was given");
    let hashed = run(&["check", "--policy", policy, "--hash-key", key, "--json", text]).json();
    assert!(hashed["text"].as_str().unwrap().starts_with("Please write to [EMAIL_"), "{hashed}");
    let missing = run(&["check", "--policy", policy, "--hash-key", "/nowhere", text]);
    assert_eq!(missing.status, Some(2));
    assert!(missing.stderr.contains("cannot read the hash key /nowhere"), "{}", missing.stderr);
}

#[test]
fn a_template_comes_in_the_language_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.toml");
    std::fs::write(
        &policy,
        "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\n\
         action = \"rewrite\"\nmode = \"template\"\ntemplate = \"t\"\n[templates]\nt = \"Sorry.\"\n\"t.de\" = \"Verzeihung.\"\n",
    )
    .unwrap();
    let policy = policy.to_str().unwrap();
    let text = "Please write to jo@example.org today.";
    let check = |locale: &str| {
        run(&["check", "--policy", policy, "--locale", locale, "--json", text]).json()["text"].clone()
    };
    assert_eq!((check("de-CH"), check("fr")), ("Verzeihung.".into(), "Sorry.".into()));
    let line = format!("{{\"text\":\"{text}\",\"locale\":\"de\"}}\n");
    let piped = crate::program::run_with(&["pipe", "--policy", policy], line.as_bytes()).json();
    assert_eq!(piped["text"], "Verzeihung.");
    let filtered =
        crate::program::run_with(&["filter", "--policy", policy, "--locale", "de"], text.as_bytes());
    assert_eq!((filtered.stdout.as_str(), filtered.stderr.as_str()), ("Verzeihung.", ""));
}
