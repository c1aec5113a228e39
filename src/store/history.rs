//! What was in force, and when: one record for each change, the last of them in a file of its own.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::contents::is_below;
use super::{Active, Change, StoreError};
use crate::disk;
use crate::verdict::PolicyRef;

/// Names what is in force.
pub(super) const ACTIVE_FILE: &str = "active.toml";
/// Everything that was in force, one record a line.
pub(super) const HISTORY_FILE: &str = "history.jsonl";

/// Most bytes read of either.
const LIMIT: u64 = 64 << 20;

/// One change of what is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// When, RFC 3339.
    pub(super) time: String,
    pub(super) change: Change,
    pub(super) by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    pub(super) id: String,
    pub(super) version: String,
    /// The policy's digest, as verdicts name it.
    pub(super) digest: String,
    pub(super) revision: u64,
    /// BLAKE3 of the bundle without its signature.
    pub(super) content: String,
    /// BLAKE3 of the bundle with its signature: the name of its folder.
    pub(super) bundle: String,
    /// The policy's file in it.
    pub(super) entry: String,
    /// Whether the bundle is a folder, not the policy's file.
    pub(super) whole: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signed_by: Option<String>,
    /// What was in force before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<PolicyRef>,
}

impl Record {
    pub(super) fn policy(&self) -> PolicyRef {
        PolicyRef { id: self.id.clone(), version: self.version.clone(), digest: self.digest.clone() }
    }

    /// The record as others see it; `policies` is the store's folder.
    pub(super) fn active(&self, policies: &Path) -> Active {
        Active {
            policy: self.policy(),
            revision: self.revision,
            path: self.path(policies),
            since: self.time.clone(),
            by: self.by.clone(),
            change: self.change,
            reason: self.reason.clone(),
            signed_by: self.signed_by.clone(),
        }
    }

    /// What a guard reads: the bundle's folder, or its policy's file.
    pub(super) fn path(&self, policies: &Path) -> PathBuf {
        let folder = policies.join(&self.bundle);
        if self.whole { folder } else { folder.join(&self.entry) }
    }

    /// Whether its names are such as this store gives: it may not lead elsewhere.
    fn check(self, path: &Path, place: &str) -> Result<Self, StoreError> {
        let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let fits = is_digest(&self.bundle)
            && is_digest(&self.content)
            && is_below(&self.entry)
            && !self.entry.contains('/');
        if fits {
            Ok(self)
        } else {
            Err(damaged(path, format!("{place}expected digests of 64 hex digits and the name of a file")))
        }
    }
}

/// What is in force, as `active.toml` says.
pub(super) fn active(policies: &Path) -> Result<Option<Record>, StoreError> {
    let path = policies.join(ACTIVE_FILE);
    let Some(bytes) = read(&path)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged(&path, "expected UTF-8".to_owned()))?;
    let record: Record = toml::from_str(text).map_err(|error| damaged(&path, error.message().to_owned()))?;
    record.check(&path, "").map(Some)
}

/// Puts a record in force, at once.
pub(super) fn switch(policies: &Path, record: &Record) -> Result<(), StoreError> {
    let path = policies.join(ACTIVE_FILE);
    let text = toml::to_string(record).map_err(|error| damaged(&path, error.to_string()))?;
    disk::replace(
        &path,
        &path.with_extension("new"),
        text.as_bytes(),
        disk::Readers::Owner,
        disk::Flush::Named,
    )
    .map_err(|source| StoreError::Io { action: "write", path, source })
}

/// Every record, oldest first. A last line that a crash has cut short is passed over.
pub(super) fn read_all(policies: &Path) -> Result<Vec<Record>, StoreError> {
    let path = policies.join(HISTORY_FILE);
    let bytes = read(&path)?.unwrap_or_default();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let lines = bytes.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
    lines
        .enumerate()
        .map(|(number, line)| {
            let place = format!("line {}: ", number + 1);
            let record: Record = serde_json::from_slice(line)
                .map_err(|error| damaged(&path, format!("{place}column {}, no record", error.column())))?;
            record.check(&path, &place)
        })
        .collect()
}

/// Adds a record.
pub(super) fn add(policies: &Path, record: &Record) -> Result<(), StoreError> {
    let path = policies.join(HISTORY_FILE);
    let failed = |source| StoreError::Io { action: "append to", path: path.clone(), source };
    let bytes = read(&path)?.unwrap_or_default();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    if whole < bytes.len() {
        // The rest of a line that was never finished.
        let file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
        file.set_len(whole as u64).map_err(failed)?;
    }
    let mut line = serde_json::to_vec(record).map_err(|error| damaged(&path, error.to_string()))?;
    line.push(b'\n');
    disk::add_line(&path, &line).map_err(failed)?;
    disk::sync_folder(policies).map_err(failed)
}

/// What may be gone back to, the last of them in force: a rollback takes off what it went back from.
pub(super) fn good(records: Vec<Record>) -> Vec<Record> {
    let mut good: Vec<Record> = Vec::new();
    for record in records {
        let before = match record.change {
            Change::Activated => None,
            Change::RolledBack => good.iter().rposition(|earlier| earlier.content == record.content),
        };
        if let Some(before) = before {
            good.truncate(before);
        }
        good.push(record);
    }
    good
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    disk::read(path, LIMIT).map_err(|source| StoreError::Io { action: "read", path: path.to_owned(), source })
}

fn damaged(path: &Path, what: String) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), what }
}
