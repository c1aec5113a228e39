//! The exceptions of a running guard: read again when a file of theirs changes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use super::{Exceptions, MAX_FILES, Sources};

/// How often files are looked at, at most.
const EVERY: Duration = Duration::from_secs(1);

/// The exceptions of some folders, as they are now.
#[derive(Debug)]
pub struct Watch {
    sources: Sources,
    every: Duration,
    current: RwLock<Arc<Exceptions>>,
    looked: Mutex<Looked>,
}

#[derive(Debug)]
struct Looked {
    at: Instant,
    found: Vec<Stamp>,
}

/// A file, as far as it can be told without reading it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    folder: usize,
    name: OsString,
    bytes: u64,
    changed: Option<SystemTime>,
    inode: u64,
}

impl Watch {
    /// Reads the exceptions of `sources` for the first time.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        // Before they are read: a change in between is then seen as one.
        let found = stamps(&sources.watched());
        let current = RwLock::new(Arc::new(Exceptions::read(&sources, SystemTime::now())));
        Self { sources, every: EVERY, current, looked: Mutex::new(Looked { at: Instant::now(), found }) }
    }

    /// A watch on the same state directory and on another policy bundle.
    #[must_use]
    pub fn with_bundle(&self, bundle: Option<&Path>) -> Self {
        let sources = Sources { state: self.sources.state.clone(), bundle: bundle.map(Path::to_owned) };
        Self::new(sources).every(self.every)
    }

    /// The same, looked at no more often than this.
    #[must_use]
    pub const fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Where they come from.
    #[must_use]
    pub const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The exceptions, read again if their files have changed. Files are looked at once a second at most.
    #[must_use]
    pub fn current(&self) -> Arc<Exceptions> {
        if self.sources != Sources::default()
            && let Ok(mut looked) = self.looked.try_lock()
            && looked.at.elapsed() >= self.every
        {
            looked.at = Instant::now();
            let found = stamps(&self.sources.watched());
            if found != looked.found {
                let read = Arc::new(Exceptions::read(&self.sources, SystemTime::now()));
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
                looked.found = found;
            }
        }
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn stamps(folders: &[PathBuf]) -> Vec<Stamp> {
    let mut stamps = Vec::new();
    for (folder, path) in folders.iter().enumerate() {
        let Ok(entries) = fs::read_dir(path) else { continue };
        // Of two kinds of files each folder holds one more than is read, at most.
        for entry in entries.flatten().take(2 * MAX_FILES + 2) {
            let Ok(metadata) = fs::metadata(entry.path()) else { continue };
            let (name, bytes, changed) = (entry.file_name(), metadata.len(), metadata.modified().ok());
            stamps.push(Stamp { folder, name, bytes, changed, inode: inode(&metadata) });
        }
    }
    stamps.sort_unstable();
    stamps
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
const fn inode(_: &fs::Metadata) -> u64 {
    0
}
