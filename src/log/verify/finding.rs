//! What a check of a log found: what kind of thing, where, what was expected and what was there.

use std::fmt;

use blake3::Hash;
use serde::Serialize;

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A line that is no entry.
    Line,
    /// An entry whose hash is not that of what it holds: it was edited.
    Edited,
    /// An entry whose number is not the next: lines were removed, put in, doubled or put in another order.
    Order,
    /// An entry that does not follow the one before it.
    Chain,
    /// A last line without an end: its writer was cut short, or bytes were removed.
    Torn,
    /// An entry that was signed for and is not there: the end of the log was removed, or lost with the power.
    Truncated,
    /// A segment that is missing, or has another number than its name.
    Segment,
    /// A segment that does not begin or close as one must.
    Frame,
    /// A signature that does not hold.
    Signature,
    /// A signed head that is missing, or says something else than the log.
    Head,
    /// Entries that are known to be lost, by an event.
    Lost,
    /// A time before that of the entry before.
    Clock,
    /// Segments that were removed because of their age.
    Removed,
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Of which kind.
    pub kind: FindingKind,
    /// The file, where it is not a segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Number of the segment, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<u64>,
    /// The line of the segment, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Number of the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What should be there.
    pub expected: String,
    /// What is.
    pub found: String,
}

impl Finding {
    pub(super) fn of_file(kind: FindingKind, file: &str, expected: &str, found: &str) -> Self {
        Self {
            kind,
            file: Some(file.to_owned()),
            segment: None,
            line: None,
            seq: None,
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }

    pub(super) fn at(
        kind: FindingKind,
        (segment, line): (u64, u64),
        seq: Option<u64>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            file: None,
            segment: Some(segment),
            line: Some(line),
            seq,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = Vec::new();
        place.extend(self.file.clone());
        place.extend(self.segment.map(|segment| format!("segment {segment}")));
        place.extend(self.line.map(|line| format!("line {line}")));
        place.extend(self.seq.map(|seq| format!("entry {seq}")));
        let what = match self.kind {
            FindingKind::Line => "no entry",
            FindingKind::Edited => "edited",
            FindingKind::Order => "out of order",
            FindingKind::Chain => "out of the chain",
            FindingKind::Torn => "cut short",
            FindingKind::Truncated => "cut off",
            FindingKind::Segment => "wrong segment",
            FindingKind::Frame => "wrong frame",
            FindingKind::Signature => "wrong signature",
            FindingKind::Head => "wrong head",
            FindingKind::Lost => "lost",
            FindingKind::Clock => "clock",
            FindingKind::Removed => "removed",
        };
        write!(f, "{}: {what}: expected {}, found {}", place.join(", "), self.expected, self.found)
    }
}

/// The first digits of a hash.
pub(super) fn short(hash: &Hash) -> String {
    hash.to_hex().chars().take(12).collect()
}
