//! What is in a packed program and where: the index before its trailer, as JSON.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ImageError;
use crate::store::{MAX_FILES, is_below};

/// What is packed begins at a multiple of this: the largest unit in which a supported system maps files (64 KiB on Windows and on
/// some 64-bit ARM Linux; 16 KiB on Apple silicon, 4 KiB elsewhere). So does every file of at least that size.
pub const PAGE: u64 = 64 << 10;
/// A smaller file begins at a multiple of this: a cache line, which is the alignment that the kernels compute fastest from.
pub const LINE: u64 = 64;
/// The folder of the model's files.
pub(super) const MODELS: &str = "models/";
/// The folder of the policy's files.
pub(super) const POLICY: &str = "policy/";
/// Most files: those of the policy, and as many as a model may have.
const MOST_FILES: usize = MAX_FILES + 24;

/// A file in a packed program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedFile {
    /// Its path: below `models/` or `policy/`.
    pub path: String,
    /// Where it begins, in bytes of the whole file.
    pub offset: u64,
    /// Its size.
    pub bytes: u64,
    /// Its BLAKE3 in hex.
    pub blake3: String,
}

/// The program before the packed files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedProgram {
    /// Its size.
    pub bytes: u64,
    /// Its BLAKE3 in hex.
    pub blake3: String,
    /// The version of Portcullis that packed it.
    pub packed_by: String,
}

/// Which of the packed files is the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyPlace {
    /// Its path below `policy/`.
    pub(super) entry: String,
    /// Whether everything below `policy/` is of it.
    pub(super) whole: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub(super) program: PackedProgram,
    pub(super) policy: PolicyPlace,
    pub(super) files: Vec<PackedFile>,
}

impl Index {
    /// Reads the index `bytes` that begins at the byte `at` of the file `path`.
    ///
    /// # Errors
    /// [`ImageError::Damaged`].
    pub(super) fn parse(bytes: &[u8], path: &Path, at: u64) -> Result<Self, ImageError> {
        let damaged = |what: String| ImageError::Damaged { path: path.to_owned(), at, what };
        let index: Self =
            serde_json::from_slice(bytes).map_err(|error| {
                // What stands there instead may be anything and is not shown.
                let (line, column) = (error.line(), error.column());
                damaged(format!(
                    "the index, line {line} column {column}: expected an object of `program`, `policy` and `files`"
                ))
            })?;
        index.check(at).map_err(|what| damaged(format!("the index {what}")))?;
        Ok(index)
    }

    /// Where the packed files begin.
    pub(super) fn start(&self) -> u64 {
        // A sum that overflows was refused by `check`.
        round_up(self.program.bytes, PAGE).unwrap_or(u64::MAX)
    }

    /// The files' paths are plain and each is there once; they lie one after the other between the program and the index.
    fn check(&self, end: u64) -> Result<(), String> {
        if self.files.len() > MOST_FILES {
            return Err(format!("lists {} files, expected at most {MOST_FILES}", self.files.len()));
        }
        check_digest("program", &self.program.blake3)?;
        let mut free = round_up(self.program.bytes, PAGE).filter(|free| *free <= end).ok_or_else(|| {
            format!("has a program of {} bytes, expected it to end before", self.program.bytes)
        })?;
        let mut paths = std::collections::BTreeSet::new();
        for file in &self.files {
            // A path is shown as a string in JSON is: nothing in it reaches a terminal as it is.
            let name = format!("{:?}", file.path.chars().take(100).collect::<String>());
            if !is_plain(&file.path) {
                return Err(format!("names {name}, expected a plain path below {MODELS} or {POLICY}"));
            }
            if !paths.insert(file.path.as_str()) {
                return Err(format!("names {name} twice"));
            }
            check_digest(&name, &file.blake3)?;
            // There is one place for each, so that nothing can overlap or hide in between.
            let expected = round_up(free, alignment(file.bytes));
            if Some(file.offset) != expected {
                let expected = expected.unwrap_or(end);
                return Err(format!("has {name} at byte {}, expected it at {expected}", file.offset));
            }
            free = file.offset.checked_add(file.bytes).filter(|last| *last <= end).ok_or_else(|| {
                format!("has {name} with {} bytes, expected its end up to byte {end}", file.bytes)
            })?;
        }
        if free != end {
            return Err(format!("has its last file end at byte {free}, expected {end}"));
        }
        let entry = format!("{POLICY}{}", self.policy.entry);
        if !paths.contains(entry.as_str()) {
            let name = self.policy.entry.chars().take(100).collect::<String>();
            return Err(format!("names the policy {name:?}, expected one of its files below {POLICY}"));
        }
        Ok(())
    }
}

/// A multiple of what a file of this size begins at.
pub(super) const fn alignment(bytes: u64) -> u64 {
    if bytes < PAGE { LINE } else { PAGE }
}

/// The least multiple of `unit` that is not below `at`.
pub(super) fn round_up(at: u64, unit: u64) -> Option<u64> {
    at.checked_next_multiple_of(unit)
}

/// Whether a path is below one of the two folders, and written in the one way that there is.
pub(super) fn is_plain(path: &str) -> bool {
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(is_below);
    // Path parts leave out what `a//b` and `a/./b` have more.
    let whole = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    path.len() <= 1024 && (below(MODELS) || below(POLICY)) && whole
}

fn check_digest(name: &str, digest: &str) -> Result<(), String> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digest.len() == 64 && digest.bytes().all(hex) {
        Ok(())
    } else {
        Err(format!("has a digest of {name} that is not 64 lower-case hex digits"))
    }
}
