//! `check`: verdicts, statuses, and texts that are none.

use crate::program::{finish, program, run, run_with};
use insta::assert_snapshot;
use std::process::Stdio;

#[test]
fn an_everyday_text_is_allowed() {
    let run = run(&["check", "How do I bake a loaf of bread?"]);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "allow\n", ""));
}

#[test]
fn a_rewrite_shows_the_rule_the_place_and_the_text() {
    let run = run(&["check", "Please write\nto jo@example.org today."]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stdout.starts_with("rewrite\n"), "{}", run.stdout);
    assert!(run.stdout.contains("2:4 (bytes 16..30)"), "{}", run.stdout);
    assert!(run.stdout.ends_with("text: Please write\nto [EMAIL] today.\n"), "{}", run.stdout);
    assert!(run.stdout.is_ascii(), "no box characters in a pipe: {}", run.stdout);
}

#[test]
fn a_text_cannot_drive_the_terminal() {
    let run = run(&["check", "jo@example.org \u{1b}[2J\u{202e}gone"]);
    assert!(run.stdout.contains("\\u{1b}[2J\\u{202e}gone"), "{}", run.stdout);
}

#[test]
fn json_has_the_keys_of_the_contract_in_order() {
    let text = "Please write to jo@example.org today.";
    let run = run(&["check", "--json", text]);
    let keys = [
        "\"id\"",
        "\"decision\"",
        "\"text\"",
        "\"scores\"",
        "\"findings\"",
        "\"edits\"",
        "\"coverage\"",
        "\"policy\"",
        "\"model\"",
        "\"timing_us\"",
        "\"decision_id\"",
    ];
    let places: Vec<usize> = keys.iter().map(|key| run.stdout.find(key).expect(key)).collect();
    assert!(places.is_sorted(), "{}", run.stdout);
    let verdict = run.json();
    let mut edited = text.to_owned();
    for edit in verdict["edits"].as_array().unwrap().iter().rev() {
        let (start, end) = (edit["start"].as_u64().unwrap() as usize, edit["end"].as_u64().unwrap() as usize);
        edited.replace_range(start..end, edit["replacement"].as_str().unwrap());
    }
    assert_eq!(verdict["text"], edited);
    assert_eq!(verdict["coverage"], "full");
}

#[test]
fn standard_input_is_read_with_and_without_the_dash() {
    for arguments in [&["check", "-"] as &[&str], &["check"]] {
        let run = run_with(arguments, b"How do I bake a loaf of bread?\n");
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), "allow\n"), "{}", run.stderr);
    }
}

#[test]
fn what_is_no_text_is_an_error() {
    for (input, message) in [
        (b"" as &[u8], "portcullis: the text is empty: expected at least one character\n"),
        (b"a\0b", "portcullis: the text holds a NUL character at byte 1: expected text, found binary data\n"),
        (b"ab\xff", "portcullis: invalid UTF-8 at byte 2: expected UTF-8 text\n"),
    ] {
        let run = run_with(&["check"], input);
        assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (Some(2), "", message));
    }
}

#[test]
fn ten_megabytes_are_a_verdict_and_never_an_allow() {
    let run = run_with(&["check", "--json"], "all is well ".repeat(900_000).as_bytes());
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert_eq!(
        run.stderr,
        "portcullis: the text has 10800000 bytes, more than the policy's max_bytes: it was not judged\n"
    );
    let verdict = run.json();
    assert_eq!(verdict["decision"], "veto");
    assert_eq!(verdict["coverage"], "none");
    assert_eq!(verdict["coverage_reason"], "size_limit");
    assert_eq!(verdict["text"], serde_json::Value::Null);
}

#[test]
fn standard_input_without_end_is_an_error() {
    let run = run_with(&["check"], &vec![b'a'; (64 << 20) + 1]);
    assert_eq!(run.status, Some(2));
    assert_snapshot!(run.stderr, @"portcullis: standard input has more than 67108864 bytes, the most that one text may have");
}

#[test]
fn a_late_verdict_is_a_veto_with_its_reason() {
    let run = run(&["check", "--deadline-ms", "0", "How do I bake a loaf of bread?"]);
    assert_eq!(run.status, Some(1));
    assert!(run.stdout.starts_with("veto\n"), "{}", run.stdout);
    assert!(run.stdout.contains(": the deadline passed\n"), "{}", run.stdout);
}

#[test]
fn the_status_of_a_held_text_can_be_chosen() {
    let run = run(&["check", "--deadline-ms", "0", "--exit-code", "42", "hello"]);
    assert_eq!(run.status, Some(42));
}

#[test]
fn a_flag_goes_before_its_environment_variable() {
    let late = |arguments: &[&str]| {
        finish(program().env("PORTCULLIS_DEADLINE_MS", "0").args(["check"]).args(arguments), b"").status
    };
    assert_eq!(late(&["hello"]), Some(1));
    assert_eq!(late(&["--deadline-ms", "60000", "hello"]), Some(0));
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let colored = run(&["check", "--color", "always", "hello there"]);
    assert!(colored.stdout.contains("\u{1b}["), "{:?}", colored.stdout);
    let plain = run(&["check", "hello there"]);
    assert!(!plain.stdout.contains('\u{1b}'), "{:?}", plain.stdout);
}

#[test]
fn a_closed_pipe_does_not_release_a_text() {
    let mut child = program()
        .args(["check", "--deadline-ms", "0", "hello"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stderr, b"");
}

#[test]
fn levels_and_threads_do_not_change_the_scores() {
    let scores = |arguments: &[&str]| {
        let text = "You are a fool, and your café is awful — 你好";
        run(&[&["check", "--json"], arguments, &["--", text]].concat()).json()["scores"].to_string()
    };
    let expected = scores(&[]);
    assert_eq!(scores(&["--level", "scalar"]), expected);
    assert_eq!(scores(&["--threads", "1"]), expected);
}
