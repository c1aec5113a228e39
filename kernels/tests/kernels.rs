//! The kernels from outside: against naive oracles, level against level, and on hostile values.
//!
//! Every test runs at each level that the CPU at hand has. Built with
//! `--target x86_64-unknown-linux-gnu` and `-C target-feature=+crt-static`, the binary stands alone and can be
//! carried to another machine or an emulator; `parity --nocapture` then names each level and operation that it held
//! against the scalar one.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "kernels/batch.rs"]
mod batch;
#[path = "kernels/hostile.rs"]
mod hostile;
#[path = "kernels/inputs.rs"]
mod inputs;
#[path = "kernels/model.rs"]
mod model;
#[path = "kernels/oracle.rs"]
mod oracle;
#[path = "kernels/parity.rs"]
mod parity;
#[path = "kernels/properties.rs"]
mod properties;
