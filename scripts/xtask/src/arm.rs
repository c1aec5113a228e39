//! `cargo xtask arm`: the kernels' tests at the NEON levels, on emulated CPUs.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

/// What `arm` takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only the tests with one of these in their names, and no counts of instructions.
    tests: Vec<String>,
}

/// Runs the script, which says what it needs.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let script = crate::check::root()?.join("scripts/emulate-arm64.sh");
    let status = Command::new(&script)
        .args(&arguments.tests)
        .status()
        .with_context(|| format!("cannot run {}", script.display()))?;
    ensure!(status.success(), "{} ended with {status}", script.display());
    Ok(())
}
