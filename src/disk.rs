//! Files and folders of a state directory: for their owner only, and there whole or not at all.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Who may read a file that is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    Owner,
    All,
}

/// When a file that is written has to be on the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flush {
    /// When the system puts it there.
    Later,
    /// Before it takes its name.
    First,
    /// Before it takes its name, and its name before the caller goes on.
    Named,
}

/// Makes a folder and those above it, its owner's only.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The options for a file that its owner only may read, where they make one.
pub(crate) fn private() -> OpenOptions {
    for_readers(Readers::Owner)
}

/// Opens the file that a lock is taken on, made where there is none.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    private().read(true).write(true).create(true).truncate(false).open(path)
}

/// Writes a file that was not there, and flushes it to the disk.
pub(crate) fn write_new(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    write(path, bytes, readers, Flush::First)
}

/// Writes a file that was not there, whole or not at all; one that is there stays.
pub(crate) fn link_new(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", getrandom::u64().map_err(io::Error::other)?));
    let new = path.with_file_name(name);
    // Linked, not renamed: a rename would take the place of what is there.
    let linked = write_new(&new, bytes, readers).and_then(|()| std::fs::hard_link(&new, path));
    let _ = std::fs::remove_file(&new);
    linked
}

/// Puts `bytes` in the place of the file `path`, at once: a reader sees all of the old or all of the new. They are written to `new`
/// first, which lies in the same folder and which no other writer uses.
pub(crate) fn replace(
    path: &Path,
    new: &Path,
    bytes: &[u8],
    readers: Readers,
    flush: Flush,
) -> io::Result<()> {
    // What a writer that was killed has left.
    match std::fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let renamed = write(new, bytes, readers, flush).and_then(|()| std::fs::rename(new, path));
    if renamed.is_err() {
        // What was begun is of no use; the first failure is the one that is told.
        let _ = std::fs::remove_file(new);
    }
    renamed?;
    match path.parent() {
        Some(folder) if flush == Flush::Named => sync_folder(folder),
        _ => Ok(()),
    }
}

/// Adds a line to a file of its owner's only, in one write, and flushes it to the disk.
pub(crate) fn add_line(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = private().append(true).create(true).open(path)?;
    file.write_all(line)?;
    file.sync_all()
}

/// Flushes to the disk which names a folder holds.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// The file's bytes; nothing where there is no file.
///
/// # Errors
/// Also when it has more than `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let what = format!("it has more than {limit} bytes, the most that are read of it");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(Some(bytes))
}

fn write(path: &Path, bytes: &[u8], readers: Readers, flush: Flush) -> io::Result<()> {
    let mut file = for_readers(readers).write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    if flush == Flush::Later { Ok(()) } else { file.sync_all() }
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has modes"))]
fn for_readers(readers: Readers) -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        if readers == Readers::Owner { 0o600 } else { 0o644 },
    );
    options
}
