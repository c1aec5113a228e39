//! How whole the log is.

use serde::Serialize;

use super::Rate;
use crate::log;

/// What is known of the log's wholeness.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Entries that were read, of all times.
    pub entries: u64,
    /// The place of the first of them in the log.
    pub first_seq: Option<u64>,
    /// The place of the last.
    pub last_seq: Option<u64>,
    /// Decisions that could not be logged, as the log itself says.
    pub lost: u64,
    /// What the log's own verification found; none where it was not asked for.
    pub verification: Option<Verification>,
    /// Lines that hold no entry.
    pub unreadable: u64,
    /// Why the first of them does not; none where there are none.
    pub problem: Option<String>,
}

/// What the log's own verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Lines that are there, those that begin and close segments included.
    pub lines: u64,
    /// Lines that should be there, from the first to the last that the log speaks of.
    pub expected: u64,
    /// How many things do not hold.
    pub problems: u64,
    /// The first of them, in words; none where all holds.
    pub first_problem: Option<String>,
    /// The place of the last line that is signed for.
    pub signed: Option<u64>,
}

impl From<&log::Report> for Verification {
    fn from(found: &log::Report) -> Self {
        let expected = match (found.first, found.last) {
            // A log that says it was signed for up to an entry should reach it.
            (Some(first), Some(last)) => {
                found.signed.map_or(last, |signed| signed.max(last)).saturating_sub(first).saturating_add(1)
            }
            _ => found.signed.map_or(0, |signed| signed.saturating_add(1)),
        };
        Self {
            lines: found.entries,
            expected,
            problems: found.problems.len() as u64,
            first_problem: found.problems.first().map(ToString::to_string),
            signed: found.signed,
        }
    }
}

impl Audit {
    /// Notes an entry that was read.
    pub(super) fn read(&mut self, seq: u64) {
        self.entries += 1;
        self.first_seq.get_or_insert(seq);
        self.last_seq = Some(seq);
    }

    /// Notes that this many entries could not be appended.
    pub(super) fn lost(&mut self, count: u64) {
        self.lost = self.lost.saturating_add(count);
    }

    /// Notes a line that could not be read.
    pub(super) fn unreadable(&mut self, why: String) {
        self.unreadable += 1;
        self.problem.get_or_insert(why);
    }

    /// Whether the log is known to be whole.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.unreadable > 0 || self.verification.as_ref().is_some_and(|found| found.problems > 0)
    }

    /// Lines that are there and hold, among those that should be; of nothing where the log was not verified. Each problem counts
    /// as one line; what the log says was lost should be there.
    #[must_use]
    pub fn completeness(&self) -> Rate {
        let Some(found) = &self.verification else { return Rate::new(0, 0) };
        let expected = found.expected.max(found.lines).saturating_add(self.lost);
        Rate::new(found.lines.saturating_sub(found.problems), expected)
    }
}
