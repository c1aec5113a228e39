//! Ordinary turns of a conversation pass the policy in the program.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use portcullis::{Decision, Guard, Request, Role};

#[test]
fn a_second_turn_is_no_attack() {
    // They speak of earlier messages, answers and instructions, as injections do.
    let turns = include_str!("data/followups.txt");
    let requests: Vec<Request> = turns.lines().map(|turn| Request::new(turn, Role::User).unwrap()).collect();
    assert_eq!(requests.len(), 100);
    let verdicts = Guard::embedded().unwrap().check_batch(&requests);
    let held: Vec<&str> = requests
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| verdict.decision != Decision::Allow)
        .map(|(request, _)| request.text.as_str())
        .collect();
    assert!(held.len() <= 1, "{held:?}");
}
