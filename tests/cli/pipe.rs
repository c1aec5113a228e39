//! `pipe`: one line out for each line in, in order, whatever the lines hold.

use crate::program::{program, run_with};
use insta::assert_snapshot;
use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

fn start(arguments: &[&str]) -> Child {
    program()
        .arg("pipe")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn order_is_kept_among_good_and_bad_lines() {
    let mut input = Vec::new();
    for number in 0..300 {
        match number % 7 {
            3 => input.extend_from_slice(b"{broken\n"),
            5 => input.extend_from_slice(format!("{{\"id\": {number}, \"text\": \"\"}}\n").as_bytes()),
            _ => {
                let text = "word ".repeat(1 + number % 40);
                input.extend_from_slice(format!("{}\n", json!({"id": number, "text": text})).as_bytes());
            }
        }
    }
    let run = run_with(&["pipe", "--batch", "16"], &input);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let lines = run.json_lines();
    assert_eq!(lines.len(), 300);
    for (number, line) in lines.iter().enumerate() {
        match number % 7 {
            3 => {
                assert_eq!(line["error"]["kind"], "invalid_json");
                assert_eq!(line["error"]["line"], number + 1);
            }
            5 => {
                assert_eq!(line["error"]["kind"], "empty_text");
                assert_eq!(line["id"], number);
            }
            _ => assert_eq!(line["id"], number, "{line}"),
        }
    }
}

#[test]
fn every_kind_of_bad_line_has_its_record() {
    let long = format!("{{\"text\":\"{}\"}}\n", "a".repeat(200));
    let input = [
        b"\n" as &[u8],
        b" \t\r\n",
        b"{\"id\":1,\"text\":\"a\\u0000b\"}\n",
        b"{\"id\":2,\"txt\":\"secret words\"}\n",
        b"{\"id\":3}\n",
        b"{\"id\":4,\"text\":\"secret words\",\"role\":\"nobody\"}\n",
        b"{\"id\":5,\"text\":\xff}\n",
        b"\xef\xbb\xbf{\"id\":6,\"text\":\"secret words\"}\n",
        long.as_bytes(),
        b"[\"secret words\"]\n",
        b"{\"id\":7,\"text\":\"secret words\"",
    ]
    .concat();
    let run = run_with(&["pipe", "--max-line-bytes", "128"], &input);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(!run.stdout.contains("secret"), "{}", run.stdout);
    assert_snapshot!(run.stdout, @r#"
    {"id":null,"error":{"kind":"empty_line","message":"the line is blank: expected a JSON object","line":1}}
    {"id":null,"error":{"kind":"empty_line","message":"the line is blank: expected a JSON object","line":2}}
    {"id":1,"error":{"kind":"nul_byte","message":"the text holds a NUL character at byte 1: expected text, found binary data","line":3}}
    {"id":2,"error":{"kind":"invalid_json","message":"invalid JSON at column 13: expected an object with the keys id, text, role, messages, sources, tool_call, slice, locale, deadline_ms only, each once and of its own type","line":4}}
    {"id":3,"error":{"kind":"missing_text","message":"no `text` and no `messages`: expected one of them","line":5}}
    {"id":4,"error":{"kind":"unknown_role","message":"unknown role: expected user, assistant, tool or system","line":6}}
    {"id":null,"error":{"kind":"invalid_utf8","message":"invalid UTF-8 at byte 15: expected UTF-8 text","line":7}}
    {"id":6,"error":{"kind":"byte_order_mark","message":"the line starts with a byte order mark: expected UTF-8 without one","line":8}}
    {"id":null,"error":{"kind":"line_too_long","message":"the line has more than 128 bytes, the most that one request may have","line":9}}
    {"id":null,"error":{"kind":"invalid_json","message":"invalid JSON at column 1: not a JSON object","line":10}}
    {"id":null,"error":{"kind":"invalid_json","message":"invalid JSON at column 29: the line ends inside the object","line":11}}
    "#);
}

#[test]
fn carriage_returns_and_a_missing_last_line_feed_are_taken() {
    let run = run_with(&["pipe"], b"{\"id\":\"a\",\"text\":\"hello\"}\r\n{\"id\":\"b\",\"text\":\"hello\"}");
    let lines = run.json_lines();
    assert_eq!(lines.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(lines.iter().all(|line| line["decision"] == "allow"), "{}", run.stdout);
}

#[test]
fn nothing_in_is_nothing_out() {
    let run = run_with(&["pipe", "--fail-on-veto"], b"");
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn unknown_keys_pass_only_when_asked() {
    let line = b"{\"id\":1,\"text\":\"hello\",\"colour\":\"red\"}\n";
    assert_eq!(run_with(&["pipe"], line).json()["error"]["kind"], "invalid_json");
    assert_eq!(run_with(&["pipe", "--ignore-unknown-keys"], line).json()["decision"], "allow");
}

#[test]
fn a_held_line_fails_only_when_asked() {
    let late = b"{\"text\":\"hello\",\"deadline_ms\":0}\n";
    assert_eq!(run_with(&["pipe"], late).json()["decision"], "veto");
    assert_eq!(run_with(&["pipe"], late).status, Some(0));
    assert_eq!(run_with(&["pipe", "--fail-on-veto"], late).status, Some(1));
    assert_eq!(run_with(&["pipe", "--fail-on-veto", "--exit-code", "9"], late).status, Some(9));
    assert_eq!(run_with(&["pipe", "--fail-on-veto"], b"{\"text\":\"hello\"}\n").status, Some(0));
    // A line that cannot be judged is not cleared either.
    assert_eq!(run_with(&["pipe", "--fail-on-veto"], b"{broken\n").status, Some(1));
}

#[test]
fn a_huge_line_is_passed_over_and_the_next_is_judged() {
    let mut input = b"{\"id\":1,\"text\":\"".to_vec();
    input.resize(40 << 20, b'a');
    input.extend_from_slice(b"\"}\n{\"id\":2,\"text\":\"hello\"}\n");
    let run = run_with(&["pipe"], &input);
    let lines = run.json_lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["error"]["kind"], "line_too_long");
    assert_eq!(lines[1]["decision"], "allow");
}

#[test]
fn a_huge_text_is_a_verdict_and_never_an_allow() {
    let line = format!("{}\n", json!({"id": 1, "text": "all is well ".repeat(900_000)}));
    let verdict = run_with(&["pipe"], line.as_bytes()).json();
    assert_eq!(verdict["decision"], "veto");
    assert_eq!(verdict["coverage_reason"], "size_limit");
}

#[test]
fn a_batch_does_not_change_a_verdict() {
    let texts: Vec<String> = (1..60).map(|words| "you fool ".repeat(words)).collect();
    let input: String = texts.iter().map(|text| format!("{}\n", json!({ "text": text }))).collect();
    let scores = |batch: &str| -> Vec<String> {
        let run = run_with(&["pipe", "--batch", batch], input.as_bytes());
        run.json_lines().iter().map(|line| line["scores"].to_string()).collect()
    };
    assert_eq!(scores("1"), scores("64"));
}

#[test]
fn threads_do_not_change_a_verdict() {
    let input: String = (0..48_usize)
        .map(|number| format!("{}\n", json!({"text": "you quiet fool ".repeat(1 + number * 37 % 90)})))
        .collect();
    let scores = |threads: &str| {
        let run = run_with(&["pipe", "--threads", threads], input.as_bytes());
        run.json_lines().iter().map(|line| line["scores"].to_string()).collect::<Vec<_>>()
    };
    let expected = scores("1");
    assert_eq!(expected.len(), 48);
    for threads in ["2", "5"] {
        assert_eq!(scores(threads), expected, "{threads} threads");
    }
}

#[test]
fn a_line_alone_is_answered_while_the_input_stays_open() {
    // A window far longer than the test: a lone line must not wait for it.
    let mut child = start(&["--batch-window-us", "10000000"]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let begin = Instant::now();
    for id in 0..3 {
        writeln!(input, "{}", json!({"id": id, "text": "hello"})).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("{{\"id\":{id},")), "{line}");
    }
    assert!(begin.elapsed() < Duration::from_secs(9));
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_is_a_quiet_success() {
    let mut child = start(&[]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let writer = std::thread::spawn(move || while input.write_all(b"{\"text\":\"hello\"}\n").is_ok() {});
    output.read_line(&mut String::new()).unwrap();
    drop(output);
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
    writer.join().unwrap();
}

#[cfg(unix)]
#[test]
fn an_interrupt_finishes_what_was_read() {
    let mut child = start(&[]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    writeln!(input, "{}", json!({"id": 1, "text": "hello"})).unwrap();
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!((child.wait().unwrap().code(), rest.as_str()), (Some(0), ""));
    // Kept open until the end: the program must not have waited for more.
    drop(input);
}
