//! `bench`: a short run of every part. The figures themselves are not looked at.

use crate::program::{run, run_with};

// The longer text is cut into windows.
const SHORT: [&str; 7] = ["bench", "--lengths", "8,300", "--rounds", "2", "--starts", "1"];

#[test]
fn the_tables_state_the_machine() {
    let run = run(&[&SHORT as &[&str], &["--stages"]].concat());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    for word in ["level ", "p99", "encode", "cold start", "memory"] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
}

#[test]
fn json_and_plot_hold_every_length() {
    let directory = tempfile::tempdir().unwrap();
    let svg = directory.path().join("latency.svg");
    let run = run(&[&SHORT as &[&str], &["--json", "--plot", svg.to_str().unwrap()]].concat());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let record = run.json();
    let lengths: Vec<u64> = record["lengths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|length| length["tokens"].as_u64().unwrap())
        .collect();
    assert_eq!(lengths, [8, 300]);
    assert!(record["machine"]["level"].is_string() && record["cold_start"]["process"]["p50_us"].is_number());
    assert!(std::fs::read_to_string(svg).unwrap().contains("Latency"));
}

#[test]
fn a_streams_hold_back_and_work_are_told() {
    let run = run(&["bench", "stream", "--rounds", "1"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    for word in ["level ", "hold-back", "characters", "milliseconds", "times as much"] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answer.txt");
    std::fs::write(&file, "One sentence – of forty-eight bytes or a few more. Another.").unwrap();
    let run = crate::program::run(&[
        "bench",
        "stream",
        "--rounds",
        "1",
        "--json",
        "--text",
        file.to_str().unwrap(),
    ]);
    let record = run.json();
    assert_eq!((&record["segments"], &record["characters"]), (&2.into(), &59.into()));
    let most = record["hold_back_characters"]["most"].as_f64().unwrap();
    assert!((49.0..56.0).contains(&most), "{record}");
}

#[test]
fn the_encode_loop_answers_each_line_in_nanoseconds() {
    let run = run_with(&["bench", "encode-loop", "--threads", "1"], b"16\n[101, 2023, 2003, 102]\n");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout.lines().filter_map(|line| line.parse::<u64>().ok()).count(), 2);
    let together =
        run_with(&["bench", "encode-loop"], b"[[101, 2023, 102], [101, 2023, 2003, 102]]\n[[101]]\n");
    let lines: Vec<serde_json::Value> =
        together.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), lines[0]["logits"].as_array().unwrap().len()), (2, 2), "{}", together.stderr);
    assert!(lines[0]["nanoseconds"].as_u64().unwrap() > 0);
    let bad = run_with(&["bench", "encode-loop"], b"900\n");
    assert_eq!(
        (bad.status, bad.stderr.as_str()),
        (Some(2), "portcullis: line 1: found 900 tokens, expected 3..=512\n")
    );
}
