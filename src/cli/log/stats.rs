//! `log stats`: how many verdicts of what kind, and how long they took.

use super::time::Period;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, Table};
use clap::{Args, ValueEnum};
use portcullis::log::{Body, Grouping, Stats, Summary};
use std::process::ExitCode;

/// Count the verdicts of the log.
#[derive(Args)]
#[command(after_help = "\
By rule, a verdict counts for each rule that found something in its text, and one without findings for `-`.

Examples:
  portcullis --state ~/.portcullis log stats
  portcullis --state ~/.portcullis log stats --by rule --since 7d
  portcullis --state ~/.portcullis log stats --by day --json | jq '.[] | [.group, .veto_rate]'

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// What to count by.
    #[arg(long, value_name = "BY", default_value = "all")]
    by: By,

    #[command(flatten)]
    period: Period,

    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// All together.
    All,
    /// The rules that found something.
    Rule,
    /// The data slice.
    Slice,
    /// The role of the text.
    Role,
    /// The policy.
    Policy,
    /// The model.
    Model,
    /// The day, in UTC.
    Day,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let query = arguments.period.query();
    let mut stats = Stats::new(match arguments.by {
        By::All => Grouping::All,
        By::Rule => Grouping::Rule,
        By::Slice => Grouping::Slice,
        By::Role => Grouping::Role,
        By::Policy => Grouping::Policy,
        By::Model => Grouping::Model,
        By::Day => Grouping::Day,
    });
    for entry in super::entries(super::state(options)?)? {
        let entry = entry?;
        if let Body::Decision(record) = &entry.body
            && query.matches(&entry)
        {
            stats.add(record);
        }
    }
    let summaries = stats.summaries();
    terminal::emit(&if arguments.json {
        serde_json::to_string(&summaries)? + "\n"
    } else {
        table(&summaries)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn table(summaries: &[Summary]) -> String {
    const COLUMNS: [&str; 11] = [
        "group", "verdicts", "allow", "rewrite", "escalate", "veto", "held", "faults", "covered", "p50 ms",
        "p99 ms",
    ];
    let mut table = Table::new(&COLUMNS, &COLUMNS[1..]);
    for one in summaries {
        table.row([
            terminal::printable(&one.group),
            one.verdicts.to_string(),
            one.allow.to_string(),
            one.rewrite.to_string(),
            one.escalate.to_string(),
            one.veto.to_string(),
            format!("{:.2}%", 100.0 * one.held_rate),
            one.faults.to_string(),
            format!("{:.1}%", 100.0 * one.full_coverage),
            format!("{:.2}", one.p50_us as f64 / 1e3),
            format!("{:.2}", one.p99_us as f64 / 1e3),
        ]);
    }
    table.render()
}
