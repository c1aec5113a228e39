//! A guard for offline assistants: a text in, a verdict out, on the device, with no network.
//!
//! Small quantized classifiers and exact patterns look at a text; a versioned policy turns what they see into one
//! of four decisions: allow, rewrite, escalate, veto. [`Guard`] is the whole of it:
//!
//! ```
//! use portcullis::{Decision, Guard, Request, Role};
//!
//! let guard = Guard::embedded()?;
//! let verdict = guard.check(&Request::new("Write to me at jo@example.org, please.", Role::User)?);
//! assert_eq!(verdict.decision, Decision::Rewrite);
//! assert_eq!(verdict.text.as_deref(), Some("Write to me at [EMAIL], please."));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `docs/library.md` says how to embed it: threads and pools, rails of the host's own, memory. `examples/` has a token loop, tool
//! calls, redaction with a way back, and a rail.
//!
//! The modules stand in the order in which a text meets them; each uses those above it, never those below.

#![cfg_attr(not(any(feature = "ffi", test)), forbid(unsafe_code))]
#![deny(unsafe_code)]

mod disk;
mod json;
pub mod span;
pub mod request;
pub mod verdict;
pub mod trust;
pub mod exception;
pub mod normalize;
pub mod language;
pub mod reading;
pub mod sentence;
pub mod tokenize;
pub mod threads;
pub mod bundle;
pub mod encode;
pub mod hashed;
pub mod rails;
pub mod calibrate;
pub mod policy;
pub mod decide;
pub mod vault;
pub mod act;
pub mod record;
pub mod installation;
pub mod log;
pub mod replay;
pub mod samples;
#[cfg(feature = "review")]
pub mod review;
pub mod store;
pub mod image;
pub mod monitor;
pub mod guard;
pub mod live;
pub mod stream;
pub mod exchange;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "graph")]
pub mod graph;
// The tests of the interface for C run with all others, whatever the features.
#[cfg(any(feature = "ffi", test))]
mod ffi;

pub use guard::{
    Crossover, DeviceKind, DeviceReport, Difference, Explanation, FileReport, Guard, GuardBuilder,
    GuardError, HeadExplanation, HeadReport, Inspection, Miss, PackedReport, ReplayError, Scores, Shadow,
    Shadowed, TaughtReport, WarningReport, WordContribution,
};
pub use live::LiveGuard;
pub use portcullis_kernels::Level;
pub use rails::host::{Rail, RailFault, RailNameError, RailText, Sighting};
pub use request::{Message, Request, RequestError, Role, ToolCall};
pub use span::Span;
pub use stream::{Piece, Stream};
pub use vault::{Restorer, Vault};
pub use verdict::{
    Coverage, CoverageReason, Decision, Disguise, Edit, ExceptionUse, Finding, ModelRef, Part, Place,
    PolicyRef, Source, Timing, Verdict,
};

/// The README's examples, so that they are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The same of the page on this library.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct LibraryPage;
