//! Which policy is in force: bundles kept under their digests, one of them named by a file that is changed at once.
//!
//! ```text
//! STATE/policies/active.toml       what is in force, since when and by whom
//! STATE/policies/history.jsonl     everything that was
//! STATE/policies/DIGEST/           a bundle as it was activated
//! STATE/keys/*.pub                 whose signatures are trusted
//! ```
//!
//! `active.toml` is replaced by a rename: whoever reads it, at any moment and after any crash, finds a whole bundle. Writers wait
//! for each other at a lock. A stored bundle that differs from its digest is refused, and so is the guard that should use it.

mod contents;
mod error;
mod history;
mod kept;
mod manifest;
mod open;
#[cfg(test)]
mod tests;

pub(crate) use contents::{Contents, Location, is_below};
pub use contents::{MAX_BYTES, MAX_FILES, POLICY_FILE, SIGNATURE_ENDING, SIGNATURE_FILE};
pub use error::StoreError;
pub use manifest::{ListedFile, Manifest, SignatureError, Validity, Vouched};
pub(crate) use open::open_among;
pub use open::{Opened, Trust, open, sign, signature_path, watched};

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use history::Record;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::installation::Installation;
use crate::log::{Event, Log};
use crate::policy::{Policy, Standing};
use crate::verdict::PolicyRef;

/// The folder of the state directory that holds the store.
pub const FOLDER: &str = "policies";

const LOCK_FILE: &str = "lock";
/// What the name of a bundle that is being copied begins with.
const COPYING: &str = "copying-";
/// Most characters of a name and of a reason.
const MAX_NAME: usize = 200;
const MAX_REASON: usize = 2000;

/// How a policy came to be in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// It was activated.
    Activated,
    /// It was gone back to.
    RolledBack,
}

/// A policy that is or was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Active {
    /// The policy.
    pub policy: PolicyRef,
    /// Its revision, 0 where it has none.
    pub revision: u64,
    /// The stored bundle: a folder, or a policy's file.
    pub path: PathBuf,
    /// Since when it is in force, RFC 3339.
    pub since: String,
    /// Who put it in force.
    pub by: String,
    /// How.
    pub change: Change,
    /// Why, where it was gone back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The name of the trusted key that signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

/// Looks at a policy that is about to be put in force, and says why it cannot be.
pub type Check<'a> = &'a dyn Fn(&Policy) -> Result<(), String>;

/// What an activation asks for beside the order of revisions.
#[derive(Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// Whether the policy may be of another id than the one in force.
    pub replace: bool,
    /// Whether a signature is asked for, whatever the installation says.
    pub require_signed: bool,
    /// The guard that is to use it.
    pub check: Option<Check<'a>>,
}

/// The policies of a state directory.
#[derive(Clone, Debug)]
pub struct Store {
    state: PathBuf,
    policies: PathBuf,
}

