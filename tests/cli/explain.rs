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

/// The logits are those behind the verdict: the scores agree bit for bit.
#[test]
fn the_heads_are_those_of_the_verdict() {
    let explanation = run(&["explain", "--json", "you are an idiot and a fool"]).json();
    let heads = explanation["heads"].as_array().unwrap();
    let scores = explanation["verdict"]["scores"].as_object().unwrap();
    assert_eq!(heads.len(), scores.len());
    for head in heads {
        assert_eq!(head["score"], scores[head["name"].as_str().unwrap()], "{explanation}");
    }
}

#[test]
fn no_text_is_an_error() {
    let run = run(&["explain"]);
    assert_eq!(run.status, Some(2));
    assert_eq!(run.stderr, "portcullis: the text is empty: expected at least one character\n");
}
