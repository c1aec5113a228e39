//! `policy history` and `policy active`: what is and was in force.

use super::told;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, printable};
use clap::Args;
use portcullis::store::Change;
use std::process::ExitCode;

/// List every policy that was in force.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis policy history --state state
  portcullis policy history --state state --json | jq -r 'select(.change == \"rolled_back\") | .reason'")]
pub(super) struct HistoryArguments {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Tell which policy is in force.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis policy active --state state
  portcullis policy active --state state --json | jq .revision

Exit status: 0, or 1 when no policy was put in force and the one in the program is, or 2 for an error.")]
pub(super) struct ActiveArguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &HistoryArguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let history = told::store(options)?.history()?;
    if arguments.json {
        let lines: Result<Vec<String>, _> = history.iter().map(serde_json::to_string).collect();
        terminal::emit(&lines?.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = terminal::Table::new(
        &["since", "policy", "version", "revision", "digest", "change", "by", "signed by", "reason"],
        &["revision"],
    );
    for active in &history {
        table.row([
            active.since.clone(),
            active.policy.id.clone(),
            active.policy.version.clone(),
            active.revision.to_string(),
            told::digest(&active.policy).to_owned(),
            match active.change {
                Change::RolledBack => "rollback".to_owned(),
                _ => "activation".to_owned(),
            },
            printable(&active.by),
            active.signed_by.clone().unwrap_or_default(),
            active.reason.as_deref().map(printable).unwrap_or_default(),
        ]);
    }
    terminal::emit(&table.render())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn active(arguments: &ActiveArguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let Some(active) = told::store(options)?.active()? else {
        crate::cli::failure::note("no policy was put in force: the one in the program is");
        return Ok(ExitCode::FAILURE);
    };
    told::tell(&active, arguments.json)
}
