//! What can be told of files without reading them: whether they may have changed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file system may keep times no finer than this: a file written twice within it can look the same.
const GRAIN: Duration = Duration::from_secs(2);

/// The times, sizes and numbers of some files at one moment.
#[derive(Debug)]
pub(super) struct Stamp {
    files: Vec<(PathBuf, Option<Mark>)>,
    /// Whether every file had been at rest for longer than [`GRAIN`].
    settled: bool,
}

/// What is known of one file.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    modified: Option<SystemTime>,
    bytes: u64,
    /// Its number, which is another after a rename.
    number: u64,
}

impl Stamp {
    /// Of these files, there or not.
    pub(super) fn of(files: &[PathBuf]) -> Self {
        let now = SystemTime::now();
        let files: Vec<_> = files.iter().map(|path| (path.clone(), Mark::of(path))).collect();
        let rests = |mark: &Mark| {
            let modified = mark.modified.unwrap_or(now);
            // A time ahead of the clock says nothing of when the file was written.
            now.duration_since(modified).is_ok_and(|age| age > GRAIN)
        };
        let settled = files.iter().filter_map(|(_, mark)| mark.as_ref()).all(rests);
        Self { files, settled }
    }

    /// Whether the files of a later stamp are surely these.
    pub(super) fn is_same(&self, later: &Self) -> bool {
        self.settled && self.files == later.files
    }
}

impl Mark {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let number = 0;
        Some(Self { modified: metadata.modified().ok(), bytes: metadata.len(), number })
    }
}
