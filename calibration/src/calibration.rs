//! The content of a `calibration.toml`: what the guard needs to turn logits into findings.

mod check;
mod exit;
mod length;
mod read;
mod taught;
mod write;

pub use exit::{Exit, ExitHead, ExitThreshold, Gate};
pub use length::{LengthCorrection, length};
pub use taught::TaughtHead;

use std::fmt;

use crate::{Curve, Reference};

/// The curves and thresholds of all heads of one model.
///
/// # Example
///
/// ```
/// use portcullis_calibration::{Calibration, Curve, Head, threshold};
///
/// let benign: Vec<f32> = (0..1000u16).map(|row| f32::from(row) / 1000.0).collect();
/// let head = Head {
///     name: "toxicity".into(),
///     experimental: false,
///     curve: Curve::platt(1.5, -0.5)?,
///     positives: 400,
///     negatives: 1000,
///     ece: 0.01,
///     brier: 0.05,
///     thresholds: vec![threshold::at_fpr(&benign, 0.01, "mix")?],
/// };
/// let made = Calibration::new(&"1f".repeat(32), &"2e".repeat(32), "an example", vec![head])?;
/// let read = Calibration::parse(made.to_toml().as_bytes())?;
/// assert_eq!(made, read);
/// assert_eq!(read.threshold("toxicity", 0.01)?.false_positives, 10);
/// assert!(read.threshold("toxicity", 0.02).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    model_digest: String,
    data_digest: String,
    created_by: String,
    heads: Vec<Head>,
    corrections: Vec<LengthCorrection>,
    exits: Vec<Exit>,
    references: Vec<Reference>,
}

/// The calibration of one head.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The name: 1 to 64 of `a-z`, `0-9` and `_`, a letter first, unique in the calibration.
    pub name: String,
    /// Whether the head is shipped for trial only.
    pub experimental: bool,
    /// The map from logit to calibrated score.
    pub curve: Curve,
    /// The positive rows that the curve was fitted on.
    pub positives: u64,
    /// The negative rows that the curve was fitted on.
    pub negatives: u64,
    /// The expected calibration error, in `0..=1`.
    pub ece: f64,
    /// The Brier score, in `0..=1`.
    pub brier: f64,
    /// The thresholds, at most 64, with distinct targets; within a slice a greater target has no greater threshold.
    pub thresholds: Vec<Threshold>,
}

/// A threshold and the evidence for it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Threshold {
    /// The false positive rate it was chosen for, above 0 and below 1.
    pub target_fpr: f64,
    /// The threshold on the calibrated score, in `0..=1`; a score equal to it is flagged.
    pub threshold: f32,
    /// The negative rows it was chosen on, at least 1.
    pub negatives: u64,
    /// How many of them it flags; their share is at most the target.
    pub false_positives: u64,
    /// The one-sided Clopper–Pearson upper bound of the false positive rate at 95%.
    pub fpr_upper_95: f64,
    /// Where the rows came from: 1 to 128 characters.
    pub slice: String,
}

/// A rule that a calibration breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a path such as `head[2].threshold[0].target_fpr`, indices from 0.
    pub at: String,
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// A calibration that cannot be read, made or asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// The file is over the size limit.
    #[error("calibration file has {found} bytes, expected at most {limit}")]
    TooLarge {
        /// The size found, in bytes.
        found: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The file is not UTF-8.
    #[error("calibration file is not UTF-8 from byte {valid_up_to} on")]
    NotUtf8 {
        /// The number of valid bytes before the first bad one.
        valid_up_to: usize,
    },
    /// The file is not TOML.
    #[error("calibration file is not TOML: {}", list(.problems))]
    Syntax {
        /// What is wrong, by line; at most [`CalibrationError::MAX_PROBLEMS`].
        problems: Vec<Problem>,
    },
    /// The content breaks rules.
    #[error("calibration is not valid: {}", list(.problems))]
    Invalid {
        /// Every rule broken, in the order of the content; at most [`CalibrationError::MAX_PROBLEMS`].
        problems: Vec<Problem>,
    },
    /// There is no such head.
    #[error("calibration has no head {name:?}, it has {}", .known.join(", "))]
    UnknownHead {
        /// The head asked for.
        name: String,
        /// The heads there are.
        known: Vec<String>,
    },
    /// The head has no threshold for exactly this target.
    #[error("head {head:?} has no threshold for the false positive rate {target_fpr}, it has {}", targets(.listed))]
    UnlistedTarget {
        /// The head.
        head: String,
        /// The target asked for.
        target_fpr: f64,
        /// The targets there are.
        listed: Vec<f64>,
    },
    /// The examples of a taught head show no threshold for exactly this target.
    #[error(
        "its {negatives} negative examples show no threshold for the false positive rate {target_fpr}, which needs at least \
         {needed} of them; expected `threshold`, or one of the rates {}", targets(.listed)
    )]
    Unshown {
        /// The head.
        head: String,
        /// The target asked for.
        target_fpr: f64,
        /// The negative examples that it was taught from.
        negatives: u64,
        /// The fewest that can show this target.
        needed: u64,
        /// The targets there are.
        listed: Vec<f64>,
    },
}

impl CalibrationError {
    /// The greatest number of problems that one error lists.
    pub const MAX_PROBLEMS: usize = 100;
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}

fn targets(listed: &[f64]) -> String {
    if listed.is_empty() {
        return "none".to_owned();
    }
    listed.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}

