//! The real program, started as a process: every command, its exit status and its messages.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic, in its helpers too")]

mod attribution;
mod bench;
mod calibrate;
mod cascade;
mod check;
mod conversations;
mod disguise;
mod eval;
mod explain;
mod filter;
mod gate;
mod generate;
mod grounding;
mod inspect;
mod lists;
mod pipe;
mod policies;
mod policy;
mod program;
mod reload;
mod schemas;
mod spans;
mod teach;
mod tiny;
mod tools;
mod usage;
