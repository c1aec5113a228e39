//! Read-only file mapping, so that weights are used where they lie and shared between processes.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

/// A file, or a range of one, mapped read-only and private into memory.
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

    /// Maps `length` bytes of the opened `file` from byte `offset` on; none give an empty map.
    ///
    /// The offset need not lie at the start of a page: the map begins at the page that holds it.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the file ends before the range does, and the error of the operating system when it
    /// cannot be mapped.
    pub fn range(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        let end = u64::try_from(length).ok().and_then(|length| offset.checked_add(length));
        // Pages past the end of a file can be mapped, but not touched.
        if end.is_none_or(|end| file.metadata().is_ok_and(|metadata| metadata.len() < end)) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // SAFETY: as in `open`; the range was inside the file a moment ago, and that the file stays as long is the
        // caller's part.
        let map = unsafe { MmapOptions::new().offset(offset).len(length).map(file) }?;
        Ok(Self { map })
    }

    /// The mapped bytes.
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
    fn a_range_is_the_bytes_in_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..20_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        file.write_all(&bytes).unwrap();
        for (offset, length) in [(0, 20_000), (4096, 100), (5000, 15_000), (20_000, 0), (0, 0)] {
            let map = MappedFile::range(file.as_file(), offset as u64, length).unwrap();
            assert_eq!(map.as_bytes(), &bytes[offset..offset + length]);
        }
        for (offset, length) in [(0, 20_001), (20_000, 1), (1 << 40, 1), (u64::MAX, 1), (1, usize::MAX)] {
            let error = MappedFile::range(file.as_file(), offset, length).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn a_missing_file_is_the_error_of_the_system() {
        let dir = tempfile::tempdir().unwrap();
        let error = MappedFile::open(&dir.path().join("absent")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(MappedFile::open(dir.path()).is_err());
    }
}
