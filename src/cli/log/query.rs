//! `log query`: the entries that fit what is asked for.

use super::time::Period;
use crate::cli::guard_options::GuardOptions;
use crate::cli::input;
use crate::cli::terminal::{self, Table};
use clap::{Args, ValueEnum};
use portcullis::log::{Body, Entry, Query};
use portcullis::{Decision, Role};
use serde::Serialize;
use std::collections::{BTreeSet, VecDeque};
use std::process::ExitCode;

/// Rows shown on a terminal where no limit is given.
const ROWS: usize = 50;

/// Print entries of the log, oldest first.
#[derive(Args)]
#[command(after_help = "\
In a pipe every entry is a line of JSON: a decision record, or an event with its kind in `event`, each with its number in
`seq`. On a terminal they are a table of the newest. Flags are taken together; one that may be given more than once asks for
any of its values. Times are 2031-05-09T14:03:59Z, a day, or how long ago: 90m, 24h, 7d.

Examples:
  portcullis --state ~/.portcullis log query --decision veto --decision escalate --since 7d
  portcullis --state ~/.portcullis log query --rule pii.email --role assistant --limit 20
  portcullis --state ~/.portcullis log query --event any
  portcullis --state ~/.portcullis log query --id 018f3a | jq .findings

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// A decision; may be given more than once.
    #[arg(long, value_name = "DECISION")]
    decision: Vec<DecisionWord>,

    /// A rule that found something; may be given more than once.
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,

    /// The role of the text: user, assistant, tool or system.
    #[arg(long, value_name = "ROLE", value_parser = input::parse_role)]
    role: Option<Role>,

    /// The data slice that the request named.
    #[arg(long, value_name = "SLICE")]
    slice: Option<String>,

    /// The policy, by the first digits of its digest.
    #[arg(long, value_name = "DIGEST")]
    policy_digest: Option<String>,

    /// The same text, by the first digits of its digest.
    #[arg(long, value_name = "DIGEST")]
    text_digest: Option<String>,

    /// The decision, by the first digits of its id.
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Verdicts from which the exception of this id took a finding out.
    #[arg(long, value_name = "ID")]
    exception: Option<String>,

    /// Verdicts with a fault.
    #[arg(long)]
    fault: bool,

    /// Events of this kind, such as policy_activated; `any` for all. May be given more than once.
    #[arg(long, value_name = "KIND")]
    event: Vec<String>,

    #[command(flatten)]
    period: Period,

    /// The newest N of them.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Print JSON on a terminal too.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum DecisionWord {
    Allow,
    Rewrite,
    Escalate,
    Veto,
}

/// An entry as one flat object.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Decision {
        seq: u64,
        #[serde(flatten)]
        record: &'a portcullis::record::DecisionRecord,
    },
    Event {
        seq: u64,
        time: &'a str,
        #[serde(flatten)]
        event: &'a portcullis::log::Event,
    },
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let query = arguments.query();
    let table = terminal::is_interactive() && !arguments.json;
    let limit = arguments.limit.or(table.then_some(ROWS));
    let mut kept: VecDeque<Entry> = VecDeque::new();
    for entry in super::entries(super::state(options)?)? {
        let entry = entry?;
        if !query.matches(&entry) {
            continue;
        }
        match limit {
            None => terminal::emit(&line(&entry)?)?,
            Some(limit) => {
                kept.push_back(entry);
                if kept.len() > limit {
                    kept.pop_front();
                }
            }
        }
    }
    if table {
        terminal::emit(&rows(kept.make_contiguous()))?;
    } else {
        for entry in &kept {
            terminal::emit(&line(entry)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn query(&self) -> Query {
        Query {
            decisions: self.decision.iter().map(|word| Decision::from(*word)).collect(),
            rules: self.rule.clone(),
            role: self.role,
            slice: self.slice.clone(),
            policy: self.policy_digest.clone(),
            id: self.id.clone(),
            text: self.text_digest.clone(),
            exception: self.exception.clone(),
            fault: self.fault,
            events: self.event.clone(),
            ..self.period.query()
        }
    }
}

impl From<DecisionWord> for Decision {
    fn from(word: DecisionWord) -> Self {
        match word {
            DecisionWord::Allow => Self::Allow,
            DecisionWord::Rewrite => Self::Rewrite,
            DecisionWord::Escalate => Self::Escalate,
            DecisionWord::Veto => Self::Veto,
        }
    }
}

fn line(entry: &Entry) -> anyhow::Result<String> {
    let seq = entry.seq;
    let line = match &entry.body {
        Body::Decision(record) => Line::Decision { seq, record },
        Body::Event { time, event } => Line::Event { seq, time, event },
    };
    Ok(serde_json::to_string(&line)? + "\n")
}

fn rows(entries: &[Entry]) -> String {
    let mut table = Table::new(&["entry", "time", "what", "role", "rules", "slice", "id"], &["entry"]);
    for entry in entries {
        let (what, role, rules, slice, id) = match &entry.body {
            Body::Decision(record) => {
                let rules: BTreeSet<&str> = record.findings.iter().map(|found| found.rule.as_str()).collect();
                (
                    record.decision.to_string(),
                    record.role.to_string(),
                    rules.into_iter().collect::<Vec<_>>().join(", "),
                    record.slice.clone().unwrap_or_default(),
                    record.decision_id.clone(),
                )
            }
            Body::Event { event, .. } => {
                (event.kind().to_owned(), String::new(), String::new(), String::new(), String::new())
            }
        };
        let time = entry.body.time().get(..19).unwrap_or_default().to_owned();
        let cells = [entry.seq.to_string(), time, what, role, rules, slice, id];
        table.row(cells.map(|cell| terminal::printable(&cell)));
    }
    table.render()
}
