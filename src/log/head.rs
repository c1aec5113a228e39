//! What is signed of a log: how far it went at a moment, and from where on it was kept.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use blake3::Hash;
use serde::{Deserialize, Serialize};

use super::LogError;
use crate::disk::{self, Flush, Readers};
use crate::trust::{KeyRing, Purpose, Signature, SigningKey, TrustError};

/// The file of the newest signed head of the open segment, in the log's folder.
pub(super) const HEAD_FILE: &str = "head.json";
/// The file that says which segments were removed because of their age.
pub(super) const KEPT_FILE: &str = "kept.json";
/// Most bytes read of either.
const LIMIT: u64 = 1 << 16;

/// The signed statement that a log went up to an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Number of the segment, from 1.
    pub segment: u64,
    /// Number of the segment's first entry.
    pub first: u64,
    /// Number of the last entry that is vouched for.
    pub last: u64,
    /// The hash of that entry, 64 hexadecimal digits.
    pub hash: String,
    /// Whether the segment was closed with it.
    pub closed: bool,
    /// When, in UTC: RFC 3339 with microseconds.
    pub time: String,
    /// Whose statement it is.
    pub signature: Signature,
}

impl Head {
    pub(super) fn sign(
        key: &SigningKey,
        (segment, first, last): (u64, u64, u64),
        hash: &Hash,
        closed: bool,
        time: String,
    ) -> Self {
        let hash = hash.to_hex().to_string();
        let message = head_message(segment, first, last, &hash, closed, &time);
        let signature = key.sign(Purpose::Log, message.as_bytes());
        Self { segment, first, last, hash, closed, time, signature }
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn verify(&self, keys: &KeyRing) -> Result<(), TrustError> {
        let Self { segment, first, last, hash, closed, time, signature } = self;
        let message = head_message(*segment, *first, *last, hash, *closed, time);
        keys.verify(Purpose::Log, message.as_bytes(), signature).map(|_| ())
    }
}

/// The signed statement that all segments before one were removed because of their age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Number of the first segment that was kept.
    pub segment: u64,
    /// Number of its first entry.
    pub first: u64,
    /// The hash of the entry before that, 64 hexadecimal digits.
    pub previous: String,
    /// When, in UTC: RFC 3339 with microseconds.
    pub time: String,
    /// Whose statement it is.
    pub signature: Signature,
}

impl Kept {
    pub(super) fn sign(key: &SigningKey, segment: u64, first: u64, previous: &Hash, time: String) -> Self {
        let previous = previous.to_hex().to_string();
        let message = kept_message(segment, first, &previous, &time);
        let signature = key.sign(Purpose::Log, message.as_bytes());
        Self { segment, first, previous, time, signature }
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn verify(&self, keys: &KeyRing) -> Result<(), TrustError> {
        let message = kept_message(self.segment, self.first, &self.previous, &self.time);
        keys.verify(Purpose::Log, message.as_bytes(), &self.signature).map(|_| ())
    }
}

fn head_message(segment: u64, first: u64, last: u64, hash: &str, closed: bool, time: &str) -> String {
    let state = if closed { "closed" } else { "open" };
    format!("portcullis log head 1\n{segment}\n{first}\n{last}\n{hash}\n{state}\n{time}\n")
}

fn kept_message(segment: u64, first: u64, previous: &str, time: &str) -> String {
    format!("portcullis log kept 1\n{segment}\n{first}\n{previous}\n{time}\n")
}

/// A statement's file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stated<T> {
    /// The statement, its signature not checked yet.
    Said(T),
    /// A file that holds none.
    Unreadable,
    /// No file.
    Absent,
}

/// Reads a statement's file.
pub(super) fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Stated<T>, LogError> {
    let failed = |source| LogError::io("read", path, source);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stated::Absent),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    Ok(serde_json::from_slice(&bytes).map_or(Stated::Unreadable, Stated::Said))
}

/// Puts a statement in the place of the file, whole or not at all. The caller holds the log's lock.
pub(super) fn write<T: Serialize>(path: &Path, statement: &T, sync: bool) -> Result<(), LogError> {
    let mut bytes = serde_json::to_vec(statement).map_err(LogError::json)?;
    bytes.push(b'\n');
    let flush = if sync { Flush::First } else { Flush::Later };
    disk::replace(path, &path.with_extension("json.new"), &bytes, Readers::Owner, flush)
        .map_err(|source| LogError::io("write", path, source))
}
