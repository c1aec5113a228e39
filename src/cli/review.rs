//! `review`: people decide the texts that were held for them.

mod decide;
mod export;
mod interface;
mod list;
mod show;
mod stats;
mod texts;

use super::guard_options::GuardOptions;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use portcullis::installation::Installation;
use portcullis::log::{Event, Log};
use portcullis::record::timestamp;
use portcullis::review::{Case, Filter, Outcome, Queue, Ruling, Status};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

/// Decide the texts that were held for a person.
#[derive(Args)]
#[command(after_help = "\
Every verdict `escalate` of a guard with --state puts a case into the queue of the state directory: its record, without the text.
Without a subcommand, this is a terminal interface to them.

Examples:
  portcullis review --state state --by ana
  portcullis review list --state state --status pending
  portcullis review show 019a4b --state state --text-file letter.txt
  portcullis review decide 019a4b approve --state state --by ana --reason \"a quotation\" --label toxicity=0
  portcullis review export --state state --with-scores --out labels.jsonl

docs/review.md tells how it goes on from there.")]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    interface: interface::Options,
}

#[derive(Subcommand)]
enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Decide(decide::Arguments),
    Stats(stats::Arguments),
    Export(export::Arguments),
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Some(Command::List(arguments)) => list::run(arguments, options),
        Some(Command::Show(arguments)) => show::run(arguments, options),
        Some(Command::Decide(arguments)) => decide::run(arguments, options),
        Some(Command::Stats(arguments)) => stats::run(arguments, options),
        Some(Command::Export(arguments)) => export::run(arguments, options),
        None => interface::run(&arguments.interface, options),
    }
}

/// Which cases are meant.
#[derive(Args, Default)]
struct Which {
    /// Only cases of this status: pending, approved or rejected.
    #[arg(long, value_name = "STATUS", value_parser = parse_status)]
    status: Option<Status>,

    /// Only cases with a finding of this rule.
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,

    /// Only cases in this data slice.
    #[arg(long, value_name = "SLICE")]
    slice: Option<String>,

    /// No more than this many, the oldest first.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Which {
    fn filter(&self) -> Filter {
        let Self { status, rule, slice, limit } = self;
        Filter { status: *status, rule: rule.clone(), slice: slice.clone(), limit: *limit }
    }
}

fn parse_status(word: &str) -> Result<Status, String> {
    word.parse::<Status>().map_err(|error| error.to_string())
}

/// The state directory and its queue.
///
/// # Errors
/// When no state directory was named, or it cannot have a queue.
fn queue(options: &GuardOptions) -> anyhow::Result<(PathBuf, Queue)> {
    let state = options.state().context("no state directory: expected --state DIR, which holds the queue")?;
    anyhow::ensure!(state.is_dir(), "{} is no directory", state.display());
    Ok((state.to_owned(), Queue::open(state)?))
}

/// What a person says of a case.
struct Said {
    outcome: Outcome,
    by: String,
    reason: String,
    labels: BTreeMap<String, f32>,
    note: Option<String>,
}

/// Decides a case, and notes it in the log.
///
/// # Errors
/// When it cannot be decided, or cannot be logged: it is decided then.
fn settle(state: &Path, queue: &Queue, id: &str, said: Said, overrule: bool) -> anyhow::Result<Case> {
    let Said { outcome, by, reason, labels, note } = said;
    let ruling = Ruling { outcome, by, reason, labels, note, time: timestamp(SystemTime::now())? };
    let case = queue.decide(id, &ruling, overrule)?;
    let settings = Installation::read(state)?.log;
    if settings.enabled {
        let event = Event::ReviewDecided {
            decision_id: case.record.decision_id.clone(),
            outcome: outcome.as_str().to_owned(),
            by: ruling.by,
            reason: ruling.reason,
            labels: ruling.labels.iter().map(|(head, label)| format!("{head}={label}")).collect(),
        };
        let logged = Log::open(state, &settings).and_then(|log| log.append_event(event));
        logged.context("the case is decided, but that is not in the log")?;
    }
    Ok(case)
}

/// The first digits of a decision's id, as people write them.
fn short(id: &str) -> &str {
    id.get(..16).unwrap_or(id)
}

/// The rules of a case, the strongest action first, each once.
fn rules(case: &Case) -> String {
    let mut findings: Vec<_> = case.record.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.action));
    let mut rules: Vec<&str> = Vec::new();
    for finding in findings {
        if !rules.contains(&finding.rule.as_str()) {
            rules.push(&finding.rule);
        }
    }
    if rules.is_empty() {
        let reasons = case.record.coverage_reasons.iter();
        let words = reasons.filter_map(|reason| serde_json::to_value(reason).ok());
        let words: Vec<String> = words.filter_map(|word| Some(word.as_str()?.to_owned())).collect();
        return if words.is_empty() { "fault".to_owned() } else { format!("({})", words.join(", ")) };
    }
    rules.join(", ")
}

/// The greatest score of a case's findings.
fn top_score(case: &Case) -> Option<f32> {
    case.record.findings.iter().map(|finding| finding.score).max_by(f32::total_cmp)
}
