//! `exception revoke`: takes an exception back before its time.

use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::Context as _;
use clap::Args;
use portcullis::exception;
use portcullis::log::Event;
use std::process::ExitCode;
use std::time::SystemTime;

/// Take an exception back, for good: its name cannot be used again here.
#[derive(Args)]
#[command(after_help = "\
Example:
  portcullis exception revoke press --state state --by ana --reason \"the address has changed\"

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// The exception.
    id: String,

    /// Who takes it back.
    #[arg(long, value_name = "NAME")]
    by: String,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let Arguments { id, by, reason } = arguments;
    let (state, sources) = super::sources(options)?;
    let new = exception::revoke(&sources, id, by, reason, SystemTime::now())
        .with_context(|| format!("cannot revoke {}", terminal::printable(id)))?;
    if !new {
        terminal::emit(&format!("{id} was revoked already\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let event = Event::ExceptionRevoked { id: id.clone(), by: by.clone(), reason: reason.clone() };
    super::log(&state, event).context("the exception is revoked, but that is not in the log")?;
    terminal::emit(&format!("{id} revoked\n"))?;
    Ok(ExitCode::SUCCESS)
}
