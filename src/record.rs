//! The decision record: one JSON line for each verdict, from which it can be explained and replayed, without the text.

mod evidence;
mod file;
mod key;
mod scores;
#[cfg(test)]
mod tests;

pub use evidence::{Argument, Evidence, Look, Rewriting, Seen};
pub use file::RecordFile;
pub use key::{DecisionIds, InstallationKey, KEY_FILE};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;
use thiserror::Error;

use crate::policy::{BoundPolicy, Circumstances};
use crate::request::Role;
use crate::verdict::{
    Coverage, CoverageReason, Decision, ExceptionUse, Finding, ModelRef, PolicyRef, Timing,
};

/// Why a decision could not be recorded. A caller that was asked to record treats it as a fault.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A file or folder that cannot be opened, created, read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A key file that is not one.
    #[error("{path} has {found} bytes, expected the {expected} bytes of an installation key")]
    KeyLength {
        /// The file.
        path: PathBuf,
        /// Its size, as far as it was read.
        found: usize,
        /// The size of a key.
        expected: usize,
    },
    /// A key that others can read.
    #[error(
        "{path} has mode {mode:03o}, expected 600: whoever reads the key can test texts against the records"
    )]
    KeyMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No random bytes from the system.
    #[error("no random bytes for an installation key: {source}")]
    Random {
        /// Why it failed.
        source: getrandom::Error,
    },
    /// A line of which only a part was written.
    #[error("only {written} of {expected} bytes were written to {path}")]
    ShortWrite {
        /// The file.
        path: PathBuf,
        /// Bytes written.
        written: usize,
        /// Bytes of the line.
        expected: usize,
    },
    /// A clock outside the years that RFC 3339 can write.
    #[error("the system clock is outside the years 0 to 9999")]
    Clock,
    /// A record that cannot be written as JSON.
    #[error("cannot write the record as JSON: {source}")]
    Json {
        /// Why it failed.
        source: serde_json::Error,
    },
}

/// One decision. Keys are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// 32 hexadecimal digits, in the order of time: see [`DecisionIds`].
    pub decision_id: String,
    /// When, in UTC: RFC 3339 with microseconds (see [`timestamp`]).
    pub time: String,
    /// Who produced the text.
    pub role: Role,
    /// BLAKE3 of the text under the installation's key, in hex: equal texts can be found, none can be guessed
    /// without the key.
    pub text_digest: String,
    /// Length of the text in bytes.
    pub text_bytes: usize,
    /// BLAKE3 of the tool call under the same key, in hex: of its name, NUL and its arguments as JSON with sorted keys; absent
    /// where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_digest: Option<String>,
    /// The decision.
    pub decision: Decision,
    /// What led to it.
    pub findings: Vec<Finding>,
    /// Every exception that took a finding out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionUse>,
    /// Calibrated score in `0..=1` of every head that ran; `null` for one that is no number, which is a fault.
    #[serde(with = "scores")]
    pub scores: BTreeMap<String, f32>,
    /// The threshold of every rule for this role, slice and locale, by rule id: see [`thresholds`].
    pub thresholds: BTreeMap<String, f32>,
    /// How much of the text was judged.
    pub coverage: Coverage,
    /// Why it was not all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage_reasons: Vec<CoverageReason>,
    /// The earliest exit of the model that answered for a part of the text; absent where the whole model read all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<String>,
    /// The device that ran the classifiers on a part of the text, such as `cuda`; absent where the CPU judged all of it. To decide
    /// again from the record takes no device: the scores are those on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The policy that decided.
    pub policy: PolicyRef,
    /// The model that scored; absent when none was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelRef>,
    /// BLAKE3 of the calibration, in hex; absent when none was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<String>,
    /// The data slice the request named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    /// The language in which the reader wanted templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What went wrong, when something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Where the time went.
    pub timing_us: Timing,
    /// What was decided about: from it the decision follows again (see [`crate::replay`]). Absent in records of versions that did
    /// not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// A point in time as a record writes it: `2031-05-09T14:03:59.120034Z`.
///
/// # Errors
/// [`RecordError::Clock`].
pub fn timestamp(time: SystemTime) -> Result<String, RecordError> {
    let time = Timestamp::try_from(time).map_err(|_| RecordError::Clock)?;
    match time.as_second() {
        // 0000-01-01 and 9999-12-30, in seconds from 1970.
        -62_167_219_200..253_402_207_200 => Ok(format!("{time:.6}")),
        _ => Err(RecordError::Clock),
    }
}

/// The threshold of every rule of `policy` that applies to texts in these circumstances, by rule id.
#[must_use]
pub fn thresholds(policy: &BoundPolicy, circumstances: Circumstances<'_>) -> BTreeMap<String, f32> {
    let rules = policy.rules().iter().filter(|bound| bound.rule().applies_in(circumstances));
    rules.map(|bound| (bound.rule().id.clone(), bound.threshold())).collect()
}
