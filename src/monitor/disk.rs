//! Files of the monitor: written whole, in place of those before them, and readable by their owner only.

use std::path::Path;

use super::MonitorError;
use crate::disk::{self, Flush, Readers};

/// Writes `bytes` to a new file beside `path` and gives it the name `path`: a reader sees the old file or the new one.
///
/// # Errors
/// [`MonitorError::Io`].
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), MonitorError> {
    replace_for(path, bytes, Readers::Owner)
}

/// The same for a file that everybody may read, such as one for a collector of another user.
///
/// # Errors
/// [`MonitorError::Io`].
pub fn publish(path: &Path, bytes: &[u8]) -> Result<(), MonitorError> {
    replace_for(path, bytes, Readers::All)
}

fn replace_for(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), MonitorError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let replaced = disk::replace(path, &path.with_file_name(name), bytes, readers, Flush::Later);
    replaced.map_err(|source| MonitorError::Io { action: "write", path: path.to_owned(), source })
}

/// Makes the folder and those above it, for their owner only.
pub(super) fn create_dir(path: &Path) -> Result<(), MonitorError> {
    disk::make_folder(path).map_err(|source| MonitorError::Io {
        action: "create",
        path: path.to_owned(),
        source,
    })
}
