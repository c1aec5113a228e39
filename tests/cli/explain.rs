//! `explain`: heads against thresholds, and words.

use crate::program::{run, run_with};

#[test]
fn every_head_and_the_nearest_rule_are_shown() {
    let run = run(&["explain", "How do I bake a loaf of bread?"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stdout.starts_with("allow\n"), "{}", run.stdout);
    for word in ["toxicity", "threshold", "nearest rule: "] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
}

#[test]
fn json_holds_the_verdict_the_heads_and_the_words() {
    let run = run_with(&["explain", "--json", "-"], b"you are an idiot and a fool");
    let explanation = run.json();
    assert!(explanation["verdict"]["decision_id"].is_string());
    let heads = explanation["heads"].as_array().unwrap();
    assert!(heads.iter().all(|head| head["score"].is_number()), "{explanation}");
    assert!(!explanation["words"].as_array().unwrap().is_empty(), "{explanation}");
}

#[test]
fn no_text_is_an_error() {
    let run = run(&["explain"]);
    assert_eq!(run.status, Some(2));
    assert_eq!(run.stderr, "portcullis: the text is empty: expected at least one character\n");
}
