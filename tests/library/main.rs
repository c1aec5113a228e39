//! The library as a host embeds it: its types, its threads, its examples, and rails of the host's own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod examples;
mod length;
mod rails;
mod threads;

use portcullis::policy::Policy;
use portcullis::{Guard, GuardBuilder, LiveGuard, Shadow, Stream, Vault};

/// The document of a policy of these rules alone.
fn document(rules: &str) -> String {
    format!(
        "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\non_fault = \"escalate\"\non_unsupported = \"allow\"\n{rules}"
    )
}

/// A policy of these rules alone.
fn policy(rules: &str) -> Policy {
    Policy::parse(&document(rules), "p.toml").unwrap()
}

/// A guard to be, with the bundle that judges in microseconds.
fn tiny() -> GuardBuilder {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    Guard::builder().models_dir(models).model("portcullis-tiny").threads(1)
}

/// What a host shares between its threads, and what it moves to one of them.
const _: () = {
    const fn shared<T: Send + Sync + 'static>() {}
    const fn moved<T: Send + 'static>() {}
    const fn cloned<T: Clone>() {}
    shared::<Guard>();
    shared::<LiveGuard>();
    shared::<Shadow>();
    shared::<GuardBuilder>();
    cloned::<Guard>();
    cloned::<LiveGuard>();
    moved::<Stream>();
    moved::<Vault>();
};

#[test]
fn a_clone_is_a_pointer_to_the_same_guard() {
    let guard = tiny().build().unwrap();
    assert_eq!(size_of::<Guard>(), size_of::<usize>());
    assert!(std::ptr::eq(guard.clone().bundle(), guard.bundle()));
}

#[test]
fn an_unattributed_guard_decides_alike_and_names_no_words() {
    let guard = Guard::builder().threads(1).build().unwrap();
    let text = "You are a stupid worthless idiot and everybody hates you, mail me at jo@example.org";
    let request = portcullis::Request::new(text, portcullis::Role::User).unwrap();
    let (named, plain) = (guard.check(&request), guard.unattributed().check(&request));
    assert_eq!((plain.decision, &plain.text, &plain.scores), (named.decision, &named.text, &named.scores));
    let spans = |verdict: &portcullis::Verdict, source: &str| -> Vec<bool> {
        let found = verdict.findings.iter().filter(|finding| finding.rule.contains(source));
        found.map(|finding| finding.spans.is_empty()).collect()
    };
    assert_eq!(spans(&named, "toxicity"), [false]);
    assert_eq!(spans(&plain, "toxicity"), [true]);
    // What a pattern matched is where it matched.
    assert_eq!(spans(&plain, "email"), [false]);
    // Its clones and the guard itself are as they were.
    assert_eq!(spans(&guard.check(&request), "toxicity"), [false]);
}
