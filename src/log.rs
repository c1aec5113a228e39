//! The decision log: every verdict and every event of an installation, in order, in files that show whether they were changed.
//!
//! Each entry is one line of JSON with a number, the hash of the entry before and a hash of its own; the last entry of a closed
//! segment, and the file `head.json` for the open one, are signed. `docs/log.md` gives the bytes that are hashed and signed, and
//! says what this can show and what it cannot.

mod envelope;
mod event;
mod flush;
mod head;
mod lines;
mod open;
mod query;
mod read;
mod retain;
mod segment;
mod stats;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use event::Event;
pub use head::{Head, Kept};
pub use query::Query;
pub use read::{Entries, read};
pub use stats::{Grouping, Stats, Summary};
pub use verify::{Finding, FindingKind, Report, Verifier};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::installation::LogSettings;
use crate::record::{DecisionRecord, RecordError};
use crate::trust::TrustError;

use flush::Flusher;
use writer::Writer;

/// The folder of the state directory that holds the log.
pub const FOLDER: &str = "log";
/// The file of the state directory with the secret key that signs.
pub const KEY_FILE: &str = "log.key";
/// The file of the state directory with its public key.
pub const PUBLIC_KEY_FILE: &str = "log.pub";

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
        source: io::Error,
    },
    /// A key or an id that cannot be had.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The key that signs.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A segment that cannot be gone on with.
    #[error("{} is not a segment of a log that can be used: {what}", path.display())]
    Corrupt {
        /// The segment.
        path: PathBuf,
        /// What was found and what was expected.
        what: String,
    },
    /// A log that has lost entries while it was open.
    #[error("{} {what} while it was being written", path.display())]
    Tampered {
        /// The segment.
        path: PathBuf,
        /// What became of it.
        what: &'static str,
    },
    /// A line that holds no entry.
    #[error("{}, line {line}: {what}", path.display())]
    Entry {
        /// The segment.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What was found and what was expected.
        what: String,
    },
    /// An entry that is too large.
    #[error("the entry has {found} bytes, more than the {limit} that one may have")]
    TooLarge {
        /// Its size.
        found: usize,
        /// The most.
        limit: u64,
    },
    /// An entry that cannot be written as JSON.
    #[error("cannot write the entry as JSON: {source}")]
    Json {
        /// Why it failed.
        source: serde_json::Error,
    },
}

impl LogError {
    fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    fn corrupt(path: &Path, what: String) -> Self {
        Self::Corrupt { path: path.to_owned(), what }
    }

    fn json(source: serde_json::Error) -> Self {
        Self::Json { source }
    }
}

/// What one entry says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "events are rare, and are looked into by patterns")]
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

impl Body {
    /// When, in UTC: RFC 3339 with microseconds.
    #[must_use]
    pub fn time(&self) -> &str {
        match self {
            Self::Decision(record) => &record.time,
            Self::Event { time, .. } => time,
        }
    }
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number. Numbers rise; those of the lines that begin and close a segment are left out.
    pub seq: u64,
    /// What it says.
    pub body: Body,
}

/// A log, open for appending. Several threads, and several processes, may append to one log.
#[derive(Debug)]
pub struct Log {
    writer: Arc<Mutex<Writer>>,
    flusher: Flusher,
}

impl Log {
    /// Opens the log of the state directory, or begins one.
    ///
    /// Only the end of the newest segment is read. A last line that was cut short is removed, and entries that were signed for and
    /// are gone are noted, each by an event.
    ///
    /// # Errors
    /// [`LogError`]; a log whose last entry is damaged is not gone on with.
    pub fn open(state: &Path, settings: &LogSettings) -> Result<Self, LogError> {
        let writer = Arc::new(Mutex::new(open::open(state, settings)?));
        let flusher = Flusher::new(Arc::clone(&writer), settings);
        Ok(Self { writer, flusher })
    }

    /// Appends an entry. Entries that could not be appended before are counted first, by an event.
    ///
    /// # Errors
    /// [`LogError`]. The entry is then not in the log.
    pub fn append(&self, body: &Body) -> Result<(), LogError> {
        let mut bytes = Vec::with_capacity(2048);
        serde_json::to_writer(&mut bytes, body).map_err(LogError::json)?;
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.append(&bytes)?;
        drop(writer);
        self.flusher.wake()
    }

    /// Appends an event that happens now.
    ///
    /// # Errors
    /// As for [`Log::append`].
    pub fn append_event(&self, event: Event) -> Result<(), LogError> {
        self.append(&Body::Event { time: now()?, event })
    }

    /// Flushes what was appended to the disk, where the settings ask for that, and signs for it.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn flush(&self) -> Result<(), LogError> {
        flush::flush(&self.writer)
    }
}

fn now() -> Result<String, RecordError> {
    crate::record::timestamp(std::time::SystemTime::now())
}
