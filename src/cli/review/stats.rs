//! `review stats`: how many cases wait, and how often the guard held what it need not have.

use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, Table};
use clap::Args;
use portcullis::review::RuleStats;
use std::process::ExitCode;

/// Count cases by status, rule and reviewer.
#[derive(Args)]
#[command(after_help = "\
`released` is the share of decided cases that were approved: what was held and need not have been.

Examples:
  portcullis review stats --state state
  portcullis review stats --state state --json | jq .all.pending

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let (_, queue) = super::queue(options)?;
    let stats = queue.stats()?;
    if arguments.json {
        terminal::emit(&(serde_json::to_string(&stats)? + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    const COLUMNS: [&str; 5] = ["rule", "pending", "approved", "rejected", "released"];
    let mut table = Table::new(&COLUMNS, &COLUMNS[1..]);
    let mut row = |name: String, stats: &RuleStats| {
        table.row([
            name,
            stats.pending.to_string(),
            stats.approved.to_string(),
            stats.rejected.to_string(),
            stats.released().map_or_else(|| "-".to_owned(), |share| format!("{share:.2}")),
        ]);
    };
    for (rule, counts) in &stats.rules {
        row(terminal::printable(rule), counts);
    }
    row("all cases".to_owned(), &stats.all);
    let mut text = table.render();
    if !stats.reviewers.is_empty() {
        let mut table = Table::new(&["reviewer", "approved", "rejected"], &["approved", "rejected"]);
        for (name, counts) in &stats.reviewers {
            table.row([terminal::printable(name), counts.approved.to_string(), counts.rejected.to_string()]);
        }
        text = format!("{text}\n{}", table.render());
    }
    if let Some(time) = stats.oldest_pending {
        text = format!("{text}\nwaiting since {}\n", terminal::printable(&time));
    }
    terminal::emit(&text)?;
    Ok(ExitCode::SUCCESS)
}
