//! The library for C as a C programmer meets it: built, compiled against, run, and looked at with the system's own tools.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

mod agreement;
mod contract;
mod guide;
mod layout;
mod program;
