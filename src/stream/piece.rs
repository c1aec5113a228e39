//! What a stream answers: stretches of it, each with what was decided.

use serde::Serialize;
use std::fmt;

use crate::verdict::{Coverage, CoverageReason, Decision, Edit, ExceptionUse, Finding};

/// What became of one stretch of a stream.
///
/// The `text` of all pieces, one after the other, is what may be shown. `Debug` shows no text.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Piece {
    /// The stretch's first byte, as an offset in the stream.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What was decided about it. After an escalation or a veto nothing more of the stream is released.
    pub decision: Decision,
    /// What may be shown in its place: the stretch itself, with the edits applied, or the policy's words for a stream
    /// that was stopped.
    pub text: String,
    /// Every rule that applied, with spans as offsets in the stream.
    pub findings: Vec<Finding>,
    /// Every exception that took a finding out, with spans as offsets in the stream; absent where none did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionUse>,
    /// Changes by a rewrite, as offsets in the stream.
    pub edits: Vec<Edit>,
    /// How much of the stretch was judged.
    pub coverage: Coverage,
    /// Why that is not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_reason: Option<CoverageReason>,
    /// What went wrong, when something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Names the decision in records.
    pub decision_id: String,
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece")
            .field("start", &self.start)
            .field("end", &self.end)
            .field("decision", &self.decision)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}
