//! The interface for C: the guard as opaque objects behind functions with unmangled names, described by one header.
//!
//! `cargo xtask c-library` builds it as a shared and a static library, `docs/c.md` says how it is used, and the comments here are
//! those of the header, which `cargo xtask header` writes.
//!
//! Three things hold for every function. A panic ends at [`boundary`] and becomes a status. A pointer that may be NULL is an
//! `Option` of a reference or a box, which has a pointer's form, so that only lengths and the memory behind them are taken on
//! the caller's word. What is answered without a verdict is the strictest answer there is, never an allow.

#![allow(
    unsafe_code,
    reason = "exported names, and memory that a C program describes by a pointer and a length"
)]
#![expect(unreachable_pub, reason = "reached by name, from other languages")]

mod boundary;
mod version;
mod status;
mod bytes;
mod role;
mod options;
mod guard;
mod check;
mod verdict;
mod finding;
mod stream;
mod vault;
#[cfg(test)]
mod tests;

#[cfg(panic = "abort")]
compile_error!(
    "the C interface answers a panic with a status: build it in a profile with panic = \"unwind\""
);
