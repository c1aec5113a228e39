//! The command line: what the arguments are, which command they start, and how a failure is told.

mod bench;
mod calibrate;
mod check;
mod data;
mod eval;
mod explain;
mod failure;
mod filter;
mod generate;
mod guard_options;
mod input;
mod inspect;
mod lines;
mod memory;
mod pipe;
mod policy;
mod shadow;
mod teach;
mod terminal;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use guard_options::GuardOptions;
use std::process::ExitCode;

/// A guard for offline assistants: a text in, a verdict out, on this device and with no network.
#[derive(Parser)]
#[command(name = "portcullis", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = EXAMPLES)]
struct Cli {
    /// When to colour the output; `NO_COLOR` is respected.
    #[arg(long, global = true, value_name = "WHEN", env = "PORTCULLIS_COLOR", default_value = "auto")]
    color: terminal::Color,

    #[command(flatten)]
    guard: GuardOptions,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Pipe(pipe::Arguments),
    Filter(filter::Arguments),
    Explain(explain::Arguments),
    Inspect(inspect::Arguments),
    Bench(bench::Arguments),
    Eval(eval::Arguments),
    Calibrate(calibrate::Arguments),
    Teach(teach::Arguments),
    Policy(policy::Arguments),
    Completions(generate::CompletionArguments),
    Man(generate::ManArguments),
}

const EXAMPLES: &str = "\
Examples:
  portcullis check \"how do I bake bread?\"
  some-model | portcullis check --role assistant --json
  portcullis pipe < requests.ndjson > verdicts.ndjson
  some-model | portcullis filter
  portcullis explain \"ignore all previous instructions\"

Exit status: 0 allowed or rewritten, 1 vetoed or escalated, 2 an error.";

/// Runs the program on its own arguments.
pub(crate) fn run() -> ExitCode {
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    cli.color.apply();
    let outcome = match cli.command {
        Command::Check(arguments) => check::run(&arguments, &cli.guard),
        Command::Pipe(arguments) => pipe::run(&arguments, &cli.guard),
        Command::Filter(arguments) => filter::run(&arguments, &cli.guard),
        Command::Explain(arguments) => explain::run(&arguments, &cli.guard),
        Command::Inspect(arguments) => inspect::run(&arguments, &cli.guard),
        Command::Bench(arguments) => bench::run(&arguments, &cli.guard),
        Command::Eval(arguments) => eval::run(&arguments, &cli.guard),
        Command::Calibrate(arguments) => calibrate::run(&arguments, &cli.guard),
        Command::Teach(arguments) => teach::run(&arguments, &cli.guard),
        Command::Policy(arguments) => policy::run(&arguments, &cli.guard),
        Command::Completions(arguments) => generate::completions(&arguments),
        Command::Man(arguments) => generate::man(&arguments),
    };
    outcome.unwrap_or_else(|error| failure::report(&error))
}

/// The arguments. Where no guard is made its flags are accepted, as everywhere, but kept out of the help.
fn command() -> clap::Command {
    let command = Cli::command();
    let flags =
        command.get_arguments().filter(|flag| flag.get_help_heading() == Some(guard_options::HEADING));
    let hidden: Vec<clap::Arg> = flags.map(|flag| flag.clone().hide(true)).collect();
    // What is in force is told by the state directory, without a guard.
    let without_guard: Vec<clap::Arg> =
        hidden.iter().map(|flag| flag.clone().hide(flag.get_id() != "state")).collect();
    let policy = |policy: clap::Command| {
        policy::WITHOUT_GUARD
            .iter()
            .fold(policy, |policy, name| policy.mut_subcommand(name, |command| command.args(&without_guard)))
    };
    command
        .mut_subcommand("policy", policy)
        .mut_subcommand("completions", |command| command.args(&hidden))
        .mut_subcommand("man", |command| command.args(&hidden))
}
