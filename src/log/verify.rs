//! Whether a log is what was written: every line, its place in the chain, and what was signed for.

mod finding;
mod segment_check;

pub use finding::{Finding, FindingKind};

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use blake3::Hash;
use serde::Serialize;

use super::head::{self, HEAD_FILE, Head, KEPT_FILE, Kept, Stated};
use super::{FOLDER, LogError, PUBLIC_KEY_FILE, envelope, segment};
use crate::trust::{KeyRing, PublicKey};
use segment_check::Check;

/// Most findings that are gathered; a log with more is no better known by them.
const MOST: usize = 100;

/// What a log was found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Segments read.
    pub segments: u64,
    /// Lines read, those that begin and close segments included.
    pub entries: u64,
    /// Verdicts among them.
    pub decisions: u64,
    /// Events among them.
    pub events: u64,
    /// Number of the first entry.
    pub first: Option<u64>,
    /// Number of the last entry.
    pub last: Option<u64>,
    /// The hash of the last entry, 64 hexadecimal digits.
    pub hash: Option<String>,
    /// Number of the last entry that is signed for.
    pub signed: Option<u64>,
    /// What does not hold, in the order of the log; at most 100.
    pub problems: Vec<Finding>,
    /// What is unusual and holds.
    pub notes: Vec<Finding>,
}

impl Report {
    /// Whether nothing was found that does not hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn problem(&mut self, finding: Finding) {
        if self.problems.len() < MOST {
            self.problems.push(finding);
        }
    }

    pub(super) fn note(&mut self, finding: Finding) {
        if self.notes.len() < MOST {
            self.notes.push(finding);
        }
    }
}

/// Checks a log without changing it.
#[derive(Debug)]
pub struct Verifier {
    folder: PathBuf,
    keys: KeyRing,
    /// A head kept elsewhere, which the log must still reach.
    known: Option<Head>,
}

impl Verifier {
    /// Checks the log of the state directory by the public key that lies in it.
    ///
    /// # Errors
    /// [`LogError`] when there is a log and the key cannot be read.
    pub fn new(state: &Path) -> Result<Self, LogError> {
        let path = state.join(PUBLIC_KEY_FILE);
        let keys = if path.exists() { vec![PublicKey::read(&path)?] } else { Vec::new() };
        Self::with_keys(state, keys)
    }

    /// Checks the log of the state directory by keys that were kept elsewhere.
    ///
    /// # Errors
    /// [`LogError`] when two of them have one name.
    pub fn with_keys(state: &Path, keys: Vec<PublicKey>) -> Result<Self, LogError> {
        Ok(Self { folder: state.join(FOLDER), keys: KeyRing::new(keys)?, known: None })
    }

    /// Asks that the log still holds the entry of this head, which was kept elsewhere: a copy of a `head.json`.
    #[must_use]
    pub fn reaching(mut self, head: Head) -> Self {
        self.known = Some(head);
        self
    }

    /// Reads the whole log.
    ///
    /// # Errors
    /// [`LogError::Io`]. What does not hold is in the report.
    pub fn verify(&self) -> Result<Report, LogError> {
        let mut report = Report::default();
        let numbers = segment::list(&self.folder)?;
        let head: Stated<Head> = head::read(&self.folder.join(HEAD_FILE))?;
        let kept = self.kept(&mut report)?;
        // The entries that must be there, with the hashes that they must have.
        let mut awaited: BTreeMap<u64, (Hash, &'static str)> = BTreeMap::new();
        match &head {
            Stated::Said(head) => self.signed(head, HEAD_FILE, &mut awaited, &mut report),
            Stated::Unreadable => {
                report.problem(Finding::of_file(FindingKind::Head, HEAD_FILE, "a signed head", "none"));
            }
            Stated::Absent => {}
        }
        if let Some(head) = &self.known {
            self.signed(head, "the head given", &mut awaited, &mut report);
        }
        let mut check = Check::new(&self.keys, kept.as_ref(), awaited, &mut report);
        for number in &numbers {
            let path = segment::path(&self.folder, *number);
            let file = match File::open(&path) {
                Ok(file) => file,
                // Removed because of its age, since the folder was read; a gap is found by its numbers.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => return Err(LogError::io("open", &path, source)),
            };
            let read = check.segment(*number, &mut BufReader::with_capacity(1 << 16, file));
            read.map_err(|source| LogError::io("read", &path, source))?;
        }
        check.finish();
        // A log that has only begun may not have been signed for yet.
        if head == Stated::Absent && report.entries > 1 {
            report.problem(Finding::of_file(FindingKind::Head, HEAD_FILE, "a signed head", "no file"));
        }
        Ok(report)
    }

    fn kept(&self, report: &mut Report) -> Result<Option<Kept>, LogError> {
        Ok(match head::read::<Kept>(&self.folder.join(KEPT_FILE))? {
            Stated::Said(kept) => match kept.verify(&self.keys) {
                Ok(()) => Some(kept),
                Err(error) => {
                    let found = error.to_string();
                    report.problem(Finding::of_file(
                        FindingKind::Signature,
                        KEPT_FILE,
                        "a signature",
                        &found,
                    ));
                    None
                }
            },
            Stated::Unreadable => {
                let expected = "a signed statement of what was kept";
                report.problem(Finding::of_file(FindingKind::Head, KEPT_FILE, expected, "none"));
                None
            }
            Stated::Absent => None,
        })
    }

    /// Takes up what a signed head asks for.
    fn signed(
        &self,
        head: &Head,
        name: &'static str,
        awaited: &mut BTreeMap<u64, (Hash, &'static str)>,
        report: &mut Report,
    ) {
        if let Err(error) = head.verify(&self.keys) {
            let found = error.to_string();
            report.problem(Finding::of_file(FindingKind::Signature, name, "a signature that holds", &found));
            return;
        }
        let Ok(hash) = Hash::from_hex(&head.hash) else { return };
        if let Some((other, _)) = awaited.insert(head.last, (hash, name))
            && other != hash
        {
            let finding = Finding::of_file(
                FindingKind::Head,
                name,
                &format!("the hash {} for entry {}, as in {HEAD_FILE}", finding::short(&other), head.last),
                &finding::short(&hash),
            );
            report.problem(finding);
        }
        report.signed = report.signed.max(Some(head.last));
    }
}

/// The hash of a `previous`; zeros where it is none.
fn hash_of(hex: &str) -> Hash {
    Hash::from_hex(hex).unwrap_or(envelope::NOTHING)
}
