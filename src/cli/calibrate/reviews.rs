//! Reviewed cases, and the log's everyday traffic, as rows: their logits follow from the scores of their records.

use super::rows::{Labels, Rows};
use crate::cli::data::Data;
use anyhow::{Context as _, anyhow, ensure};
use portcullis::log::{self, Body};
use portcullis::record::DecisionRecord;
use portcullis::{Coverage, Decision, Guard, Role};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The least and the greatest score that stand for a finite logit.
const SCORES: (f32, f32) = (f32::MIN_POSITIVE, 1.0 - f32::EPSILON / 2.0);

/// Cases with labels.
#[derive(Default)]
pub(super) struct Reviewed {
    pub(super) cases: Vec<Case>,
    /// Cases and traffic scored by another calibration, left out.
    pub(super) others: usize,
    /// Innocent traffic from the log.
    pub(super) traffic: usize,
}

/// One labelled case.
#[derive(Deserialize)]
pub(super) struct Case {
    decision_id: String,
    #[serde(default)]
    pub(super) role: Role,
    #[serde(default)]
    scores: BTreeMap<String, f32>,
    #[serde(default)]
    labels: BTreeMap<String, f32>,
    calibration: Option<String>,
    /// Whether a person would have released the text; unknown where absent.
    outcome: Option<Outcome>,
    /// A logit for each head of the bundle.
    #[serde(skip)]
    pub(super) logits: Vec<f32>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Approve,
    Reject,
}

impl Case {
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }
}

impl Reviewed {
    /// Reads the rows of `review export --with-scores`.
    ///
    /// # Errors
    /// When a row is none; the message tells its line.
    pub(super) fn from_file(guard: &Guard, file: &Path) -> anyhow::Result<Self> {
        let mut data = Data::open(file, "reading reviews")?;
        let mut reviewed = Self::default();
        while let Some(line) = data.next_row()? {
            let case = serde_json::from_slice::<Case>(&line).map_err(|error| {
                anyhow!(
                    "{}: at column {}: expected a row of `review export --with-scores`",
                    data.place(),
                    error.column()
                )
            })?;
            reviewed.add(guard, case).with_context(|| data.place())?;
        }
        Ok(reviewed)
    }

    /// Reads the labelled cases of a state directory's queue.
    ///
    /// # Errors
    /// When there is no queue, or it cannot be read.
    #[cfg(feature = "review")]
    pub(super) fn from_queue(guard: &Guard, state: &Path) -> anyhow::Result<Self> {
        use portcullis::review::{self, Filter, Queue};
        let queue = Queue::open_existing(state)?
            .with_context(|| format!("{} has no review queue", state.display()))?;
        let mut reviewed = Self::default();
        for case in queue.list(&Filter::default())? {
            let Some(ruling) = case.ruling() else { continue };
            let outcome = match ruling.outcome {
                review::Outcome::Approve => Outcome::Approve,
                review::Outcome::Reject => Outcome::Reject,
            };
            let (labels, record) = (ruling.labels.clone(), case.record);
            let case = Case { labels, outcome: Some(outcome), ..Case::of(record) };
            let id = case.decision_id.clone();
            reviewed.add(guard, case).with_context(|| format!("case {id}"))?;
        }
        Ok(reviewed)
    }

    /// Reads nothing.
    ///
    /// # Errors
    /// Always: a build without the feature `review` knows no queue.
    #[cfg(not(feature = "review"))]
    pub(super) fn from_queue(_: &Guard, _: &Path) -> anyhow::Result<Self> {
        anyhow::bail!(
            "this build has no review queue: expected one with the feature `review`, or --review-labels"
        )
    }

    /// Takes what the log of a state directory says was allowed for innocent everyday traffic: it joins `rows`.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(super) fn add_traffic(&mut self, guard: &Guard, state: &Path, rows: &mut Rows) -> anyhow::Result<()> {
        let digest = calibration_digest(guard);
        let known: BTreeSet<String> = self.cases.iter().map(|case| case.decision_id.clone()).collect();
        for entry in log::read(state)? {
            let Body::Decision(record) = entry?.body else { continue };
            // Of a part, or of an exit, the scores are not those of the whole model.
            let whole =
                record.coverage == Coverage::Full && record.exit.is_none() && !record.scores.is_empty();
            if record.decision != Decision::Allow || !whole || known.contains(&record.decision_id) {
                continue;
            }
            let case = Case::of(*record);
            match logits(guard, &case)? {
                Some(logits) if case.calibration == digest => {
                    rows.push(Labels::Innocent, logits);
                    self.traffic += 1;
                }
                _ => self.others += 1,
            }
        }
        Ok(())
    }

    /// Adds the cases to the rows.
    ///
    /// # Errors
    /// When there is no other row: cases are texts that were held, and say nothing of how many others would be.
    pub(super) fn join(&self, guard: &Guard, rows: &mut Rows) -> anyhow::Result<()> {
        ensure!(
            !rows.labels.is_empty(),
            "there are reviewed cases only, which are texts that were held: expected everyday traffic beside them, as DATA.jsonl or, \
             with --benign, in the log of --reviews"
        );
        let mut hasher = blake3::Hasher::new();
        hasher.update(rows.digest.as_bytes());
        let columns: BTreeMap<&str, usize> =
            guard.heads().iter().enumerate().map(|(column, head)| (head.name.as_str(), column)).collect();
        for case in &self.cases {
            hasher.update(case.decision_id.as_bytes());
            let mut known = BTreeMap::new();
            for (head, label) in &case.labels {
                hasher.update(format!(" {head}={label}").as_bytes());
                known.extend(columns.get(head.as_str()).map(|column| (*column, *label)));
            }
            hasher.update(b"\n");
            rows.push(Labels::Known(known), case.logits.clone());
        }
        rows.digest = hasher.finalize().to_hex().to_string();
        Ok(())
    }

    fn add(&mut self, guard: &Guard, mut case: Case) -> anyhow::Result<()> {
        ensure!(
            case.labels.values().all(|label| (0.0..=1.0).contains(label)),
            "a label out of range: expected a number in 0..=1"
        );
        if case.labels.is_empty() {
            return Ok(());
        }
        match logits(guard, &case)? {
            Some(logits) if case.calibration == calibration_digest(guard) => {
                case.logits = logits;
                self.cases.push(case);
            }
            _ => self.others += 1,
        }
        Ok(())
    }
}

impl Case {
    fn of(record: DecisionRecord) -> Self {
        Self {
            decision_id: record.decision_id,
            role: record.role,
            scores: record.scores,
            labels: BTreeMap::new(),
            calibration: record.calibration,
            outcome: None,
            logits: Vec::new(),
        }
    }
}

/// The digest of the calibration in use, as records name it.
fn calibration_digest(guard: &Guard) -> Option<String> {
    let bundle = guard.bundle();
    bundle.file(&bundle.manifest().calibration).map(|file| file.blake3.clone())
}

/// A logit for each head, from the scores; nothing where a head has none.
fn logits(guard: &Guard, case: &Case) -> anyhow::Result<Option<Vec<f32>>> {
    let calibration = guard.bundle().calibration();
    let mut logits = Vec::with_capacity(guard.heads().len());
    for head in guard.heads() {
        let Some(score) = case.scores.get(&head.name) else { return Ok(None) };
        ensure!((0.0..=1.0).contains(score), "a score out of range: expected a number in 0..=1");
        logits.push(calibration.head(&head.name)?.curve.invert(score.clamp(SCORES.0, SCORES.1)));
    }
    Ok(Some(logits))
}
