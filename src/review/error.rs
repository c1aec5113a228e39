//! Why the review queue cannot be used.

use std::path::PathBuf;

use thiserror::Error;

use super::Status;

/// Why the queue cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// A file that cannot be made.
    #[error("cannot create {}: {source}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// What SQLite could not do.
    #[error("cannot {action} the review queue {}: {source}", path.display())]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// A file of another program.
    #[error("{} is not a review queue of portcullis", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file of a later version.
    #[error("the review queue {} has the schema {found}, expected at most {known}: a later version made it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The latest that is known.
        known: usize,
    },
    /// A record that cannot be written as JSON, or is too long.
    #[error("the record {decision_id} cannot be queued: {what}")]
    Record {
        /// The decision.
        decision_id: String,
        /// What is wrong.
        what: String,
    },
    /// A row that cannot be what was written.
    #[error("the case {decision_id} is corrupt in the review queue: {what}")]
    Corrupt {
        /// The decision.
        decision_id: String,
        /// What was found.
        what: String,
    },
    /// No case, or more than one, of an id that begins so.
    #[error("{found} cases have an id that begins with {id}, expected one")]
    NoCase {
        /// What was asked for.
        id: String,
        /// How many there are.
        found: usize,
    },
    /// A case that was decided already.
    #[error("the case {decision_id} was decided already: {status} by {by}, expected a case that is pending")]
    Decided {
        /// The case.
        decision_id: String,
        /// What it is.
        status: Status,
        /// By whom.
        by: String,
    },
    /// A decision that cannot be.
    #[error("`{field}`: {what}")]
    Ruling {
        /// Of what.
        field: &'static str,
        /// What was expected.
        what: String,
    },
}
