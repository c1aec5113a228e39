//! `filter`: safe text as it comes, whatever comes and however the reader behaves.

use crate::program::{Run, finish, program, run_with};
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::time::Duration;

const ANSWER: &str = "Of course! You can write to jo@example.org, or call +44 20 7946 0958 in the morning. The garden \
    opens at nine and closes at dusk.\nBring a warm coat, and enjoy the old trees by the river";
const SAFE: &str = "Of course! You can write to [EMAIL], or call [PHONE] in the morning. The garden \
    opens at nine and closes at dusk.\nBring a warm coat, and enjoy the old trees by the river";
const ABUSE: &str = "The garden opens at nine in the morning, every day of the week. You are a worthless, stupid, \
    disgusting idiot and everyone hates you. The cafe closes at five.";
const ENDING: &str = "[The rest of this answer was withheld.]";

fn start(arguments: &[&str]) -> Child {
    program()
        .arg("filter")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn parts(run: &Run) -> (Option<i32>, &str, &str) {
    (run.status, run.stdout.as_str(), run.stderr.as_str())
}

#[test]
fn personal_data_is_replaced_in_place() {
    assert_eq!(parts(&run_with(&["filter"], ANSWER.as_bytes())), (Some(0), SAFE, ""));
}

#[test]
fn nothing_in_is_nothing_out() {
    assert_eq!(parts(&run_with(&["filter"], b"")), (Some(0), "", ""));
    assert_eq!(run_with(&["filter", "--json"], b"").json()["decision"], "allow");
}

#[test]
fn a_veto_ends_with_the_policys_words_and_status() {
    let run = run_with(&["filter"], ABUSE.as_bytes());
    let safe = "The garden opens at nine in the morning, every day of the week. ";
    assert_eq!(parts(&run), (Some(1), format!("{safe}{ENDING}").as_str(), ""));
    assert_eq!(run_with(&["filter", "--exit-code", "9"], ABUSE.as_bytes()).status, Some(9));
}

#[test]
fn events_have_offsets_into_the_input() {
    let run = run_with(&["filter", "--json"], ANSWER.as_bytes());
    let events = run.json_lines();
    let (end, pieces) = events.split_last().unwrap();
    assert_eq!(*end, serde_json::json!({"event": "end", "decision": "rewrite", "bytes": ANSWER.len()}));
    let mut at = 0;
    let mut text = String::new();
    let mut edited = ANSWER.to_owned();
    for piece in pieces {
        assert_eq!(piece["start"], at);
        at = piece["end"].as_u64().unwrap();
        text += piece["text"].as_str().unwrap();
    }
    for edit in pieces.iter().rev().flat_map(|piece| piece["edits"].as_array().unwrap().iter().rev()) {
        let (start, end) = (edit["start"].as_u64().unwrap() as usize, edit["end"].as_u64().unwrap() as usize);
        edited.replace_range(start..end, edit["replacement"].as_str().unwrap());
    }
    assert_eq!((at as usize, text.as_str(), edited.as_str()), (ANSWER.len(), SAFE, SAFE));
    let names: Vec<&str> = pieces.iter().map(|piece| piece["event"].as_str().unwrap()).collect();
    assert!(names.contains(&"release") && names.contains(&"rewrite"), "{names:?}");

    let stopped = run_with(&["filter", "--json"], ABUSE.as_bytes()).json_lines();
    let veto = &stopped[stopped.len() - 2];
    assert_eq!((veto["event"].as_str(), veto["text"].as_str()), (Some("veto"), Some(ENDING)));
    assert!(!veto["findings"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_no_text_takes_the_policys_fault_rule_and_says_where() {
    let safe = "A first sentence that is long enough to be released by itself. ";
    for (broken, what) in [
        (b"Then \xff\xfe and more." as &[u8], "invalid UTF-8 at byte 68: expected UTF-8 text"),
        (b"Then \0.", "the text holds a NUL character at byte 68: expected text, found binary data"),
        (b"Then \xe2\x82", "invalid UTF-8 at byte 68: expected UTF-8 text"),
    ] {
        let run = run_with(&["filter"], &[safe.as_bytes(), broken].concat());
        let message = format!("portcullis: the stream cannot be read: {what}\n");
        assert_eq!(parts(&run), (Some(1), format!("{safe}{ENDING}").as_str(), message.as_str()));
    }
}

#[test]
fn a_late_judgement_is_a_veto() {
    let run = run_with(&["filter", "--deadline-ms", "0"], ANSWER.as_bytes());
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), ENDING));
    assert!(run.stderr.contains("the deadline passed"), "{}", run.stderr);
}

#[test]
fn each_segment_has_its_record_without_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.jsonl");
    let run = run_with(&["filter", "--record", file.to_str().unwrap()], ANSWER.as_bytes());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let record = std::fs::read_to_string(file).unwrap();
    let bytes: u64 = record
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["role"], "assistant");
            line["text_bytes"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(bytes, ANSWER.len() as u64);
    assert!(!record.contains("garden"));
}

