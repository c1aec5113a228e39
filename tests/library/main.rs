//! The library as a host embeds it: its types, its threads, its examples, and rails of the host's own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod examples;
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
