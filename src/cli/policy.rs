//! `policy`: what a policy says and what a change of it changes, who vouches for it, and which one is in force.

mod activate;
mod check;
mod diff;
mod flips;
mod gate;
mod history;
mod keygen;
mod rollback;
mod show;
mod sign;
mod test;
mod told;
mod upgrade;
mod verify;

use super::guard_options::GuardOptions;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Check, compare, test and sign policies, put them in force, and try out candidates.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis policy check my-bundle
  portcullis policy test my-bundle --junit results.xml
  portcullis policy diff old.toml new.toml --data traffic.jsonl
  portcullis policy keygen release --out keys
  portcullis policy sign my-bundle --key keys/release.key
  portcullis policy activate my-bundle --state state --by jo
  portcullis policy rollback --state state --by jo --reason \"too many vetoes\"
  portcullis policy gate next --against my-bundle --data rows.jsonl --max-flips 0.01

A policy is a TOML file, or a bundle: a directory with a `policy.toml`, the files that this names, and its `tests`.
docs/policy-workflow.md and docs/policy-signing.md tell how they work together.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Show(show::Arguments),
    Diff(diff::Arguments),
    Test(test::Arguments),
    Upgrade(upgrade::Arguments),
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
pub(super) const WITHOUT_GUARD: [&str; 7] =
    ["upgrade", "keygen", "sign", "verify", "rollback", "history", "active"];

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Check(arguments) => check::run(arguments, options),
        Command::Show(arguments) => show::run(arguments, options),
        Command::Diff(arguments) => diff::run(arguments, options),
        Command::Test(arguments) => test::run(arguments, options),
        Command::Upgrade(arguments) => upgrade::run(arguments),
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

/// The exit status of a check that found something.
const FOUND: u8 = 1;

/// 0 where all is well, 1 where a check found something.
fn status(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::from(FOUND) }
}

/// A number of things, whose name takes an `s` where there is not one of them.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
