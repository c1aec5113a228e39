//! `policy rollback`: an earlier policy in force again.

use super::told;
use crate::cli::guard_options::GuardOptions;
use clap::Args;
use std::process::ExitCode;

/// Go back to a policy that was in force.
#[derive(Args)]
#[command(after_help = "\
Without --to it is the one before, leaving out those that were gone back from themselves. A stored bundle that has been changed,
or whose signature no longer holds where one is asked for, is refused.

Examples:
  portcullis policy rollback --state state --by jo --reason \"vetoes have doubled\"
  portcullis policy rollback --to 7 --state state --by jo --reason \"as agreed on Monday\"")]
pub(super) struct Arguments {
    /// The revision to go back to. Without it, the one before.
    #[arg(long, value_name = "REVISION")]
    to: Option<u64>,

    /// Who does it.
    #[arg(long, value_name = "NAME")]
    by: String,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Print what is in force as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let active = told::store(options)?.roll_back(arguments.to, &arguments.by, &arguments.reason)?;
    told::tell(&active, arguments.json)
}
