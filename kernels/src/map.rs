//! Read-only file mapping, so that weights are used where they lie and shared between processes.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// A whole file mapped read-only and private into memory.
///
/// Pages are read from disk when first touched and can be dropped by the system again, so a mapped file adds
/// nothing to the process's private memory.
///
/// # What the caller must know
///
/// The map shows the file as it is, not as it was when opened. While a `MappedFile` lives:
///
/// - if another process **truncates** the file, touching a page past its new end kills this process (`SIGBUS` on
///   Unix, an in-page error on Windows). It is not an error that could be caught here;
/// - if another process **writes** to the file in place, the bytes seen here may change between two reads. Reading
///   such bytes as plain integers and floats stays within bounds, but what was checked (a digest, a header) may no
///   longer be what is computed from.
///
/// So map only files that nobody changes in place: install new weights under a new name and rename. Where files
/// cannot be trusted that far, read them into memory instead.
pub struct MappedFile {
    map: Mmap,
}

impl MappedFile {
    /// Maps the file at `path`, whole. An empty file gives an empty map.
    ///
    /// # Errors
    ///
    /// The error of the operating system when the file cannot be opened, is no regular file that can be mapped, or
    /// is too large for the address space.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the map is private and read-only, and this crate hands out only `&[u8]` into it. That the file
        // is neither truncated nor rewritten while mapped cannot be ensured from within a process; it is the
        // caller's part, stated in the type's documentation.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self { map })
    }

    /// The file's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.map
    }
}

impl fmt::Debug for MappedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedFile").field("bytes", &self.map.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn shows_the_bytes_of_the_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"sixteen tons").unwrap();
        let map = MappedFile::open(file.path()).unwrap();
        assert_eq!(map.as_bytes(), b"sixteen tons");
        assert_eq!(format!("{map:?}"), "MappedFile { bytes: 12 }");
    }

    #[test]
    fn an_empty_file_is_an_empty_map() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(MappedFile::open(file.path()).unwrap().as_bytes(), b"");
    }

    #[test]
    fn a_missing_file_is_the_error_of_the_system() {
        let dir = tempfile::tempdir().unwrap();
        let error = MappedFile::open(&dir.path().join("absent")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(MappedFile::open(dir.path()).is_err());
    }
}