impl Store {
    /// The store of the state directory, which need not be there yet.
    ///
    /// # Errors
    /// [`StoreError::Io`] when `state` is something else than a folder.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        if state.exists() && !state.is_dir() {
            let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(StoreError::Io { action: "open", path: state.to_owned(), source });
        }
        Ok(Self { state: state.to_owned(), policies: state.join(FOLDER) })
    }

    /// What is in force; nothing where no policy was activated.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], and [`StoreError::Tampered`] when the stored bundle is not what was activated.
    pub fn active(&self) -> Result<Option<Active>, StoreError> {
        let Some(record) = history::active(&self.policies)? else { return Ok(None) };
        self.stored(&record)?;
        Ok(Some(record.active(&self.policies)))
    }

    /// What is in force and its policy, checked as the installation asks for; nothing where no policy was activated.
    ///
    /// # Errors
    /// As [`Store::active`]; also those of the policy and of its signature.
    pub fn open_active(&self, trust: &Trust) -> Result<Option<(Active, Policy)>, StoreError> {
        let Some(record) = history::active(&self.policies)? else { return Ok(None) };
        let opened = self.open_record(&record, trust)?;
        Ok(Some((record.active(&self.policies), opened.policy)))
    }

    /// The files whose change may mean another policy in force.
    pub(crate) fn watched(&self) -> Vec<PathBuf> {
        let mut files = vec![self.policies.join(history::ACTIVE_FILE)];
        if let Ok(Some(record)) = history::active(&self.policies) {
            files.extend(watched(&record.path(&self.policies)));
        }
        files
    }

    /// Everything that was in force, oldest first; the last is in force now.
    ///
    /// # Errors
    /// [`StoreError::Io`] and [`StoreError::Damaged`].
    pub fn history(&self) -> Result<Vec<Active>, StoreError> {
        Ok(self.records()?.iter().map(|record| record.active(&self.policies)).collect())
    }

    /// Puts the policy of a bundle in force: a folder with a `policy.toml`, or a policy's file and the files it names.
    ///
    /// The bundle is copied, and may be changed or removed afterwards. What is in force already stays so.
    ///
    /// # Errors
    /// [`StoreError`]. But for [`StoreError::Log`] what was in force still is.
    pub fn activate(&self, bundle: &Path, by: &str) -> Result<Active, StoreError> {
        self.activate_with(bundle, by, Conditions::default())
    }

    /// The same under conditions.
    ///
    /// # Errors
    /// As for [`Store::activate`].
    pub fn activate_with(
        &self,
        bundle: &Path,
        by: &str,
        conditions: Conditions<'_>,
    ) -> Result<Active, StoreError> {
        check_words("the name of who does it", by, MAX_NAME)?;
        let trust = Trust::of(Some(&self.state), conditions.require_signed)?;
        let contents = Contents::read(Location::of(bundle)?)?;
        let opened = open::open_contents(bundle, &contents, &trust)?;
        check_day(&opened.policy, trust.now())?;
        let _lock = self.lock()?;
        self.settle()?;
        let before = history::active(&self.policies)?;
        let content = contents.digest();
        let sealed = contents.sealed_digest();
        if let Some(before) = &before {
            if before.bundle == sealed {
                // A stored bundle that was changed is mended by this.
                self.keep(&contents, before)?;
                return Ok(before.active(&self.policies));
            }
            self.may_follow(&opened, &content, before, conditions.replace)?;
        }
        if let Some(check) = conditions.check {
            check(&opened.policy).map_err(|what| StoreError::Unusable { what })?;
        }
        let record = Record {
            time: now()?,
            change: Change::Activated,
            by: by.to_owned(),
            reason: None,
            id: opened.policy.id().to_owned(),
            version: opened.policy.version().to_owned(),
            digest: opened.policy.digest().to_owned(),
            revision: opened.revision,
            bundle: sealed,
            content,
            entry: contents.location.entry.clone(),
            whole: contents.location.whole,
            signed_by: opened.vouched.signed_by().map(str::to_owned),
            from: before.map(|before| before.policy()),
        };
        self.keep(&contents, &record)?;
        if self.open_record(&record, &trust).is_err() {
            return Err(StoreError::Moving { path: bundle.to_owned() });
        }
        self.put_in_force(&record)
    }

    /// Goes back to a revision that was in force: the last one of this number, or the one that was in force before, leaving
    /// out those that were themselves gone back from.
    ///
    /// # Errors
    /// [`StoreError`]. But for [`StoreError::Log`] what was in force still is.
    pub fn roll_back(&self, to: Option<u64>, by: &str, reason: &str) -> Result<Active, StoreError> {
        check_words("the name of who does it", by, MAX_NAME)?;
        check_words("the reason", reason, MAX_REASON)?;
        let trust = Trust::of(Some(&self.state), false)?;
        let _lock = self.lock()?;
        self.settle()?;
        let before = history::active(&self.policies)?
            .ok_or_else(|| StoreError::NoneActive { path: self.policies.clone() })?;
        let records = self.records()?;
        let target = match to {
            Some(revision) => {
                let same = records.iter().rev().filter(|record| record.revision == revision);
                // Another policy may have had the number, too.
                let (own, other): (Vec<_>, Vec<_>) = same.partition(|record| record.id == before.id);
                let found = own.into_iter().chain(other).next();
                found.cloned().ok_or_else(|| no_such(revision, &records))?
            }
            None => {
                let earlier = history::good(records).into_iter().rev();
                let mut earlier = earlier.filter(|record| record.content != before.content);
                earlier.next().ok_or(StoreError::NoEarlier { active: before.revision })?
            }
        };
        let opened = self.open_record(&target, &trust)?;
        check_day(&opened.policy, trust.now())?;
        let record = Record {
            time: now()?,
            change: Change::RolledBack,
            by: by.to_owned(),
            reason: Some(reason.to_owned()),
            signed_by: opened.vouched.signed_by().map(str::to_owned),
            from: Some(before.policy()),
            ..target
        };
        self.put_in_force(&record)
    }

    /// Whether a policy may come after the one in force.
    fn may_follow(
        &self,
        opened: &Opened,
        content: &str,
        before: &Record,
        replace: bool,
    ) -> Result<(), StoreError> {
        let (id, revision) = (opened.policy.id(), opened.revision);
        if id != before.id && !replace {
            return Err(StoreError::OtherPolicy { found: id.to_owned(), active: before.id.clone() });
        }
        if id == before.id && revision < before.revision {
            return Err(StoreError::LowerRevision { found: revision, active: before.revision });
        }
        let other =
            |record: &&Record| record.id == id && record.revision == revision && record.content != content;
        match self.records()?.iter().find(other) {
            Some(_) => Err(StoreError::SameRevision { id: id.to_owned(), revision, active: before.revision }),
            None => Ok(()),
        }
    }

    /// Names the record as what is in force, then tells the log and the history.
    fn put_in_force(&self, record: &Record) -> Result<Active, StoreError> {
        history::switch(&self.policies, record)?;
        self.tell(record)?;
        Ok(record.active(&self.policies))
    }

    fn tell(&self, record: &Record) -> Result<(), StoreError> {
        let settings = Installation::read(&self.state)?;
        if settings.log.enabled {
            Log::open(&self.state, &settings.log)?.append_event(event(record))?;
        }
        history::add(&self.policies, record)
    }

    /// Finishes what a killed writer has begun: its record, if it got as far as the switch, and its copies.
    fn settle(&self) -> Result<(), StoreError> {
        let failed = |source| StoreError::Io { action: "tidy", path: self.policies.clone(), source };
        for entry in std::fs::read_dir(&self.policies).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(COPYING)) {
                std::fs::remove_dir_all(entry.path()).map_err(failed)?;
            }
        }
        let active = history::active(&self.policies)?;
        match active {
            Some(active) if history::read_all(&self.policies)?.last() != Some(&active) => self.tell(&active),
            _ => Ok(()),
        }
    }

    /// The history with what is in force at its end, even where its line is not written yet.
    fn records(&self) -> Result<Vec<Record>, StoreError> {
        let mut records = history::read_all(&self.policies)?;
        if let Some(active) = history::active(&self.policies)?
            && records.last() != Some(&active)
        {
            records.push(active);
        }
        Ok(records)
    }

    /// Waits until no other writer is at work. The lock ends with the file that is answered.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.policies.join(LOCK_FILE);
        let failed = |source| StoreError::Io { action: "lock", path: path.clone(), source };
        disk::make_folder(&self.policies).map_err(failed)?;
        let file = disk::lock_file(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }
}