impl Calibration {
    /// The version of the file format that this crate reads and writes.
    pub const SCHEMA: u64 = 1;
    /// The greatest size of a file, in bytes.
    pub const MAX_BYTES: usize = 1 << 20;

    /// A calibration for the weights and made from the data with these BLAKE3 digests (64 lower-case hex digits).
    /// `created_by` says what made it, in at most 256 characters.
    ///
    /// # Errors
    ///
    /// [`CalibrationError::Invalid`] with every rule that the parts break.
    pub fn new(
        model_digest: &str,
        data_digest: &str,
        created_by: &str,
        heads: Vec<Head>,
    ) -> Result<Self, CalibrationError> {
        let calibration = Self {
            model_digest: model_digest.to_owned(),
            data_digest: data_digest.to_owned(),
            created_by: created_by.to_owned(),
            heads,
            corrections: Vec::new(),
            exits: Vec::new(),
            references: Vec::new(),
        };
        check::finish(check::calibration(&calibration))?;
        Ok(calibration)
    }

    /// The same with these corrections of logits by length, in place of those it has.
    ///
    /// # Errors
    ///
    /// [`CalibrationError::Invalid`] with every rule that the corrections break.
    pub fn with_corrections(mut self, corrections: Vec<LengthCorrection>) -> Result<Self, CalibrationError> {
        self.corrections = corrections;
        check::finish(check::calibration(&self))?;
        Ok(self)
    }

    /// The same with these exits, the earliest first, in place of those it has.
    ///
    /// # Errors
    ///
    /// [`CalibrationError::Invalid`] with every rule that the exits break.
    pub fn with_exits(mut self, exits: Vec<Exit>) -> Result<Self, CalibrationError> {
        self.exits = exits;
        check::finish(check::calibration(&self))?;
        Ok(self)
    }

    /// The same with these references, by which drift is told, in place of those it has.
    ///
    /// # Errors
    ///
    /// [`CalibrationError::Invalid`] where there are too many or two are of one signal.
    pub fn with_references(mut self, references: Vec<Reference>) -> Result<Self, CalibrationError> {
        self.references = references;
        check::finish(check::calibration(&self))?;
        Ok(self)
    }

    /// Reads a `calibration.toml`, which may be hostile.
    ///
    /// # Errors
    ///
    /// When the file is over [`Calibration::MAX_BYTES`], not UTF-8, not TOML, or breaks any rule; all broken rules are
    /// reported at once.
    pub fn parse(bytes: &[u8]) -> Result<Self, CalibrationError> {
        read::parse(bytes)
    }

    /// The file's text. The same calibration gives the same bytes, and [`Calibration::parse`] gives it back exactly.
    pub fn to_toml(&self) -> String {
        write::to_toml(self)
    }

    /// The BLAKE3 digest of the weights file that this belongs to, 64 lower-case hex digits.
    pub fn model_digest(&self) -> &str {
        &self.model_digest
    }

    /// The BLAKE3 digest of the data that it was fitted on, 64 lower-case hex digits.
    pub fn data_digest(&self) -> &str {
        &self.data_digest
    }

    /// What made it.
    pub fn created_by(&self) -> &str {
        &self.created_by
    }

    /// The heads, in the file's order.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The corrections of logits by the length of a text; a head that has none is judged alike at every length.
    pub fn corrections(&self) -> &[LengthCorrection] {
        &self.corrections
    }

    /// Adds what a text of `length` characters, spaces not counted, gets by its length to `logits`, which begin with one for
    /// each head. The curves, thresholds and gates are for logits that were corrected.
    pub fn correct(&self, logits: &mut [f32], length: usize) {
        if self.corrections.is_empty() {
            return;
        }
        for (head, logit) in self.heads.iter().zip(logits) {
            *logit += self.added(&head.name, length);
        }
    }

    /// What is added to the logits of the head `name` in a text of `length` characters, spaces not counted; 0 where it has no
    /// correction.
    pub fn added(&self, name: &str, length: usize) -> f32 {
        let correction = self.corrections.iter().find(|correction| correction.head == name);
        correction.map_or(0.0, |correction| correction.at(length))
    }

    /// The exits, the earliest first; none where the model answers after its last layer only.
    pub fn exits(&self) -> &[Exit] {
        &self.exits
    }

    /// How the model's signals are spread over innocent texts; empty in a calibration made before there were references.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The head with this name.
    ///
    /// # Errors
    ///
    /// [`CalibrationError::UnknownHead`] with the names there are.
    pub fn head(&self, name: &str) -> Result<&Head, CalibrationError> {
        self.heads.iter().find(|head| head.name == name).ok_or_else(|| CalibrationError::UnknownHead {
            name: name.to_owned(),
            known: self.heads.iter().map(|head| head.name.clone()).collect(),
        })
    }

    /// The threshold of a head that was chosen for exactly this false positive rate. Rates between those listed are
    /// refused, not interpolated: there is no evidence for them.
    ///
    /// # Errors
    ///
    /// [`CalibrationError::UnknownHead`], or [`CalibrationError::UnlistedTarget`] with the rates there are.
    pub fn threshold(&self, head: &str, target_fpr: f64) -> Result<&Threshold, CalibrationError> {
        let head = self.head(head)?;
        head.thresholds.iter().find(|threshold| threshold.target_fpr == target_fpr).ok_or_else(|| {
            CalibrationError::UnlistedTarget {
                head: head.name.clone(),
                target_fpr,
                listed: head.thresholds.iter().map(|threshold| threshold.target_fpr).collect(),
            }
        })
    }
}
