//! `review list`: the cases in the queue.

use super::{Which, rules, short, top_score};
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, Table};
use clap::Args;
use std::process::ExitCode;

/// List cases.
#[derive(Args)]
#[command(after_help = "\
With --json each case is a line: {\"record\": {…}, \"status\": \"pending\", \"rulings\": [{…}]}.

Examples:
  portcullis review list --state state
  portcullis review list --state state --status pending --rule hate --limit 20
  portcullis review list --state state --json | jq -r .record.decision_id

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,

    /// Print a JSON object for each case.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let (_, queue) = super::queue(options)?;
    let cases = queue.list(&arguments.which.filter())?;
    if arguments.json {
        let lines = cases.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        terminal::emit(&lines.iter().flat_map(|line| [line, "\n"]).collect::<String>())?;
        return Ok(ExitCode::SUCCESS);
    }
    if cases.is_empty() {
        terminal::emit("no cases\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table =
        Table::new(&["case", "time", "role", "slice", "rules", "score", "status", "by"], &["score"]);
    for case in &cases {
        table.row([
            short(&case.record.decision_id).to_owned(),
            case.record.time.get(..19).unwrap_or(&case.record.time).to_owned(),
            case.record.role.to_string(),
            terminal::printable(case.record.slice.as_deref().unwrap_or("-")),
            terminal::printable(&rules(case)),
            top_score(case).map_or_else(|| "-".to_owned(), |score| format!("{score:.3}")),
            case.status.to_string(),
            terminal::printable(case.ruling().map_or("-", |ruling| ruling.by.as_str())),
        ]);
    }
    terminal::emit(&table.render())?;
    Ok(ExitCode::SUCCESS)
}
