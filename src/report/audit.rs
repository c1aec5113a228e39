//! How whole the log is.

use serde::Serialize;

use super::Rate;

/// What is known of the log's wholeness.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Audit {
    /// Entries that were read, of all times.
    pub entries: u64,
    /// The place of the first of them in the log.
    pub first_seq: Option<u64>,
    /// The place of the last.
    pub last_seq: Option<u64>,
    /// Entries missing between the first and the last, or out of order.
    pub missing: u64,
    /// Entries that the log's verification vouches for; none where it was not verified.
    pub verified: Option<u64>,
    /// Why reading or verification stopped; none where nothing is wrong.
    pub problem: Option<String>,
}

impl Audit {
    /// Notes an entry that was read.
    pub(super) fn read(&mut self, seq: u64) {
        self.entries += 1;
        self.first_seq.get_or_insert(seq);
        let expected = self.last_seq.map_or(seq, |last| last.saturating_add(1));
        self.missing = self.missing.saturating_add(seq.abs_diff(expected));
        self.last_seq = Some(self.last_seq.unwrap_or(seq).max(seq));
    }

    /// Entries that can be relied on, among those that there should be.
    #[must_use]
    pub fn completeness(&self) -> Rate {
        let expected = self.entries.saturating_add(self.missing);
        // An entry that cannot be read at all is one that there should be.
        let expected = expected.saturating_add(u64::from(self.problem.is_some()));
        Rate::new(self.verified.unwrap_or(self.entries).min(self.entries).min(expected), expected)
    }
}
