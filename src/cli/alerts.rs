//! Alerts of the monitor, told on standard error.

use super::{failure, terminal};
use portcullis::Guard;
use portcullis::monitor::{Change, Notice};

/// Tells what the monitor has found since the last time; at the `last` of them, everything.
pub(super) fn tell(guard: &Guard, last: bool) {
    let Some(monitor) = guard.monitor() else { return };
    if last {
        monitor.settle();
    }
    for notice in monitor.notices() {
        match notice {
            Notice::Alert(Change::Raised(alert)) => {
                failure::note(&format!("alert: {}", terminal::printable(&alert.message)));
            }
            Notice::Alert(Change::Cleared(alert)) => {
                // The alert's own message tells why it was raised.
                let subject = alert.subject.map_or_else(String::new, |subject| format!(" of {subject}"));
                let what = format!("{}{subject}", alert.indicator.replace('_', " "));
                failure::note(&format!("alert over: {}", terminal::printable(&what)));
            }
            Notice::RolledBack(what) => {
                failure::note(&format!("rolled back: {}", terminal::printable(&what)))
            }
            Notice::Trouble(what) => failure::note(&format!("monitor: {}", terminal::printable(&what))),
            _ => {}
        }
    }
}
