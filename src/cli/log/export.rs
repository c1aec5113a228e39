//! `log export`: the decision records alone.

use super::time::Period;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use clap::Args;
use portcullis::log::Body;
use std::process::ExitCode;

/// Print the decision records, one JSON object a line, as --record writes them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis --state ~/.portcullis log export > records.jsonl
  portcullis --state ~/.portcullis log export --since 24h | jq -r '[.time, .decision] | @tsv'

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    #[command(flatten)]
    period: Period,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let query = arguments.period.query();
    for entry in super::entries(super::state(options)?)? {
        let entry = entry?;
        if let Body::Decision(record) = &entry.body
            && query.matches(&entry)
        {
            terminal::emit(&(serde_json::to_string(record)? + "\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