#[test]
fn a_sentence_is_released_while_the_input_stays_open() {
    let mut child = start(&[]);
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    let sentence = "The garden opens at nine in the morning, every day of the week. ";
    input.write_all(sentence.as_bytes()).unwrap();
    let mut released = vec![0; sentence.len()];
    output.read_exact(&mut released).unwrap();
    assert_eq!(released, sentence.as_bytes());
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_is_a_quiet_success() {
    let mut child = start(&[]);
    let mut input = child.stdin.take().unwrap();
    drop(child.stdout.take());
    let writer =
        std::thread::spawn(move || while input.write_all(b"All is well in the garden.\n").is_ok() {});
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
    writer.join().unwrap();
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_as_any_program() {
    use std::os::unix::process::ExitStatusExt as _;
    let mut child = start(&[]);
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    let sentence = b"The garden opens at nine in the morning, every day of the week. And then";
    input.write_all(sentence).unwrap();
    output.read_exact(&mut [0; 64]).unwrap();
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!((child.wait().unwrap().signal(), rest.as_str()), (Some(2), ""), "what was held stays held");
    drop(input);
}

#[test]
fn a_slow_reader_holds_the_writer_up() {
    let mut child =
        start(&["--models", concat!(env!("CARGO_MANIFEST_DIR"), "/models"), "--model", "portcullis-tiny"]);
    let mut input = child.stdin.take().unwrap();
    let line = b"All is well in the garden and by the old house near the river.\n";
    let (sent, taken) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        for _ in 0..20_000 {
            if input.write_all(line).is_err() {
                break;
            }
            let _ = sent.send(());
        }
    });
    // Nobody reads: the pipes fill, and then the program takes no more.
    let mut lines = 0;
    while taken.recv_timeout(Duration::from_secs(3)).is_ok() {
        lines += 1;
    }
    assert!(lines * line.len() < 1 << 20, "{lines} lines were taken");
    child.kill().unwrap();
    child.wait().unwrap();
    writer.join().unwrap();
}

/// Peak resident memory of a process in bytes.
#[cfg(target_os = "linux")]
fn peak_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_without_end_needs_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(
        &policy,
        "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\non_unsupported = \"allow\"\n[[rule]]\nid = \"r\"\n\
        detector = \"pii.*\"\nthreshold = 0.5\naction = \"rewrite\"\n",
    )
    .unwrap();
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    let mut child =
        start(&["--models", models, "--model", "portcullis-tiny", "--policy", policy.to_str().unwrap()]);
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    const MEGABYTES: usize = 16;
    let reader = std::thread::spawn(move || {
        let mut bytes = 0;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match output.read(&mut buffer).unwrap() {
                0 => break bytes,
                read => bytes += read,
            }
        }
    });
    let chunk = vec![b'a'; 1 << 20];
    let mut peak = 0;
    for _ in 0..MEGABYTES {
        input.write_all(&chunk).unwrap();
        peak = peak.max(peak_memory(child.id()));
    }
    drop(input);
    assert_eq!(reader.join().unwrap(), MEGABYTES << 20);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(peak < 120 << 20, "{peak} bytes");
}

#[test]
fn the_policys_faults_are_told_before_anything_is_read() {
    let run = finish(program().args(["filter", "--policy", "/nowhere.toml"]), ANSWER.as_bytes());
    assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""));
}
