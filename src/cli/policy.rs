//! `policy`: what a policy says, whether it is sound, what a change of it changes, and how it is moved to the next schema.

mod check;
mod diff;
mod flips;
mod show;
mod test;
mod upgrade;

use super::guard_options::GuardOptions;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Check, show, compare and test policies.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis policy check my-bundle
  portcullis policy test my-bundle --junit results.xml
  portcullis policy diff old.toml new.toml --data traffic.jsonl
  portcullis policy show

A policy is a TOML file, or a bundle: a directory with a `policy.toml`, the files that this names, and its `tests`.")]
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
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Check(arguments) => check::run(arguments, options),
        Command::Show(arguments) => show::run(arguments, options),
        Command::Diff(arguments) => diff::run(arguments, options),
        Command::Test(arguments) => test::run(arguments, options),
        Command::Upgrade(arguments) => upgrade::run(arguments),
    }
}

/// The exit status of a check that found something.
const FOUND: u8 = 1;

/// 0 where all is well, 1 where a check found something.
fn status(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::from(FOUND) }
}

/// A number of things, whose name takes an `s` where there is not one of them.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
