//! What the graph is made of: policies, the model, and a stretch of the log.

use super::super::data::Data;
use super::super::guard_options::GuardOptions;
use super::super::time::time;
use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use portcullis::exception::{Exceptions, Sources};
use portcullis::graph::{Builder, Component, Graph};
use portcullis::log::{self, Body, Entry};
use portcullis::policy::{Policy, scenarios};
use portcullis::record::DecisionRecord;
use portcullis::store::Store;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Which part of the log the graph has.
#[derive(Args)]
pub(super) struct SourceOptions {
    /// Take in this many of the latest decisions, and all other events.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    limit: u32,

    /// Leave out what happened before: a day of UTC, such as 2026-11-01, or a time, such as 2026-11-01T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,

    /// Take in this file of records, as --record writes it, in place of a state directory's log.
    #[arg(long, value_name = "FILE.jsonl")]
    records: Option<PathBuf>,
}

impl SourceOptions {
    /// The graph.
    ///
    /// # Errors
    /// When a policy, the model or the log cannot be read.
    pub(super) fn graph(&self, options: &GuardOptions) -> anyhow::Result<Graph> {
        let mut builder = Builder::new();
        policies(options, &mut builder)?;
        model(options, &mut builder)?;
        let mut kept = Kept { limit: self.limit as usize, since: self.since, decisions: VecDeque::new() };
        match (&self.records, options.state()) {
            (Some(records), _) => read_records(records, &mut kept, &mut builder)?,
            (None, Some(state)) => {
                for entry in log::read(state)? {
                    kept.take(entry?, &mut builder);
                }
            }
            (None, None) => {}
        }
        kept.decisions.iter().for_each(|entry| builder.entry(entry));
        Ok(builder.finish()?)
    }
}

/// Every policy that was in force, and the one that is: the one asked for, the state directory's, or the program's.
fn policies(options: &GuardOptions, builder: &mut Builder) -> anyhow::Result<()> {
    let mut path = None;
    if let Some(state) = options.state() {
        let store = Store::open(state)?;
        for active in store.history()? {
            builder.activation(&active);
            // A policy of the history may have been cleared away; that it was in force is still told.
            if let Ok(policy) = Policy::open(&active.path) {
                add(builder, &policy, Some(&active.path), false)?;
            }
        }
        path = store.active()?.map(|active| active.path);
    }
    let path = options.policy_path().map(Path::to_owned).or(path);
    let policy = options.in_force()?;
    let sources = Sources::new(options.state(), path.as_deref().filter(|path| path.is_dir()));
    for exception in Exceptions::read(&sources, SystemTime::now()).list() {
        builder.exception(exception, policy.digest());
    }
    add(builder, &policy, path.as_deref(), true)
}

/// A policy with the tests beside it; the one in the program has none.
fn add(builder: &mut Builder, policy: &Policy, path: Option<&Path>, in_force: bool) -> anyhow::Result<()> {
    builder.policy(policy, in_force);
    if let Some(path) = path {
        builder.tests(policy, &scenarios(path, policy)?);
    }
    Ok(())
}

fn model(options: &GuardOptions, builder: &mut Builder) -> anyhow::Result<()> {
    let inspection = options.aside().guard()?.inspect();
    let weights = inspection.files.iter().find(|file| file.path.ends_with(".safetensors"));
    let heads: Vec<String> = inspection.heads.into_iter().map(|head| head.name).collect();
    builder.component(&Component {
        model: &inspection.model,
        calibration: &inspection.calibration_digest,
        weights: weights.map(|file| file.blake3.as_str()),
        heads: &heads,
    });
    Ok(())
}

/// Events as they come, and the latest decisions.
struct Kept {
    limit: usize,
    since: Option<Timestamp>,
    decisions: VecDeque<Entry>,
}

impl Kept {
    fn take(&mut self, entry: Entry, builder: &mut Builder) {
        let (time, is_decision) = match &entry.body {
            Body::Decision(record) => (&record.time, true),
            Body::Event { time, .. } => (time, false),
        };
        let early = |since: Timestamp| time.parse::<Timestamp>().is_ok_and(|time| time < since);
        if self.since.is_some_and(early) {
            return;
        }
        if !is_decision {
            builder.entry(&entry);
            return;
        }
        self.decisions.push_back(entry);
        if self.decisions.len() > self.limit {
            self.decisions.pop_front();
        }
    }
}

fn read_records(path: &Path, kept: &mut Kept, builder: &mut Builder) -> anyhow::Result<()> {
    let mut rows = Data::open(path, "Records")?;
    while let Some(row) = rows.next_row()? {
        let record: DecisionRecord =
            serde_json::from_slice(&row).with_context(|| format!("{}: not a record", rows.place()))?;
        kept.take(Entry { seq: rows.line() - 1, body: Body::Decision(Box::new(record)) }, builder);
    }
    Ok(())
}