fn event(record: &Record) -> Event {
    let (policy, revision, by) = (record.policy(), record.revision, record.by.clone());
    match (record.change, &record.from) {
        (Change::RolledBack, Some(from)) => Event::PolicyRolledBack {
            from: from.clone(),
            to: policy,
            revision,
            by,
            reason: record.reason.clone().unwrap_or_default(),
        },
        _ => Event::PolicyActivated { policy, revision, by },
    }
}

fn no_such(found: u64, records: &[Record]) -> StoreError {
    let known: std::collections::BTreeSet<u64> = records.iter().map(|record| record.revision).collect();
    let known = known.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    StoreError::NoSuchRevision { found, known }
}

fn check_words(what: &'static str, words: &str, limit: usize) -> Result<(), StoreError> {
    let found = words.chars().count();
    let fits = (1..=limit).contains(&found) && !words.trim().is_empty();
    if fits && !words.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(StoreError::Words { what, found, limit })
    }
}

/// Whether the policy's own dates let it be in force now.
fn check_day(policy: &Policy, now: Timestamp) -> Result<(), StoreError> {
    let today = now.to_zoned(TimeZone::UTC).date();
    match policy.governance().standing(today) {
        Standing::InForce => Ok(()),
        Standing::NotBefore(effective) => Err(StoreError::NotEffective { effective, today }),
        Standing::ExpiredOn(expired) => Err(StoreError::Expired { expired, today }),
    }
}

fn now() -> Result<String, StoreError> {
    Ok(crate::record::timestamp(SystemTime::now()).map_err(crate::log::LogError::from)?)
}
