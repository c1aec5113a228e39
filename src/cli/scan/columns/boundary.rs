//! Calls into the Parquet library: a panic over a damaged file is an error like any other.

use anyhow::anyhow;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::cli::failure;

const DAMAGED: &str =
    "the Parquet library has failed: the file is damaged, or of a kind that it does not know";

thread_local! {
    /// Whether this thread is in a call.
    static CALLING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics of the calls off standard error, where they would be told twice. Where a panic ends the program, it ends as after an
/// error.
pub(super) fn keep_quiet() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !CALLING.get() {
            before(panic);
        } else if cfg!(panic = "abort") {
            failure::note(DAMAGED);
            std::process::exit(2);
        }
    }));
}

/// Calls.
///
/// # Errors
/// That of the call, and when it panics.
pub(super) fn guarded<T, E: Into<anyhow::Error>>(call: impl FnOnce() -> Result<T, E>) -> anyhow::Result<T> {
    CALLING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    CALLING.set(false);
    match outcome {
        Ok(outcome) => outcome.map_err(Into::into),
        Err(_) => Err(anyhow!(DAMAGED)),
    }
}
