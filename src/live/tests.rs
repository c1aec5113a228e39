//! What a running guard takes up, and what it does not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::LiveGuard;
use crate::{Decision, Guard, Request, Role};

const POLICY: &str = r#"schema = 1
id = "birds"
version = "1.0.0"
on_unsupported = "allow"

[[list]]
id = "birds"
file = "birds.txt"

[[rule]]
id = "birds"
detector = "list.birds"
threshold = 1.0
action = "veto"
"#;

fn opened(folder: &Path) -> LiveGuard {
    let policy = folder.join("p.toml");
    fs::write(&policy, POLICY).unwrap();
    fs::write(folder.join("birds.txt"), "kestrel\n").unwrap();
    LiveGuard::open_every(Guard::builder().policy_file(policy), Duration::ZERO).unwrap()
}

fn decision(live: &LiveGuard, text: &str) -> Decision {
    live.guard().check(&Request::new(text, Role::User).unwrap()).decision
}

#[test]
fn a_changed_word_list_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let live = opened(folder.path());
    assert_eq!(decision(&live, "What does a rook eat?"), Decision::Allow);
    // The same length, at once after the first: neither size nor a coarse time would tell.
    fs::write(folder.path().join("birds.txt"), "rook\n# \n").unwrap();
    assert_eq!(decision(&live, "What does a rook eat?"), Decision::Veto);
    assert_eq!(decision(&live, "What does a kestrel eat?"), Decision::Allow);
}

#[test]
fn what_cannot_be_used_keeps_the_policy_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let live = opened(folder.path());
    let list = folder.path().join("birds.txt");
    for broken in [&b"\xff\n"[..], b""] {
        fs::write(&list, broken).unwrap();
        assert_eq!(decision(&live, "What does a kestrel eat?"), Decision::Veto);
        assert!(live.problem().unwrap().contains("birds.txt"), "{:?}", live.problem());
    }
    fs::remove_file(&list).unwrap();
    assert_eq!(decision(&live, "What does a kestrel eat?"), Decision::Veto);
    assert!(live.problem().is_some());
    fs::write(&list, "rook\n").unwrap();
    assert_eq!(decision(&live, "What does a kestrel eat?"), Decision::Allow);
    assert_eq!(live.problem(), None);
}

#[test]
fn a_guard_in_hand_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let live = opened(folder.path());
    let before = live.guard();
    fs::write(folder.path().join("birds.txt"), "rook\n").unwrap();
    assert!(live.look());
    assert!(!live.look());
    let request = Request::new("What does a kestrel eat?", Role::User).unwrap();
    assert_eq!(before.check(&request).decision, Decision::Veto);
    assert_eq!(live.guard().check(&request).decision, Decision::Allow);
}

#[test]
fn between_two_looks_nothing_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.toml");
    fs::write(&policy, POLICY).unwrap();
    fs::write(folder.path().join("birds.txt"), "kestrel\n").unwrap();
    let live =
        LiveGuard::open_every(Guard::builder().policy_file(&policy), Duration::from_secs(3600)).unwrap();
    fs::remove_file(policy).unwrap();
    assert_eq!(decision(&live, "What does a kestrel eat?"), Decision::Veto);
    assert_eq!(live.problem(), None);
}

#[test]
fn many_threads_see_one_policy_or_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let live = opened(folder.path());
    std::thread::scope(|scope| {
        let ask = || {
            for _ in 0..50 {
                // A half-written list is not used: one of the two words is always vetoed.
                let guard = live.guard();
                let held = ["kestrel", "rook"].map(|bird| {
                    guard.check(&Request::new(bird, Role::User).unwrap()).decision == Decision::Veto
                });
                assert!(held[0] != held[1], "{held:?}");
            }
        };
        for _ in 0..2 {
            scope.spawn(ask);
        }
        for word in ["rook", "kestrel"].iter().cycle().take(40) {
            let list = folder.path().join("birds.txt");
            fs::write(list.with_extension("new"), word).unwrap();
            fs::rename(list.with_extension("new"), list).unwrap();
        }
    });
}
