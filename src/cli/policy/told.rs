//! A policy in force, as a person reads it.

use portcullis::PolicyRef;
use portcullis::store::{Active, Change, Store};

use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, printable};
use anyhow::Context as _;
use std::process::ExitCode;

/// Digits of a digest that are shown.
const DIGITS: usize = 12;

/// The store of the state directory that was named.
///
/// # Errors
/// When none was.
pub(super) fn store(options: &GuardOptions) -> anyhow::Result<Store> {
    let state = options.state().context("no state directory: expected --state DIR, or PORTCULLIS_STATE")?;
    Ok(Store::open(state)?)
}

/// Id, version and the first digits of the digest.
pub(super) fn policy(policy: &PolicyRef) -> String {
    format!("{} {} ({})", policy.id, policy.version, digest(policy))
}

/// The first digits of the digest.
pub(super) fn digest(policy: &PolicyRef) -> &str {
    policy.digest.get(..DIGITS).unwrap_or(&policy.digest)
}

/// Tells what is in force, as one JSON object or in a line.
pub(super) fn tell(active: &Active, json: bool) -> anyhow::Result<ExitCode> {
    terminal::emit(&if json { serde_json::to_string(active)? + "\n" } else { in_force(active) })?;
    Ok(ExitCode::SUCCESS)
}

/// What is in force, in a line.
fn in_force(active: &Active) -> String {
    let Active { policy: PolicyRef { id, version, .. }, revision, since, by, .. } = active;
    let how = match active.change {
        Change::RolledBack => "gone back to",
        _ => "put in force",
    };
    let mut line = format!(
        "{id} {version}, revision {revision} ({}), {how} by {} at {since}",
        digest(&active.policy),
        printable(by)
    );
    if let Some(signed_by) = &active.signed_by {
        line.push_str(", signed by ");
        line.push_str(signed_by);
    }
    if let Some(reason) = &active.reason {
        line.push_str(": ");
        line.push_str(&printable(reason));
    }
    line.push('\n');
    line
}
