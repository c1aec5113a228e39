//! What the guard answers: decisions, findings, edits and the verdict that carries them.

mod disguise;
mod exception;
mod place;

pub use disguise::Disguise;
pub use exception::ExceptionUse;
pub use place::{Part, Place};

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

use crate::request::ToolCall;
use crate::span::Span;

/// The action taken on a text, from the mildest to the strongest; the order is the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Release the text as it is.
    Allow,
    /// Release the text with the verdict's edits applied.
    Rewrite,
    /// Hold the text for a person.
    Escalate,
    /// Do not release the text.
    Veto,
}

impl Decision {
    /// The word used in JSON, policies and on the terminal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Rewrite => "rewrite",
            Self::Escalate => "escalate",
            Self::Veto => "veto",
        }
    }

    /// Whether the text may reach its reader (edited, for [`Decision::Rewrite`]).
    #[must_use]
    pub const fn releases(self) -> bool {
        matches!(self, Self::Allow | Self::Rewrite)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What kind of rail made a detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Source {
    /// A classifier head.
    Classifier,
    /// A pattern with its validation.
    Pattern,
    /// A JSON Schema.
    Schema,
    /// The tools that a policy allows.
    Tool,
    /// Sources that an answer should rest on.
    Grounding,
    /// A rail of the host's own.
    Host,
}

/// What a rail saw, before any policy has weighed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Dotted name of the detector, such as `pii.email` or `classifier.toxicity`.
    pub detector: String,
    /// Kind of harm, such as `pii` or `toxicity`.
    pub category: String,
    /// Calibrated score in `0..=1`.
    pub score: f32,
    /// Where in the caller's text; empty when the whole text is meant.
    pub spans: Vec<Span>,
    /// The kind of rail.
    pub source: Source,
    /// What the rail had to see through, sorted; empty when it read the text as it stands.
    pub via: Vec<Disguise>,
    /// Where, when spans of the text do not say it.
    pub place: Option<Place>,
    /// The edits of the text after which the rail would find nothing; `None` where there are none.
    pub repair: Option<Vec<Edit>>,
}

/// A detection that reached a rule's threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Identifier of the policy's rule.
    pub rule: String,
    /// Kind of harm.
    pub category: String,
    /// Calibrated score in `0..=1`.
    pub score: f32,
    /// The score from which the rule applies.
    pub threshold: f32,
    /// Where in the caller's text, in bytes; empty when the whole text is meant. A classifier judges the whole text all the same:
    /// its spans are the words that drove the score, where they are known.
    pub spans: Vec<Span>,
    /// The kind of rail.
    pub source: Source,
    /// What the rule asks for.
    pub action: Decision,
    /// What the rail had to see through, sorted; empty when it read the text as it stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Disguise>,
    /// Where, when spans of the text do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// One replacement in the caller's text. A verdict's edits are sorted and do not overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// First byte replaced.
    pub start: usize,
    /// One past the last byte replaced.
    pub end: usize,
    /// What takes its place.
    pub replacement: String,
}

/// How much of the text was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// All of it, by every rail.
    Full,
    /// Part of it, or by some rails only.
    Partial,
    /// None of it.
    None,
}

/// Why [`Coverage`] is not full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CoverageReason {
    /// Longer than the policy's `max_bytes`.
    SizeLimit,
    /// Encoded deeper than the policy's `max_decode_depth`.
    DecodeDepth,
    /// The deadline passed first.
    Deadline,
    /// A rail failed.
    Fault,
    /// A language or script that the model was not trained on.
    UnsupportedLanguage,
    /// Mostly letters that make no words the model knows: keys struck at random, ciphers, encoded data.
    Unreadable,
}

/// Which policy decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRef {
    /// The policy's `id`.
    pub id: String,
    /// The policy's `version`.
    pub version: String,
    /// BLAKE3 of the policy file, in hex.
    pub digest: String,
}

/// Which model scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRef {
    /// The bundle's `id`.
    pub id: String,
    /// BLAKE3 over the digests of the bundle's files, in hex.
    pub digest: String,
}

/// Where the time went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// From the request to the verdict; in a batch, from the batch's beginning.
    pub total: u64,
    /// Normalization.
    pub normalize: u64,
    /// Pattern rails, and those of the host.
    pub patterns: u64,
    /// Tokenization.
    pub tokenize: u64,
    /// Encoder and heads.
    pub encode: u64,
    /// Calibration, policy, decision and rewrite.
    pub decide: u64,
    /// Finding the words that drove the findings of classifiers; 0 where there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attribute: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
const fn is_zero(time: &u64) -> bool {
    *time == 0
}

/// The answer for one text.
///
/// Serialized with the keys of one NDJSON line, in their documented order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The request's `id`, as it came.
    pub id: Option<serde_json::Value>,
    /// The strongest action that any finding, limit or fault earned.
    pub decision: Decision,
    /// What may be released: the text with `edits` applied, or `None` when it is held or vetoed.
    pub text: Option<String>,
    /// Every head's calibrated score in `0..=1`: the model's in its order, then as `custom.NAME` the policy's own, where the
    /// whole model read all of the text; empty when the classifier did not run.
    #[serde(serialize_with = "scores_as_object")]
    pub scores: Vec<(String, f32)>,
    /// Every rule that applied.
    pub findings: Vec<Finding>,
    /// Every exception that took a finding out; absent where none did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionUse>,
    /// The tool call that may go on, with what was rewritten in its arguments; absent where there was none, and where it is held
    /// or vetoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolCall>,
    /// Sorted and not overlapping; empty unless the decision is `rewrite`.
    pub edits: Vec<Edit>,
    /// What each other reading of the text that was judged saw through; empty for a text without disguise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Vec<Disguise>>,
    /// How much of the text was judged.
    pub coverage: Coverage,
    /// Why that is not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_reason: Option<CoverageReason>,
    /// The earliest exit that answered for a part of the text, such as `words` or `layer-2`; none where the whole model
    /// read all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<String>,
    /// The device that ran the classifiers on a part of the text, such as `cuda`; absent where the CPU judged all of it. Its scores
    /// are within a tolerance of the CPU's, not the same bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Layers computed for the text's tokens, as a share of all layers for all of them; 0 where none was.
    #[serde(skip)]
    pub work: f32,
    /// What went wrong, when something did; the decision then is at least the policy's `on_fault`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The policy.
    pub policy: PolicyRef,
    /// The model.
    pub model: ModelRef,
    /// Where the time went.
    #[serde(rename = "timing_us")]
    pub timing: Timing,
    /// Names the decision in records: 32 hex digits.
    pub decision_id: String,
}

fn scores_as_object<S: Serializer>(scores: &[(String, f32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(scores.iter().map(|(head, score)| (head, score)))
}
