//! Exceptions from a policy: signed, for named rules, within a scope, for a time, by somebody with a name.
//!
//! An exception weakens the guard, so it is used only with a signature by a key that the installation trusts, whatever else its
//! settings ask for. It takes findings of the rules that it names out of a decision and does nothing else: faults, missing coverage and
//! limits of size count as without it. `docs/exceptions.md` has the format and says what exactly is signed.

mod apply;
mod folder;
mod read;
mod sign;
#[cfg(test)]
mod tests;
mod watch;

pub use apply::{Exemption, Reach, Whole};
pub use folder::{Exceptions, FOLDER, Ignored, REVOKED, Sources, revoke};
pub use sign::sign;
pub use watch::Watch;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use regex::Regex;
use thiserror::Error;

use crate::request::Role;
use crate::trust::TrustError;

/// Most bytes of one exception's file.
pub const MAX_BYTES: usize = 64 << 10;
/// Most files read of one folder.
pub const MAX_FILES: usize = 1000;
/// Most entries of one list in an exception.
pub const MAX_ENTRIES: usize = 1000;
/// Most bytes of a pattern.
pub const MAX_PATTERN_BYTES: usize = 1024;
/// Most bytes of a reason.
pub const MAX_REASON_BYTES: usize = 2000;
/// The longest time from `effective` to `expires`.
pub const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Why an exception is not used, or cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExceptionError {
    /// A file or folder that cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file that is longer than one is read.
    #[error("it has more than {MAX_BYTES} bytes, the most that an exception may have")]
    TooLarge,
    /// More files than are read.
    #[error("the folder has more than {MAX_FILES} exceptions, the most that are read: none of it is used")]
    TooMany,
    /// A file that is no exception.
    #[error("line {line}: {what}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What was found or expected.
        what: String,
    },
    /// A key with a value that it cannot have.
    #[error("`{key}`: {what}")]
    Value {
        /// The key.
        key: &'static str,
        /// What was found and what was expected.
        what: String,
    },
    /// An exception that nobody vouches for.
    #[error("it is not signed, expected a `[signature]` by a key that is trusted here")]
    NotSigned,
    /// A signature that does not hold, or is not trusted here.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A signature by another than the one who approves.
    #[error("approved by {approved_by}, but signed by {signed_by}: expected the same name")]
    Approver {
        /// The name in the exception.
        approved_by: String,
        /// The name of the key.
        signed_by: String,
    },
    /// A file under another name than its exception's.
    #[error("the file holds the exception {id}, expected it in a file {id}.toml")]
    FileName {
        /// The exception in it.
        id: String,
    },
    /// A second exception of one id.
    #[error("the exception {id} is there already")]
    Twice {
        /// The id.
        id: String,
    },
    /// An exception whose time is over.
    #[error("the exception {id} expired at {expires}")]
    Expired {
        /// The id.
        id: String,
        /// When, RFC 3339.
        expires: String,
    },
    /// An exception that was taken back.
    #[error("the exception {id} was revoked")]
    Revoked {
        /// The id.
        id: String,
    },
    /// An exception that is not there.
    #[error("there is no exception {id} here")]
    Unknown {
        /// The id.
        id: String,
    },
}

/// One exception, as it was read: whether it is trusted and in force is another question.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// Name, unique in an installation: 1 to 64 ASCII letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// Why it is there.
    pub reason: String,
    /// What it is for.
    pub scope: Scope,
    /// From when it is in force.
    pub effective: SystemTime,
    /// From when it is no longer, at most [`LONGEST`] after `effective`.
    pub expires: SystemTime,
    /// Who approved it: the name of the key that signed it.
    pub approved_by: String,
}

/// What an exception is for. All conditions must hold; one that is absent always does.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The rules whose findings it takes out; never empty.
    pub rules: Vec<String>,
    /// Digests of texts under the installation's key, 64 hexadecimal digits each.
    pub texts: Option<Vec<String>>,
    /// What the found bytes must be from end to end, or all of the text where a finding is on all of it.
    pub pattern: Option<Pattern>,
    /// Who produced the text.
    pub roles: Option<Vec<Role>>,
    /// The data slice that the request names.
    pub slices: Option<Vec<String>>,
    /// The language that the request names; `de` is also for `de-AT`.
    pub locales: Option<Vec<String>>,
}

/// A regular expression that matches from end to end.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    whole: Regex,
}

impl Pattern {
    /// Whether it matches all of `text`.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Scope {
    /// Whether it holds for every text, so that nothing of the named rules is left.
    #[must_use]
    pub const fn is_unlimited(&self) -> bool {
        self.texts.is_none()
            && self.pattern.is_none()
            && self.roles.is_none()
            && self.slices.is_none()
            && self.locales.is_none()
    }
}

impl Exception {
    /// Reads an exception, signed or not, and checks all but its signature.
    ///
    /// # Errors
    /// [`ExceptionError::TooLarge`], [`ExceptionError::Syntax`] and [`ExceptionError::Value`].
    pub fn parse(text: &str) -> Result<Self, ExceptionError> {
        read::exception(sign::split(text)?.body)
    }

    /// Reads an exception that is signed by a key of `ring`.
    ///
    /// # Errors
    /// As for [`Exception::parse`], and [`ExceptionError::NotSigned`], [`ExceptionError::Trust`] and [`ExceptionError::Approver`].
    pub fn parse_trusted(text: &str, ring: &crate::trust::KeyRing) -> Result<Self, ExceptionError> {
        let parts = sign::split(text)?;
        let exception = read::exception(parts.body)?;
        sign::verify(&parts, &exception, ring)?;
        Ok(exception)
    }

    /// Whether it is in force at `now`.
    #[must_use]
    pub fn is_in_force(&self, now: SystemTime) -> bool {
        self.effective <= now && now < self.expires
    }
}

/// A point in time as messages and files write it, in UTC.
#[must_use]
pub fn moment(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time)
        .map_or_else(|_| "a time out of range".to_owned(), |time| format!("{time:.0}"))
}
