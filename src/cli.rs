//! The command line: what the arguments are, which command they start, and how a failure is told.

mod alerts;
mod bench;
#[cfg(feature = "calibrate")]
mod calibrate;
mod check;
mod data;
mod device_options;
mod eval;
mod exception;
mod explain;
mod failure;
mod filter;
mod generate;
#[cfg(feature = "graph")]
mod graph;
mod guard_options;
mod hook;
mod input;
mod inspect;
mod interrupt;
mod lines;
mod log;
mod memory;
mod monitor;
mod pack;
mod pipe;
mod policy;
#[cfg(feature = "report")]
mod report;
#[cfg(feature = "review")]
mod review;
mod rollback;
#[cfg(unix)]
mod serve;
mod scan;
mod shadow;
mod status_options;
#[cfg(feature = "calibrate")]
mod teach;
mod terminal;
#[cfg(any(feature = "graph", feature = "report"))]
mod time;

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
    #[cfg(unix)]
    Serve(serve::Arguments),
    Filter(filter::Arguments),
    Hook(hook::Arguments),
    Scan(scan::Arguments),
    Explain(explain::Arguments),
    Inspect(inspect::Arguments),
    Bench(bench::Arguments),
    Eval(eval::Arguments),
    #[cfg(feature = "calibrate")]
    Calibrate(calibrate::Arguments),
    #[cfg(feature = "calibrate")]
    Teach(teach::Arguments),
    Monitor(monitor::Arguments),
    Rollback(rollback::Arguments),
    Policy(policy::Arguments),
    #[cfg(feature = "report")]
    Report(report::Arguments),
    #[cfg(feature = "graph")]
    Graph(graph::Arguments),
    Exception(exception::Arguments),
    Log(log::Arguments),
    Pack(pack::Arguments),
    #[cfg(feature = "review")]
    Review(review::Arguments),
    Completions(generate::CompletionArguments),
    Man(generate::ManArguments),
}

const EXAMPLES: &str = "\
Examples:
  portcullis check \"how do I bake bread?\"
  some-model | portcullis check --role assistant --json
  portcullis pipe < requests.ndjson > verdicts.ndjson
  some-model | portcullis filter
  portcullis scan docs prompts
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
        #[cfg(unix)]
        Command::Serve(arguments) => serve::run(&arguments, &cli.guard),
        Command::Filter(arguments) => filter::run(&arguments, &cli.guard),
        Command::Hook(arguments) => hook::run(&arguments, &cli.guard),
        Command::Scan(arguments) => scan::run(&arguments, &cli.guard),
        Command::Explain(arguments) => explain::run(&arguments, &cli.guard),
        Command::Inspect(arguments) => inspect::run(&arguments, &cli.guard),
        Command::Bench(arguments) => bench::run(&arguments, &cli.guard),
        Command::Eval(arguments) => eval::run(&arguments, &cli.guard),
        #[cfg(feature = "calibrate")]
        Command::Calibrate(arguments) => calibrate::run(&arguments, &cli.guard),
        #[cfg(feature = "calibrate")]
        Command::Teach(arguments) => teach::run(&arguments, &cli.guard),
        Command::Monitor(arguments) => monitor::run(&arguments, &cli.guard),
        Command::Rollback(arguments) => rollback::run(&arguments, &cli.guard),
        Command::Policy(arguments) => policy::run(&arguments, &cli.guard),
        #[cfg(feature = "report")]
        Command::Report(arguments) => report::run(&arguments, &cli.guard),
        #[cfg(feature = "graph")]
        Command::Graph(arguments) => graph::run(&arguments, &cli.guard),
        Command::Exception(arguments) => exception::run(&arguments, &cli.guard),
        Command::Log(arguments) => log::run(&arguments, &cli.guard),
        Command::Pack(arguments) => pack::run(&arguments, &cli.guard),
        #[cfg(feature = "review")]
        Command::Review(arguments) => review::run(&arguments, &cli.guard),
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
    // What is in force, the log, and people's work are told by the state directory, without a guard.
    let shown = |shown: &[&str]| -> Vec<clap::Arg> {
        hidden.iter().map(|flag| flag.clone().hide(!shown.contains(&flag.get_id().as_str()))).collect()
    };
    let (of_state, of_policy) = (shown(&["state"]), shown(&["state", "policy"]));
    #[cfg(feature = "review")]
    let command = command.mut_subcommand("review", |command| with_flags(command, &of_policy));
    #[cfg(feature = "report")]
    let command = command.mut_subcommand("report", |command| command.args(&of_policy));
    let without = |command: clap::Command, names: &[&'static str]| {
        let hide = |command: clap::Command| command.args(&of_state);
        names.iter().fold(command, |command, name| command.mut_subcommand(name, hide))
    };
    command
        .mut_subcommand("policy", |command| without(command, &policy::WITHOUT_GUARD))
        .mut_subcommand("log", |command| without(command, &log::WITHOUT_GUARD))
        .mut_subcommand("exception", |command| with_flags(command, &of_policy))
        .mut_subcommand("completions", |command| command.args(&hidden))
        .mut_subcommand("man", |command| command.args(&hidden))
}

/// The command and its subcommands with these flags in place of the shared ones.
fn with_flags(command: clap::Command, flags: &[clap::Arg]) -> clap::Command {
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let command = command.args(flags);
    names.iter().fold(command, |command, name| command.mut_subcommand(name, |command| command.args(flags)))
}
