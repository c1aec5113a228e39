//! The bundles that a store keeps, each under its digest.

use super::contents::{Contents, Location, SIGNATURE_FILE};
use super::history::{self, Record};
use super::{COPYING, Opened, Store, StoreError, Trust, open};
use crate::disk;

impl Store {
    /// Copies a bundle into the store, unless it is there.
    pub(super) fn keep(&self, contents: &Contents, record: &Record) -> Result<(), StoreError> {
        if self.stored(record).is_ok() {
            return Ok(());
        }
        let unique = getrandom::u64().map_err(|source| crate::trust::TrustError::Random { source })?;
        let copy = self.policies.join(format!("{COPYING}{unique:016x}"));
        let written = || -> std::io::Result<()> {
            disk::make_folder(&copy)?;
            let signature = contents.location.signature();
            let signature = signature.file_name().and_then(|name| name.to_str()).unwrap_or(SIGNATURE_FILE);
            let files = contents.files.iter().map(|(path, bytes)| (path.as_str(), bytes));
            let mut folders = std::collections::BTreeSet::from([copy.clone()]);
            for (path, bytes) in files.chain(contents.signature.iter().map(|bytes| (signature, bytes))) {
                let path = copy.join(path);
                for folder in path.ancestors().skip(1).take_while(|folder| **folder != copy) {
                    folders.insert(folder.to_owned());
                }
                path.parent().map_or(Ok(()), disk::make_folder)?;
                disk::write_new(&path, bytes, disk::Readers::Owner)?;
            }
            folders.iter().try_for_each(|folder| disk::sync_folder(folder))?;
            let place = self.policies.join(&record.bundle);
            if place.symlink_metadata().is_ok() {
                // It is not what its name says; a folder cannot be replaced at once, and nobody may use this one.
                std::fs::rename(&place, self.policies.join(format!("{COPYING}{unique:016x}-old")))?;
            }
            std::fs::rename(&copy, &place)?;
            disk::sync_folder(&self.policies)
        };
        written().map_err(|source| StoreError::Io {
            action: "copy the bundle to",
            path: copy.clone(),
            source,
        })
    }

    /// The contents of a record's stored bundle, as its digest says.
    pub(super) fn stored(&self, record: &Record) -> Result<Contents, StoreError> {
        let path = record.path(&self.policies);
        let folder = self.policies.join(&record.bundle);
        let location = Location { folder, entry: record.entry.clone(), whole: record.whole };
        let contents = Contents::read(location)?;
        let found = contents.sealed_digest();
        if found == record.bundle && contents.digest() == record.content {
            Ok(contents)
        } else {
            Err(StoreError::Tampered { path, found, expected: record.bundle.clone() })
        }
    }

    /// The policy of a record, as it was when the record was made.
    pub(super) fn open_record(&self, record: &Record, trust: &Trust) -> Result<Opened, StoreError> {
        let path = record.path(&self.policies);
        let contents = self.stored(record)?;
        let opened = open::open_contents(&path, &contents, trust)?;
        if opened.policy.reference() != record.policy() || opened.revision != record.revision {
            let path = self.policies.join(history::ACTIVE_FILE);
            let what = "it says another policy than the bundle it names".to_owned();
            return Err(StoreError::Damaged { path, what });
        }
        Ok(opened)
    }
}
