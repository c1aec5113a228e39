//! `report`: what a log says, as one page and as numbers.

mod source;

use super::data::Data;
use super::guard_options::GuardOptions;
use super::time::time;
use super::{failure, terminal};
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use jiff::Timestamp;
use portcullis::report::{
    Aggregate, BRAND_CATEGORIES, Label, MAX_LABELS, PolicyRule, Report, Settings, html,
};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Report on a decision log: key figures, trends, rules, data slices, reliability, reviews, exceptions and policies.
#[derive(Args)]
#[command(after_help = "\
The page is one file that opens from disk: no script, nothing loaded, nothing but its own style sheet allowed.
Without --records the log of --state DIR is read and verified. docs/report.md tells every figure.

Examples:
  portcullis report --state state --out report.html
  portcullis report --state state --out november.html --since 2026-11-01 --until 2026-12-01
  portcullis report --state state --json | jq '.kpis[] | {id, value, low, high}'
  portcullis report --records records.jsonl --labels labels.jsonl --out report.html

Exit status: 0, 1 when the log does not hold, 2 for an error.")]
pub(super) struct Arguments {
    /// Write the page to this file.
    #[arg(long, value_name = "FILE.html", required_unless_present = "json")]
    out: Option<PathBuf>,

    /// Print the numbers as one JSON object.
    #[arg(long)]
    json: bool,

    /// Leave out what happened before: a day of UTC, such as 2026-11-01, or a time, such as 2026-11-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,

    /// Leave out what happened then or later.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,

    /// The time that the report is made for, from which waiting and expiry are counted. Without it, now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,

    /// The heading of the page.
    #[arg(long, value_name = "TEXT", default_value = "Portcullis report")]
    title: String,

    /// What is true of decided texts: rows with a `decision_id` and `labels`, as `review export` writes them.
    #[arg(long, value_name = "FILE.jsonl")]
    labels: Option<PathBuf>,

    /// Read this file of records, as --record writes it, in place of a state directory's log.
    #[arg(long, value_name = "FILE.jsonl")]
    records: Option<PathBuf>,

    /// A category that counts against the brand in an assistant's text; may be given more than once.
    #[arg(long, value_name = "CATEGORY", default_values = BRAND_CATEGORIES)]
    brand: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    if let (Some(since), Some(until)) = (arguments.since, arguments.until) {
        ensure!(since < until, "--since is not before --until");
    }
    let held_against = options.has_policy() || arguments.records.is_none();
    let policy_rules = if held_against { PolicyRule::of(&options.in_force()?) } else { Vec::new() };
    let mut aggregate = Aggregate::new(Settings {
        title: arguments.title.clone(),
        at: arguments.at.unwrap_or_else(Timestamp::now),
        since: arguments.since,
        until: arguments.until,
        brand_categories: arguments.brand.clone(),
        policy_rules,
    });
    if let Some(path) = &arguments.labels {
        labels(path, &mut aggregate)?;
    }
    let verification = match (&arguments.records, options.state()) {
        (Some(records), _) => {
            source::records(records, &mut aggregate)?;
            None
        }
        (None, Some(state)) => source::log(state, options.policy_path(), &mut aggregate)?,
        (None, None) => bail!("nothing to report on: expected --state DIR or --records FILE"),
    };
    let mut report = aggregate.finish(verification);
    if arguments.records.is_none() {
        match source::monitor(options) {
            Ok(monitor) => report.monitor = monitor,
            // The rest of the report does not rest on it.
            Err(error) => report.monitor_problem = Some(error.root_cause().to_string()),
        }
    }
    if let Some(path) = &arguments.out {
        write(path, &report)?;
    }
    if arguments.json {
        terminal::emit(&(serde_json::to_string(&report)? + "\n"))?;
    }
    if !report.audit.is_broken() {
        return Ok(ExitCode::SUCCESS);
    }
    failure::note("the log does not hold: the report says where");
    Ok(ExitCode::FAILURE)
}

fn labels(path: &Path, aggregate: &mut Aggregate) -> anyhow::Result<()> {
    let mut rows = Data::open(path, "Labels")?;
    while let Some(row) = rows.next_row()? {
        if row.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let label = Label::parse(&row).with_context(|| rows.place())?;
        ensure!(aggregate.label(label), "{}: more than {MAX_LABELS} labels", rows.place());
    }
    Ok(())
}

/// The page takes the file's place in one step: a reader finds the old one or the new one.
fn write(path: &Path, report: &Report) -> anyhow::Result<()> {
    let page = html::page(report)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    std::fs::write(&beside, page)
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
