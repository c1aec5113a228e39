//! A policy from a file, or from a bundle: a directory with a `policy.toml` and what belongs to it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{MAX_POLICY_BYTES, Policy, PolicyErrors};

/// The policy's file in a bundle.
pub const BUNDLE_FILE: &str = "policy.toml";

/// Why a policy cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyOpenError {
    /// A file that cannot be read.
    #[error("cannot read the policy {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said, or what is wrong with its bytes.
        source: io::Error,
    },
    /// A policy with mistakes.
    #[error("the policy is not valid")]
    Invalid(#[from] PolicyErrors),
}

impl Policy {
    /// Reads the policy of a file, or of a bundle: a directory with a `policy.toml`. Word lists, heads and JSON Schemas are
    /// read from the same directory.
    ///
    /// # Errors
    /// [`PolicyOpenError`]; every mistake of the policy at once.
    pub fn open(path: &Path) -> Result<Self, PolicyOpenError> {
        let (file, text) = read_source(path)?;
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Ok(Self::parse_in(&text, &file.display().to_string(), folder)?)
    }

    /// The same of files in memory: the policy's is called `entry`.
    pub(crate) fn open_among(
        files: &BTreeMap<String, Vec<u8>>,
        entry: &str,
    ) -> Result<Self, PolicyOpenError> {
        let failed = |source| PolicyOpenError::File { path: PathBuf::from(entry), source };
        let bytes = files.get(entry).ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let text = std::str::from_utf8(bytes).map_err(|error| failed(not_text(&error)))?;
        Ok(Self::parse_among(text, entry, files)?)
    }
}

fn not_text(error: &std::str::Utf8Error) -> io::Error {
    let at = error.valid_up_to() + 1;
    let message = format!("it is not UTF-8 from byte {at} on, expected UTF-8 text");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// The path of the policy's file and what it holds; `path` names it or its bundle.
pub(super) fn read_source(path: &Path) -> Result<(PathBuf, String), PolicyOpenError> {
    let path = file_of(path);
    let failed = |source| PolicyOpenError::File { path: path.clone(), source };
    let limit = u64::try_from(MAX_POLICY_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = File::open(&path).map_err(failed)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_POLICY_BYTES {
        let message = format!("it has more than the {MAX_POLICY_BYTES} bytes that a policy may have");
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    let text = String::from_utf8(bytes).map_err(|error| failed(not_text(&error.utf8_error())))?;
    Ok((path, text))
}

/// The policy's file, where `path` may be its bundle.
#[must_use]
pub fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(BUNDLE_FILE) } else { path.to_owned() }
}
