//! What people found to be true of decided texts, and how well the scores of each head hold against it.

use std::collections::BTreeMap;

use portcullis_calibration::measure::{Bins, Reliability};
use portcullis_calibration::{Ranking, measure};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::names::Named;

/// Most labels that are held against a log.
pub const MAX_LABELS: usize = 100_000;
/// Bins of a reliability diagram, each with about as many rows as the others.
const BINS: usize = 10;

/// Why a line holds no label.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Not an object with the keys of a label.
    #[error("the row is no label: {source}")]
    Json {
        /// What was found and what was expected.
        source: serde_json::Error,
    },
    /// Keys that say what is true, and none.
    #[error("the row has neither `labels` nor `head` with `label`")]
    Nothing,
    /// A number that is no share.
    #[error("a label is {found}, expected a number in 0..=1")]
    Range {
        /// The number.
        found: f64,
    },
}

/// What is true of the text of one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The decision.
    pub decision_id: String,
    /// Whether the text is positive, by head.
    pub heads: BTreeMap<String, bool>,
}

#[derive(Deserialize)]
struct Row {
    decision_id: String,
    #[serde(default)]
    labels: BTreeMap<String, f64>,
    head: Option<String>,
    label: Option<f64>,
}

impl Label {
    /// Reads a row: `decision_id`, and `labels` (or `head` and `label`) as in the rows of `eval`; other keys are passed over.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn parse(row: &[u8]) -> Result<Self, LabelError> {
        let row: Row = serde_json::from_slice(row).map_err(|source| LabelError::Json { source })?;
        let mut labels = row.labels;
        if let (Some(head), Some(label)) = (row.head, row.label) {
            labels.insert(head, label);
        }
        if let Some(&found) = labels.values().find(|label| !(0.0..=1.0).contains(*label)) {
            return Err(LabelError::Range { found });
        }
        if labels.is_empty() {
            return Err(LabelError::Nothing);
        }
        let heads = labels.into_iter().map(|(head, label)| (head, label >= 0.5)).collect();
        Ok(Self { decision_id: row.decision_id, heads })
    }
}

/// How well the scores of a head hold as probabilities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadReliability {
    /// The head.
    pub head: String,
    /// Positive rows.
    pub positives: u64,
    /// Negative rows.
    pub negatives: u64,
    /// The bins, and the expected calibration error.
    pub reliability: Reliability,
}

/// Scores and labels of each head.
#[derive(Clone, Debug, Default)]
pub(super) struct Labelled(Named<(Vec<f32>, Vec<bool>)>);

impl Labelled {
    /// Adds a decision's scores with what is true of its text.
    pub(super) fn add(&mut self, scores: &BTreeMap<String, f32>, heads: &BTreeMap<String, bool>) {
        for (head, &positive) in heads {
            // A score outside 0..=1 is no probability; a log from outside may hold one.
            if let Some(score) = scores.get(head).filter(|score| (0.0..=1.0).contains(*score)) {
                let (scores, labels) = self.0.of(head);
                scores.push(*score);
                labels.push(positive);
            }
        }
    }

    /// The reliability of each head with rows.
    pub(super) fn reliability(&self) -> Vec<HeadReliability> {
        let of = |head: &String, scores: &[f32], labels: &[bool]| {
            let ranking = Ranking::new(scores, labels).ok()?;
            let reliability = measure::reliability(&ranking, Bins::EqualMass(BINS)).ok()?;
            let (positives, negatives) = (ranking.positives(), ranking.negatives());
            Some(HeadReliability { head: head.clone(), positives, negatives, reliability })
        };
        self.0.iter().filter_map(|(head, (scores, labels))| of(head, scores, labels)).collect()
    }
}
