//! The real program, started as a process: every command, its exit status and its messages.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic, in its helpers too")]

mod attribution;
mod bench;
mod calibrate;
mod cascade;
mod check;
mod conversations;
mod device;
mod disguise;
mod eval;
mod exceptions;
mod explain;
mod filter;
mod formats;
mod gate;
mod generate;
#[cfg(feature = "graph")]
mod graph;
mod grounding;
mod hook;
mod inspect;
mod lists;
mod log;
mod monitor;
mod pack;
mod pipe;
mod policies;
mod policy;
mod program;
#[cfg(feature = "review")]
mod review;
mod reload;
mod report;
mod scan;
mod schemas;
#[cfg(unix)]
mod serve;
mod spans;
mod teach;
mod tiny;
mod tools;
mod usage;
