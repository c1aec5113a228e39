//! `log replay`: every decision made again from its record.

use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, Table};
use clap::Args;
use portcullis::log::{Body, Query};
use portcullis::record::DecisionRecord;
use portcullis::replay::{Replayed, differences};
use portcullis::{Decision, Guard, ReplayError};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Most verdicts that are named where they come out otherwise.
const MOST: usize = 20;

/// Make every decision of the log again from its record.
#[derive(Args)]
#[command(after_help = "\
The policy, by --policy or the one in force, weighs again what the rails saw. Records that it made itself must come out the
same, bit for bit. With --policy the others are weighed by it too, and it is shown which would come out otherwise; what it
would rewrite is then taken to pass the second look, and what only its own lists, schemas, tools and heads would find is not
known. Records of another model or calibration are passed over: give --models or --calibration to replay those.

Examples:
  portcullis --state ~/.portcullis log replay
  portcullis --state ~/.portcullis log replay --policy candidate.toml --since 7d
  portcullis --state ~/.portcullis log replay --policy candidate.toml --json | jq -r '.flips[].decision_id'

Exit status: 0, 1 when a decision of the same policy comes out otherwise, 2 an error.")]
pub(super) struct Arguments {
    /// From this time on.
    #[arg(long, value_name = "TIME", value_parser = super::time::parse)]
    since: Option<String>,

    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = super::time::parse)]
    until: Option<String>,

    /// Print one JSON object, with every verdict that comes out otherwise.
    #[arg(long)]
    json: bool,
}

/// What came out.
#[derive(Default, Serialize)]
struct Outcome {
    /// Verdicts of the same policy that came out the same.
    same: u64,
    /// Verdicts of other policies that this one decides alike.
    alike: u64,
    /// Verdicts of other policies that this one decides otherwise.
    flips: Vec<Change>,
    /// Verdicts of the same policy that came out otherwise.
    differences: Vec<Change>,
    /// Verdicts that were passed over, by the reason.
    passed_over: BTreeMap<String, u64>,
}

/// A verdict that comes out otherwise.
#[derive(Serialize)]
struct Change {
    decision_id: String,
    from: Decision,
    to: Decision,
    /// The rules that find something now.
    rules: BTreeSet<String>,
    /// Whether a rewrite is only taken to pass the second look.
    assumed: bool,
    /// What is not the same.
    #[serde(skip_serializing_if = "String::is_empty")]
    what: String,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let state = options.state()?;
    super::exists(state)?;
    let guard = options.unrecorded().guard()?;
    let query = Query { since: arguments.since.clone(), until: arguments.until.clone(), ..Query::default() };
    let mut outcome = Outcome::default();
    for entry in super::entries(state)? {
        let entry = entry?;
        if let Body::Decision(record) = &entry.body
            && query.matches(&entry)
        {
            outcome.add(&guard, record, options.has_policy());
        }
    }
    terminal::emit(&if arguments.json {
        serde_json::to_string(&outcome)? + "\n"
    } else {
        outcome.readable(&guard)
    })?;
    Ok(if outcome.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

impl Outcome {
    fn add(&mut self, guard: &Guard, record: &DecisionRecord, others: bool) {
        let same = record.policy.digest == guard.policy().policy().digest();
        if !same && !others {
            let policy = &record.policy;
            let digest = policy.digest.get(..12).unwrap_or(&policy.digest);
            return self.pass_over(format!("of the policy {} {} ({digest})", policy.id, policy.version));
        }
        match guard.replay(record) {
            Ok(replayed) if same => {
                let what = differences(record, &replayed);
                if what.is_empty() {
                    self.same += 1;
                } else {
                    let what: Vec<String> =
                        what.iter().map(|what| format!("{what:?}").to_lowercase()).collect();
                    self.differences.push(Change::new(record, &replayed, what.join(", ")));
                }
            }
            Ok(replayed) if replayed.decision == record.decision => self.alike += 1,
            Ok(replayed) => self.flips.push(Change::new(record, &replayed, String::new())),
            Err(ReplayError::NoEvidence) => {
                self.pass_over("without evidence, of an earlier version".to_owned())
            }
            Err(ReplayError::OtherModel { found, .. }) => {
                self.pass_over(format!("of another model or calibration ({found})"));
            }
            Err(error) => {
                self.differences.push(Change {
                    decision_id: record.decision_id.clone(),
                    from: record.decision,
                    to: record.decision,
                    rules: BTreeSet::new(),
                    assumed: false,
                    what: error.to_string(),
                });
            }
        }
    }

    fn pass_over(&mut self, why: String) {
        *self.passed_over.entry(why).or_default() += 1;
    }

    fn readable(&self, guard: &Guard) -> String {
        let policy = guard.policy().policy();
        let mut text = format!(
            "policy {} {} ({})\n{} verdicts of it replayed: {}\n",
            policy.id(),
            policy.version(),
            policy.digest().get(..12).unwrap_or_default(),
            self.same + self.differences.len() as u64,
            match self.differences.len() {
                0 => "all the same".to_owned(),
                count => format!("{count} come out otherwise"),
            }
        );
        if self.alike > 0 || !self.flips.is_empty() {
            let all = self.alike + self.flips.len() as u64;
            let _ = writeln!(text, "{all} of other policies: {} would come out otherwise", self.flips.len());
        }
        for (why, count) in &self.passed_over {
            let _ = writeln!(text, "{count} passed over, {}", terminal::printable(why));
        }
        for changes in [&self.differences, &self.flips] {
            text.push_str(&table(changes));
        }
        text
    }
}

impl Change {
    fn new(record: &DecisionRecord, replayed: &Replayed, what: String) -> Self {
        Self {
            decision_id: record.decision_id.clone(),
            from: record.decision,
            to: replayed.decision,
            rules: replayed.findings.iter().map(|finding| finding.rule.clone()).collect(),
            assumed: replayed.assumed,
            what,
        }
    }
}

fn table(changes: &[Change]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["decision", "was", "is", "rules now", "what"], &[]);
    for change in changes.iter().take(MOST) {
        let rules: Vec<&str> = change.rules.iter().map(String::as_str).collect();
        let cells = [
            change.decision_id.clone(),
            change.from.to_string(),
            format!("{}{}", change.to, if change.assumed { " (taken to pass)" } else { "" }),
            rules.join(", "),
            change.what.clone(),
        ];
        table.row(cells.map(|cell| terminal::printable(&cell)));
    }
    let more = changes.len().saturating_sub(MOST);
    if more > 0 { format!("{}… and {more} more\n", table.render()) } else { table.render() }
}
