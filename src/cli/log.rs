//! `log`: the decision log of an installation, checked, searched, counted and decided again.

mod export;
mod query;
mod replay;
mod sample;
mod stats;
mod time;
mod verify;

use super::guard_options::GuardOptions;
use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use portcullis::log::{Entry, FOLDER};
use std::path::Path;
use std::process::ExitCode;

/// Check, search, count and replay the decision log of --state.
#[derive(Args)]
#[command(after_help = "\
With --state every verdict is appended to the log in that directory, never the text. docs/log.md tells what a log shows and
what it cannot.

Examples:
  portcullis --state ~/.portcullis log verify
  portcullis --state ~/.portcullis log query --decision veto --since 24h | jq -r .decision_id
  portcullis --state ~/.portcullis log stats --by rule
  portcullis --state ~/.portcullis log replay --policy candidate.toml

Exit status: 0, 1 for a check that failed, 2 for an error.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of them")]
enum Command {
    Verify(verify::Arguments),
    Query(query::Arguments),
    Stats(stats::Arguments),
    Replay(replay::Arguments),
    Export(export::Arguments),
    Sample(sample::Arguments),
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Verify(arguments) => verify::run(arguments, options),
        Command::Query(arguments) => query::run(arguments, options),
        Command::Stats(arguments) => stats::run(arguments, options),
        Command::Replay(arguments) => replay::run(arguments, options),
        Command::Export(arguments) => export::run(arguments, options),
        Command::Sample(arguments) => sample::run(arguments, options),
    }
}

/// The subcommands that make no guard.
pub(super) const WITHOUT_GUARD: [&str; 5] = ["verify", "query", "stats", "export", "sample"];

/// The state directory.
///
/// # Errors
/// When none was given.
pub(super) fn state(options: &GuardOptions) -> anyhow::Result<&Path> {
    options.state().context("no state directory: expected --state DIR, or PORTCULLIS_STATE")
}

/// The entries of the log.
///
/// # Errors
/// Where there is no log, and for every entry that cannot be read.
pub(super) fn entries(state: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Entry>>> {
    exists(state)?;
    let entries = portcullis::log::read(state)?;
    Ok(entries.map(|entry| entry.context("the log is damaged: `portcullis log verify` tells more")))
}

/// # Errors
/// Where the state directory has no log.
fn exists(state: &Path) -> anyhow::Result<()> {
    let folder = state.join(FOLDER);
    ensure!(folder.is_dir(), "there is no log: {} is no directory", folder.display());
    Ok(())
}
