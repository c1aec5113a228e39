//! What was known of a text when it was decided about: enough to decide again without the text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exception::Exemption;
use crate::span::Span;
use crate::verdict::{Coverage, CoverageReason, Detection, Disguise, Place, Source};

/// What a decision rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The text.
    pub text: Look,
    /// The strings of a tool call's arguments, each judged as a text in the role `tool`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// Whether the call has more strings than are judged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub more_arguments: bool,
    /// Whether the rewritten arguments did not fit the schema of their tool.
    #[serde(default, skip_serializing_if = "is_false")]
    pub misfit: bool,
}

/// A string of a tool call's arguments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// Whether it is a key, which cannot be rewritten.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_key: bool,
    /// What was seen of it.
    pub text: Look,
}

/// One look at one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// What the rails saw, also where no rule looks at it or it fell short of every threshold; of a head only what its score alone
    /// does not say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detections: Vec<Seen>,
    /// What exceptions took out of the findings, whether or not a rule had found it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<Exemption>,
    /// Calibrated score in `0..=1` of every head that ran; absent where they are those of the record.
    #[serde(skip_serializing_if = "Option::is_none", with = "super::scores::optional")]
    pub scores: Option<BTreeMap<String, f32>>,
    /// How much was judged.
    #[serde(skip_serializing_if = "is_full")]
    pub coverage: Coverage,
    /// Why it was not all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<CoverageReason>,
    /// Whether an exit of the model answered in place of the whole model before the deadline passed: its thresholds then decide.
    #[serde(skip_serializing_if = "is_false")]
    pub early: bool,
    /// The earliest exit that answered for a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<String>,
    /// Whether a rail failed.
    #[serde(skip_serializing_if = "is_false")]
    pub failed: bool,
    /// What the rewriting that the rules asked for came to.
    #[serde(skip_serializing_if = "Rewriting::is_unchanged")]
    pub rewriting: Rewriting,
    /// The look at the rewritten text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<Box<Look>>,
}

/// What a rewriting came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Rewriting {
    /// Nothing was to be changed.
    #[default]
    Unchanged,
    /// The text was changed, and looked at again.
    Edited,
    /// Nothing was left of the text.
    Emptied,
    /// It could not be done.
    Failed,
}

impl Rewriting {
    const fn is_unchanged(&self) -> bool {
        matches!(self, Self::Unchanged)
    }
}

/// A detection as a record may hold it: see [`Detection`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Dotted name of the detector.
    pub detector: String,
    /// Kind of harm.
    pub category: String,
    /// Calibrated score in `0..=1`; a score that is no number, a fault of the rail, is written as `null`.
    #[serde(with = "super::scores::one")]
    pub score: f32,
    /// Where in the text, in bytes; empty when all of it is meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// The kind of rail.
    pub source: Source,
    /// What the rail had to see through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Disguise>,
    /// Where, without a pointer, which is made of keys of judged JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Whether the rail could say how to mend the text.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repairable: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            detections: Vec::new(),
            exemptions: Vec::new(),
            scores: None,
            coverage: Coverage::Full,
            reasons: Vec::new(),
            early: false,
            exit: None,
            failed: false,
            rewriting: Rewriting::Unchanged,
            again: None,
        }
    }
}

impl Look {
    /// Takes up detections; those that `scores` say are left out.
    pub(crate) fn take(&mut self, detections: Vec<Detection>, scores: &[(String, f32)]) {
        let said = |detection: &Detection| {
            let head = |(name, score): &(String, f32)| {
                score.to_bits() == detection.score.to_bits() && is_of_head(detection, name)
            };
            detection.source == Source::Classifier
                && detection.spans.is_empty()
                && detection.via.is_empty()
                && detection.place.is_none()
                && detection.repair.is_none()
                && scores.iter().any(head)
        };
        self.detections.extend(detections.into_iter().filter(|found| !said(found)).map(Seen::from));
    }

    /// The detections that were decided about, with heads' scores from `scores` where the look has none of its own.
    pub(crate) fn detections(&self, scores: &BTreeMap<String, f32>) -> Vec<Detection> {
        let mut all: Vec<Detection> = self.detections.iter().map(Seen::detection).collect();
        for (name, score) in self.scores.as_ref().unwrap_or(scores) {
            let (detector, category) = head_names(name);
            let known = |seen: &Seen| seen.source == Source::Classifier && seen.detector == detector;
            if !self.detections.iter().any(known) {
                all.push(Detection {
                    detector,
                    category: category.to_owned(),
                    score: *score,
                    spans: Vec::new(),
                    source: Source::Classifier,
                    via: Vec::new(),
                    place: None,
                    repair: None,
                });
            }
        }
        all
    }
}

/// Whether the detection has the detector and the category of the head whose score has this name: see [`head_names`].
fn is_of_head(detection: &Detection, score: &str) -> bool {
    match score.strip_prefix("custom.") {
        Some(head) => detection.detector == score && detection.category == head,
        None => detection.detector.strip_prefix("classifier.") == Some(score) && detection.category == score,
    }
}

/// Detector and category of a head, by the name that its score has.
fn head_names(score: &str) -> (String, &str) {
    match score.strip_prefix("custom.") {
        Some(head) => (score.to_owned(), head),
        None => (format!("classifier.{score}"), score),
    }
}

impl From<Detection> for Seen {
    fn from(detection: Detection) -> Self {
        Self {
            detector: detection.detector,
            category: detection.category,
            score: detection.score,
            spans: detection.spans,
            source: detection.source,
            via: detection.via,
            place: detection.place.as_ref().map(Place::without_pointer),
            repairable: detection.repair.is_some(),
        }
    }
}

impl Seen {
    fn detection(&self) -> Detection {
        Detection {
            detector: self.detector.clone(),
            category: self.category.clone(),
            score: self.score,
            spans: self.spans.clone(),
            source: self.source,
            via: self.via.clone(),
            place: self.place.clone(),
            repair: self.repairable.then(Vec::new),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_full(coverage: &Coverage) -> bool {
    *coverage == Coverage::Full
}
