//! SIGINT and SIGTERM: the first ends the reading, so that what was read is still answered; the second ends the program.

use anyhow::Context as _;

/// The exit status of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Calls `end` at each of them; where that tells that all had ended already, the program ends.
pub(super) fn watch(mut end: impl FnMut() -> bool + Send + 'static) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        if !end() {
            std::process::exit(INTERRUPTED);
        }
    })
    .context("cannot watch for interrupts")
}
