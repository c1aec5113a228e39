//! What people say to an assistant every day, and what they try a guard with first, by the policy in the program.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use portcullis::{Decision, Guard, Request, Role, Verdict};

fn judged(lines: &str) -> Vec<(&str, Verdict)> {
    let requests: Vec<Request> = lines.lines().map(|line| Request::new(line, Role::User).unwrap()).collect();
    lines.lines().zip(Guard::embedded().unwrap().check_batch(&requests)).collect()
}

fn held<'a>(judged: &[(&'a str, Verdict)]) -> Vec<&'a str> {
    judged.iter().filter(|(_, verdict)| verdict.decision != Decision::Allow).map(|(line, _)| *line).collect()
}

/// The largest score for what a request asks an assistant to do.
fn asked(verdict: &Verdict) -> f32 {
    let heads = ["harmful_request", "jailbreak", "prompt_injection"];
    let scores = verdict.scores.iter().filter(|(head, _)| heads.contains(&head.as_str()));
    scores.map(|(_, score)| *score).fold(0.0, f32::max)
}

#[test]
fn a_second_turn_is_no_attack() {
    // They speak of earlier messages, answers and instructions, as injections do.
    let turns = judged(include_str!("data/followups.txt"));
    assert_eq!(turns.len(), 100);
    let held = held(&turns);
    assert!(held.len() <= 1, "{held:?}");
}

/// Greetings, single words and orders, many with a word that harm has, too. The three that are held are swearing and one
/// bare verb.
#[test]
fn a_word_or_two_pass() {
    let short = judged(include_str!("data/short.txt"));
    assert_eq!(short.len(), 137);
    let held = held(&short);
    assert!(held.len() <= 3, "{held:?}");
}

/// What a rewrite leaves behind looks like an order to a model that has seen few of them.
#[test]
fn a_text_with_a_placeholder_passes() {
    let texts = [
        ("Deploy with the token ghp_Zx8Kq2Lm4Nv6Bt1Wy3Rs5Pd7Hf9Jg0Ca2UbX, please.", "[SECRET]"),
        ("Mail jo@example.org the report.", "[EMAIL]"),
        ("Call me on +44 20 7946 0958 tonight.", "[PHONE]"),
        ("Pay with 4111 1111 1111 1111.", "[CARD]"),
    ];
    let lines = texts.map(|(text, _)| text).join("\n");
    for ((_, placeholder), (line, verdict)) in texts.iter().zip(judged(&lines)) {
        assert_eq!(verdict.decision, Decision::Rewrite, "{line}: {verdict:?}");
        assert!(verdict.text.unwrap().contains(placeholder));
    }
}

#[test]
fn a_harmless_line_passes_and_scores_below_a_harmful_one_in_the_same_words() {
    let harmless = judged(include_str!("data/tried-first-harmless.txt"));
    let harmful = judged(include_str!("data/tried-first.txt"));
    assert_eq!((harmless.len(), harmful.len()), (40, 40));
    assert_eq!(held(&harmless), Vec::<&str>::new());
    let level: Vec<&str> = harmful
        .iter()
        .zip(&harmless)
        .filter(|((_, bad), (_, good))| asked(bad) <= 2.0 * asked(good))
        .map(|((line, _), _)| *line)
        .collect();
    assert!(level.len() <= 7, "{level:?}");
    let held = held(&harmful);
    assert!(held.len() >= 14, "{held:?}");
}
