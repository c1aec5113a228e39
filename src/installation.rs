//! What an installation decides for itself, beside any policy: the file `portcullis.toml` of its state directory.
//!
//! The file may be absent; every key has a default. A key that is not known is an error.

mod monitor;
#[cfg(test)]
mod tests;

pub use monitor::{AlertSettings, MonitorSettings};
pub(crate) use monitor::{expected_period, period};

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

/// The file's name in the state directory.
pub const FILE: &str = "portcullis.toml";

/// Most bytes read of it.
const LIMIT: u64 = 1 << 20;

/// Why an installation's settings cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstallationError {
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file that says something that it cannot say.
    #[error("{} is not valid: {source}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What was found, what was expected, and where.
        source: Box<toml::de::Error>,
    },
}

/// The settings of an installation.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Installation {
    /// Who must vouch for policies, heads and exceptions.
    pub trust: TrustSettings,
    /// The decision log.
    pub log: LogSettings,
    /// The encrypted texts of cases for review.
    pub samples: SampleSettings,
    /// The watch over rates and drift.
    pub monitor: MonitorSettings,
    /// Where alerts go.
    pub alerts: AlertSettings,
    /// The queue of cases for people.
    pub review: ReviewSettings,
}

/// `[trust]`: the keys are in the folder `keys` of the state directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrustSettings {
    /// Whether a policy is used only with a signature by a trusted key.
    pub require_signed_policy: bool,
    /// Whether a taught head is used only with a signature by a trusted key.
    pub require_signed_heads: bool,
}

/// When a log's records are flushed to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fsync {
    /// When the system does.
    None,
    /// At least every [`LogSettings::fsync_interval_ms`] while records come.
    #[default]
    Interval,
    /// After every record, before its verdict is given.
    Each,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Whether verdicts are logged.
    pub enabled: bool,
    /// When records are flushed to the disk.
    pub fsync: Fsync,
    /// The longest time between flushes for [`Fsync::Interval`].
    pub fsync_interval_ms: u64,
    /// A segment that has grown to this many bytes is closed, signed, and followed by another.
    pub segment_bytes: u64,
    /// Closed segments older than this are removed; 0 keeps them for ever.
    pub retain_days: u32,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            fsync: Fsync::default(),
            fsync_interval_ms: 1000,
            segment_bytes: 16 << 20,
            retain_days: 0,
        }
    }
}

impl LogSettings {
    /// [`LogSettings::fsync_interval_ms`].
    #[must_use]
    pub const fn fsync_interval(&self) -> Duration {
        Duration::from_millis(self.fsync_interval_ms)
    }
}

/// `[samples]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SampleSettings {
    /// The age recipient (`age1…`) to whom the texts of escalated cases are encrypted; without it no text is kept.
    pub recipient: Option<String>,
    /// Samples older than this are removed; 0 keeps them for ever.
    pub retain_days: u32,
}

/// `[review]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewSettings {
    /// Whether escalated cases are put into the queue.
    pub enabled: bool,
}

impl Default for ReviewSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Installation {
    /// The settings of the state directory; the defaults where it has no file.
    ///
    /// # Errors
    /// [`InstallationError`].
    pub fn read(state: &Path) -> Result<Self, InstallationError> {
        let path = state.join(FILE);
        let failed = |source| InstallationError::Io { path: path.clone(), source };
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        let mut text = String::new();
        io::Read::read_to_string(&mut io::Read::take(file, LIMIT), &mut text).map_err(failed)?;
        toml::from_str(&text)
            .map_err(|source| InstallationError::Invalid { path: path.clone(), source: Box::new(source) })
    }
}
