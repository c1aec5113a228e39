//! `policy`: who vouches for policies, which one is in force, and what a candidate would change.

mod activate;
mod gate;
mod history;
mod keygen;
mod rollback;
mod sign;
mod told;
mod verify;

use super::guard_options::GuardOptions;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Sign policies, put them in force, and try out candidates.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis policy keygen release --out keys
  portcullis policy sign policies/shop --key keys/release.key
  portcullis policy activate policies/shop --state state --by jo
  portcullis policy rollback --state state --by jo --reason \"too many vetoes\"
  portcullis policy gate policies/next --against policies/shop --data rows.jsonl --max-flips 0.01

docs/policy-signing.md tells how they work together.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Keygen(keygen::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
    Activate(activate::Arguments),
    Rollback(rollback::Arguments),
    History(history::HistoryArguments),
    Active(history::ActiveArguments),
    Gate(gate::Arguments),
}

/// The subcommands that make no guard.
pub(super) const WITHOUT_GUARD: [&str; 6] = ["keygen", "sign", "verify", "rollback", "history", "active"];

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Keygen(arguments) => keygen::run(arguments),
        Command::Sign(arguments) => sign::run(arguments),
        Command::Verify(arguments) => verify::run(arguments, options),
        Command::Activate(arguments) => activate::run(arguments, options),
        Command::Rollback(arguments) => rollback::run(arguments, options),
        Command::History(arguments) => history::run(arguments, options),
        Command::Active(arguments) => history::active(arguments, options),
        Command::Gate(arguments) => gate::run(arguments, options),
    }
}
