//! Files of the monitor: written whole, in place of those before them, and readable by their owner only.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use super::MonitorError;

/// Writes `bytes` to a new file beside `path` and gives it the name `path`: a reader sees the old file or the new one.
///
/// # Errors
/// [`MonitorError::Io`].
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), MonitorError> {
    replace_for(path, bytes, 0o600)
}

/// The same for a file that everybody may read, such as one for a collector of another user.
///
/// # Errors
/// [`MonitorError::Io`].
pub fn publish(path: &Path, bytes: &[u8]) -> Result<(), MonitorError> {
    replace_for(path, bytes, 0o644)
}

fn replace_for(path: &Path, bytes: &[u8], mode: u32) -> Result<(), MonitorError> {
    let failed = |action| move |source| MonitorError::Io { action, path: path.to_owned(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let written = with_mode(&mut options, mode).open(&new).and_then(|mut file| file.write_all(bytes));
    let renamed = written.and_then(|()| fs::rename(&new, path));
    if renamed.is_err() {
        // What was begun is of no use; the first failure is the one that is told.
        _ = fs::remove_file(&new);
    }
    renamed.map_err(failed("write"))
}

/// Opens a file for appending, for its owner only where it is made.
pub(super) fn append(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    private(&mut options).open(path)
}

/// Makes the folder and those above it, for their owner only.
pub(super) fn create_dir(path: &Path) -> Result<(), MonitorError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| MonitorError::Io {
        action: "create",
        path: path.to_owned(),
        source,
    })
}

/// The options, with read and write for the owner only where a file is created.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    with_mode(options, 0o600)
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has modes"))]
fn with_mode(options: &mut OpenOptions, mode: u32) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
    options
}
