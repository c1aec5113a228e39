//! `graph`: policies, their rules, what judges and what was decided as RDF, to be exported and asked.

mod ask;
mod export;
mod query;
mod source;
mod told;

use super::guard_options::GuardOptions;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Export and ask the governance graph: rules, hazards, standards, owners, tests, models, exceptions, decisions.
#[derive(Args)]
#[command(after_help = "\
The graph is of the policy in force (or --policy), every policy that was in force, the model, and the latest decisions and events of
the log. It is made anew each time, in memory. docs/graph.md tells its vocabulary.

Examples:
  portcullis graph ask rules-without-test --policy my-bundle
  portcullis graph ask exceptions-by lea --state state
  portcullis graph ask depends-on 3f9c2a --state state
  portcullis graph query 'SELECT ?rule { ?r a pc:Rule ; rdfs:label ?rule }' --json
  portcullis graph export --format jsonld --out graph.jsonld")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Export(export::Arguments),
    Query(query::Arguments),
    Ask(ask::Arguments),
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Export(arguments) => export::run(arguments, options),
        Command::Query(arguments) => query::run(arguments, options),
        Command::Ask(arguments) => ask::run(arguments, options),
    }
}
