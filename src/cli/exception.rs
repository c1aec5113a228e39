//! `exception`: findings that do not count, by whose leave, and until when.

mod add;
mod check;
mod draft;
mod list;
mod revoke;
mod sign;

use super::guard_options::GuardOptions;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use portcullis::exception::{Scope, Sources};
use portcullis::installation::Installation;
use portcullis::log::{Event, Log};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Except findings from the policy: signed, for named rules, for a time.
#[derive(Args)]
#[command(after_help = "\
An exception takes findings of the rules that it names out of the decision. It is used only with a signature by a key in the
folder keys of the state directory, and every verdict and record that used it says so.

Examples:
  portcullis exception add --state state --key ana.key --id press --rule pii.email --pattern 'press@example\\.org' \\
      --reason \"printed on every page\" --days 90
  portcullis exception list --state state
  portcullis exception revoke press --state state --by ana --reason \"the address has changed\"

docs/exceptions.md has the format of the files and says what is signed.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Box<add::Arguments>),
    Sign(sign::Arguments),
    List(list::Arguments),
    Check(check::Arguments),
    Revoke(revoke::Arguments),
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Add(arguments) => add::run(arguments, options),
        Command::Sign(arguments) => sign::run(arguments),
        Command::List(arguments) => list::run(arguments, options),
        Command::Check(arguments) => check::run(arguments, options),
        Command::Revoke(arguments) => revoke::run(arguments, options),
    }
}

/// The state directory and where exceptions come from.
///
/// # Errors
/// When no state directory was named, or the policy cannot be read.
fn sources(options: &GuardOptions) -> anyhow::Result<(PathBuf, Sources)> {
    let state =
        options.state().context("no state directory: expected --state DIR, whose keys are trusted")?;
    Ok((state.to_owned(), options.exception_sources()?))
}

/// Notes an event in the log of the state directory.
fn log(state: &Path, event: Event) -> anyhow::Result<()> {
    let settings = Installation::read(state)?.log;
    if settings.enabled {
        Log::open(state, &settings)?.append_event(event)?;
    }
    Ok(())
}

/// What an exception is for beside its rules, in words.
fn described(scope: &Scope) -> String {
    let mut words = Vec::new();
    if let Some(texts) = &scope.texts {
        words.push(if texts.len() == 1 { "1 text".to_owned() } else { format!("{} texts", texts.len()) });
    }
    words.extend(scope.pattern.as_ref().map(|pattern| format!("/{}/", pattern.as_str())));
    let mut list = |name: &str, of: Option<Vec<String>>| {
        words.extend(of.map(|of| format!("{name} {}", of.join(", "))));
    };
    list("role", scope.roles.as_ref().map(|roles| roles.iter().map(ToString::to_string).collect()));
    list("slice", scope.slices.clone());
    list("locale", scope.locales.clone());
    if words.is_empty() { "every text".to_owned() } else { words.join("; ") }
}
