//! The texts of escalated cases, each encrypted to one recipient by age (<https://age-encryption.org/v1>), for review.
//!
//! The guard holds no key that opens them. Without a recipient in the installation's settings nothing is kept.

#[cfg(all(test, feature = "samples"))]
mod tests;

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use thiserror::Error;
use zeroize::Zeroizing;

#[cfg(feature = "samples")]
use crate::disk::{self, Flush, Readers};
use crate::installation::SampleSettings;

/// The folder of the state directory that holds them.
pub const FOLDER: &str = "samples";
/// Most bytes read of a sample, and of an identity.
#[cfg(feature = "samples")]
const LIMIT: u64 = 256 << 20;
const EXTENSION: &str = "age";

/// Why a sample cannot be kept or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SamplesError {
    /// A file or folder that cannot be created, read, written or removed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A recipient that is none.
    #[error("samples.recipient is not an age recipient: {what}, expected one that begins with age1")]
    Recipient {
        /// What is wrong with it.
        what: String,
    },
    /// A build without the feature `samples`.
    #[error("this build keeps no samples: it was made without the feature `samples`")]
    Unsupported,
    /// An id that names no file.
    #[error("a decision id has 32 hexadecimal digits, found {found} characters")]
    Id {
        /// Characters found.
        found: usize,
    },
    /// A sample that cannot be encrypted or decrypted.
    #[error("cannot {action} the sample of {id}: {what}")]
    Cipher {
        /// What was tried.
        action: &'static str,
        /// The decision's id.
        id: String,
        /// Why it failed.
        what: String,
    },
}

/// The store of a state directory.
#[derive(Debug)]
pub struct Samples {
    folder: PathBuf,
    retain: Option<Duration>,
    #[cfg(feature = "samples")]
    recipient: Option<Recipient>,
}

#[cfg(feature = "samples")]
#[derive(Debug)]
struct Recipient(String);

impl Samples {
    /// Opens the store; nothing is made on the disk before the first sample.
    ///
    /// # Errors
    /// [`SamplesError::Recipient`] for a recipient that is none, and [`SamplesError::Unsupported`] for any in a build without the
    /// feature `samples`.
    pub fn open(state: &Path, settings: &SampleSettings) -> Result<Self, SamplesError> {
        let days = u64::from(settings.retain_days);
        let retain = (days > 0).then(|| Duration::from_secs(days * 86_400));
        let folder = state.join(FOLDER);
        #[cfg(feature = "samples")]
        {
            let recipient =
                settings.recipient.clone().map(|recipient| parse(&recipient).map(|_| Recipient(recipient)));
            Ok(Self { folder, retain, recipient: recipient.transpose()? })
        }
        #[cfg(not(feature = "samples"))]
        match settings.recipient {
            Some(_) => Err(SamplesError::Unsupported),
            None => Ok(Self { folder, retain }),
        }
    }

    /// Encrypts the text of a decision and keeps it, whole or not at all. Without a recipient it does nothing.
    ///
    /// # Errors
    /// [`SamplesError`].
    #[cfg(feature = "samples")]
    pub fn put(&self, decision_id: &str, text: &str) -> Result<(), SamplesError> {
        let Some(Recipient(recipient)) = &self.recipient else { return Ok(()) };
        let path = self.path(decision_id)?;
        let cipher = age::encrypt(&parse(recipient)?, text.as_bytes());
        let cipher = cipher.map_err(|error| failed("encrypt", decision_id, &error))?;
        disk::make_folder(&self.folder).map_err(io_error("create", &self.folder))?;
        let new = path.with_extension("age.new");
        disk::replace(&path, &new, &cipher, Readers::Owner, Flush::Later).map_err(io_error("write", &path))
    }

    /// Keeps nothing.
    ///
    /// # Errors
    /// [`SamplesError::Unsupported`].
    #[cfg(not(feature = "samples"))]
    pub fn put(&self, _: &str, _: &str) -> Result<(), SamplesError> {
        Err(SamplesError::Unsupported)
    }

    /// The text of a decision, by the identity (`AGE-SECRET-KEY-1…`) of the recipient.
    ///
    /// # Errors
    /// [`SamplesError`].
    #[cfg(feature = "samples")]
    pub fn read(&self, decision_id: &str, identity: &str) -> Result<String, SamplesError> {
        let path = self.path(decision_id)?;
        let mut cipher = Vec::new();
        let file = fs::File::open(&path).map_err(io_error("read", &path))?;
        file.take(LIMIT).read_to_end(&mut cipher).map_err(io_error("read", &path))?;
        // The file of `age-keygen` has comments around the key.
        let line = identity.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let identity = line.unwrap_or_default().parse::<age::x25519::Identity>();
        let identity = identity.map_err(|what| failed("decrypt", decision_id, &what))?;
        let text = age::decrypt(&identity, &cipher);
        let text = text.map_err(|error| failed("decrypt", decision_id, &error))?;
        String::from_utf8(text).map_err(|_| failed("decrypt", decision_id, &"it holds no text"))
    }

    /// Reads nothing.
    ///
    /// # Errors
    /// [`SamplesError::Unsupported`].
    #[cfg(not(feature = "samples"))]
    pub fn read(&self, _: &str, _: &str) -> Result<String, SamplesError> {
        Err(SamplesError::Unsupported)
    }

    /// Removes the samples that are older than the settings keep them, and says how many.
    ///
    /// # Errors
    /// [`SamplesError::Io`].
    pub fn remove_expired(&self) -> Result<usize, SamplesError> {
        let before = self.retain.and_then(|retain| SystemTime::now().checked_sub(retain));
        let Some(before) = before else { return Ok(0) };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(io_error("read", &self.folder)(error)),
        };
        let mut removed = 0;
        for entry in entries {
            let path = entry.map_err(io_error("read", &self.folder))?.path();
            let made = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let is_old = made.is_ok_and(|made| made < before);
            if is_old && path.extension().is_some_and(|extension| extension == EXTENSION) {
                fs::remove_file(&path).map_err(io_error("remove", &path))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The file of a decision.
    #[cfg(feature = "samples")]
    fn path(&self, decision_id: &str) -> Result<PathBuf, SamplesError> {
        let is_id = decision_id.len() == 32 && decision_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id {
            Ok(self.folder.join(format!("{decision_id}.{EXTENSION}")))
        } else {
            Err(SamplesError::Id { found: decision_id.chars().count() })
        }
    }
}

/// Reads an identity's file.
///
/// # Errors
/// [`SamplesError::Io`].
pub fn read_identity(path: &Path) -> Result<Zeroizing<String>, SamplesError> {
    let mut text = Zeroizing::new(String::new());
    let file = fs::File::open(path).map_err(io_error("read", path))?;
    file.take(1 << 16).read_to_string(&mut text).map_err(io_error("read", path))?;
    Ok(text)
}

#[cfg(feature = "samples")]
fn parse(recipient: &str) -> Result<age::x25519::Recipient, SamplesError> {
    recipient.parse().map_err(|what: &str| SamplesError::Recipient { what: what.to_owned() })
}

#[cfg(feature = "samples")]
fn failed(action: &'static str, id: &str, what: &dyn std::fmt::Display) -> SamplesError {
    SamplesError::Cipher { action, id: id.to_owned(), what: what.to_string() }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SamplesError + use<> {
    let path = path.to_owned();
    move |source| SamplesError::Io { action, path, source }
}
