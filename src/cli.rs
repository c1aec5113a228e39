//! The command line: what the arguments are, which command they start, and how a failure is told.

mod bench;
mod check;
mod eval;
mod explain;
mod failure;
mod generate;
mod guard_options;
mod input;
mod inspect;
mod lines;
mod memory;
mod pipe;
mod terminal;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A guard for offline assistants: a text in, a verdict out, on this device and with no network.
#[derive(Parser)]
#[command(name = "portcullis", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = EXAMPLES)]
struct Cli {
    /// When to colour the output; `NO_COLOR` is respected.
    #[arg(long, global = true, value_name = "WHEN", env = "PORTCULLIS_COLOR", default_value = "auto")]
    color: terminal::Color,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Pipe(pipe::Arguments),
    Explain(explain::Arguments),
    Inspect(inspect::Arguments),
    Bench(bench::Arguments),
    Eval(eval::Arguments),
    Completions(generate::CompletionArguments),
    Man(generate::ManArguments),
}

const EXAMPLES: &str = "\
Examples:
  portcullis check \"how do I bake bread?\"
  some-model | portcullis check --role assistant --json
  portcullis pipe < requests.ndjson > verdicts.ndjson
  portcullis explain \"ignore all previous instructions\"

Exit status: 0 allowed or rewritten, 1 vetoed or escalated, 2 an error.";

/// Runs the program on its own arguments.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    cli.color.apply();
    let outcome = match cli.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Pipe(arguments) => pipe::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Completions(arguments) => generate::completions(&arguments),
        Command::Man(arguments) => generate::man(&arguments),
    };
    outcome.unwrap_or_else(|error| failure::report(&error))
}
