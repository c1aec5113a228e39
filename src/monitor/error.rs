//! Why the monitor's files cannot be used.

use std::path::PathBuf;

use thiserror::Error;

/// Why the monitor's files cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// A file or folder that cannot be opened, created, read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A lock that another process holds.
    #[error("{} is held by another process, expected it to be free within two seconds", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// A file that is no baseline.
    #[error("{} is not a baseline: {what}", path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A file that is no state.
    #[error("{} is not a monitor's state: {what}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// Too little to compare with.
    #[error(
        "the log has {found} verdicts by the present policy and model since then, expected at least {expected}"
    )]
    TooFew {
        /// Verdicts found.
        found: u64,
        /// The fewest.
        expected: u64,
    },
    /// A state that cannot be written as JSON.
    #[error("cannot write the monitor's state as JSON: {source}")]
    Json {
        /// Why it failed.
        source: serde_json::Error,
    },
    /// The policies in force cannot be told.
    #[error("cannot tell which policies were in force: {source}")]
    Store {
        /// Why not.
        source: Box<crate::store::StoreError>,
    },
    /// A log that cannot be read, or that events cannot be added to.
    #[error("cannot use the log: {source}")]
    Log {
        /// Why it failed.
        source: crate::log::LogError,
    },
}
