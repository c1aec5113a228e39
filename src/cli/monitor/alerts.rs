//! `monitor alerts`: what is not as it should be.

use super::state_dir;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, Table};
use anyhow::Context as _;
use clap::Args;
use portcullis::monitor::{self, Alert};
use std::process::ExitCode;

/// List the alerts that are there.
#[derive(Args)]
#[command(after_help = "\
Alerts that are over are in the log, and in the file that `[alerts] file` names.

Examples:
  portcullis monitor --state state alerts
  portcullis monitor --state state alerts --json | jq -r .message

Exit status: 0 there is none, 1 there is one, 2 an error.")]
pub(crate) struct Arguments {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let state = monitor::read(state_dir(options)?).context("cannot read what the monitor knows")?;
    let watches = state.iter().flat_map(|state| state.watches());
    let alerts: Vec<&Alert> = watches.flat_map(|watch| watch.alerts()).collect();
    let mut text = String::new();
    if arguments.json {
        for alert in &alerts {
            text.push_str(&serde_json::to_string(alert)?);
            text.push('\n');
        }
    } else if alerts.is_empty() {
        text.push_str("no alert\n");
    } else {
        let mut table = Table::new(&["since", "policy", "alert"], &[]);
        for alert in &alerts {
            let since = jiff::Timestamp::from_second(alert.raised_at)?;
            let policy = format!("{} {}", alert.policy.id, alert.policy.version);
            table.row([since.to_string(), policy, terminal::printable(&alert.message)]);
        }
        text.push_str(&table.render());
    }
    terminal::emit(&text)?;
    Ok(if alerts.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
