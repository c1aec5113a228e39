//! `log replay`: every decision made again from its record.

use super::time::Period;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, Table};
use clap::Args;
use portcullis::log::Body;
use portcullis::policy::Policy;
use portcullis::record::DecisionRecord;
use portcullis::replay::{Replayed, differences};
use portcullis::store::{Store, Trust};
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
Without --policy each record is weighed by the policy that it names, which is looked for in the state directory, and must come
out the same, bit for bit. With --policy all records are weighed by that one, and it is shown which would come out otherwise;
what it would rewrite is then taken to pass the second look, and what only its own lists, schemas, tools and heads would find
is not known. Records of another model or calibration are passed over: give --models or --calibration to replay those.

Examples:
  portcullis --state ~/.portcullis log replay
  portcullis --state ~/.portcullis log replay --policy candidate.toml --since 7d
  portcullis --state ~/.portcullis log replay --policy candidate.toml --json | jq -r '.flips[].decision_id'

Exit status: 0, 1 when a decision of the same policy comes out otherwise, 2 an error.")]
pub(super) struct Arguments {
    #[command(flatten)]
    period: Period,

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
    let state = super::state(options)?;
    super::exists(state)?;
    let guard = options.unrecorded().replaying()?;
    let packed = options.own_image()?;
    let packed = packed.map(|(image, vouched)| image.policy(&vouched, &Trust::default())).transpose()?;
    let mut past = Past { guard: &guard, packed, store: Store::open(state)?, known: BTreeMap::new() };
    let query = arguments.period.query();
    let mut outcome = Outcome::default();
    for entry in super::entries(state)? {
        let entry = entry?;
        if let Body::Decision(record) = &entry.body
            && query.matches(&entry)
        {
            match options.has_policy() {
                true => outcome.add(&guard, record),
                false => match past.guard(record) {
                    Some(guard) => outcome.add(guard, record),
                    None => outcome.pass_over(unknown(record)),
                },
            }
        }
    }
    terminal::emit(&if arguments.json {
        serde_json::to_string(&outcome)? + "\n"
    } else {
        outcome.readable(options.has_policy().then_some(&guard))
    })?;
    Ok(if outcome.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The policies that records name.
struct Past<'a> {
    guard: &'a Guard,
    /// The policy that is packed into this program.
    packed: Option<Policy>,
    store: Store,
    /// By digest; nothing for one that is not known.
    known: BTreeMap<String, Option<Guard>>,
}

impl Past<'_> {
    /// A guard with the policy that made a record: the one in force, the program's own, or one that was in force before.
    fn guard(&mut self, record: &DecisionRecord) -> Option<&Guard> {
        let digest = &record.policy.digest;
        if !self.known.contains_key(digest) {
            let policy = self.policy(digest);
            let guard = policy.and_then(|policy| self.guard.with_policy(&policy).ok());
            self.known.insert(digest.clone(), guard);
        }
        self.known.get(digest)?.as_ref()
    }

    fn policy(&self, digest: &str) -> Option<Policy> {
        let in_force = self.guard.policy().policy();
        let embedded = Policy::embedded().ok();
        let own = [Some(in_force.clone()), self.packed.clone(), embedded].into_iter().flatten();
        let stored = self.store.history().unwrap_or_default().into_iter();
        let stored = stored.filter(|active| active.policy.digest == digest);
        // Nobody has to vouch for what decides nothing; the digest says that it is the same.
        let stored = stored.filter_map(|active| Policy::open(&active.path).ok());
        own.chain(stored).find(|policy| policy.digest() == digest)
    }
}

fn unknown(record: &DecisionRecord) -> String {
    let policy = &record.policy;
    let digest = policy.digest.get(..12).unwrap_or(&policy.digest);
    format!("of the policy {} {} ({digest}), which is not here", policy.id, policy.version)
}

impl Outcome {
    fn add(&mut self, guard: &Guard, record: &DecisionRecord) {
        let same = record.policy.digest == guard.policy().policy().digest();
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

    /// What a person reads; `guard` is that of a policy that was asked for.
    fn readable(&self, guard: Option<&Guard>) -> String {
        let mut text = String::new();
        if let Some(policy) = guard.map(|guard| guard.policy().policy()) {
            let digest = policy.digest().get(..12).unwrap_or_default();
            let _ = writeln!(text, "policy {} {} ({digest})", policy.id(), policy.version());
        }
        let _ = writeln!(
            text,
            "{} verdicts replayed under their own policy: {}",
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
