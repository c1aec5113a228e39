//! Bytes that live in the program's image or in a mapped file, shared without a copy.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use portcullis_kernels::map::MappedFile;

use super::BundleError;

/// A text file of a bundle may not be longer than this; only weights and vocabularies are.
const TEXT_LIMIT: usize = 1 << 20;

/// Read-only bytes of one file. Clones share the memory.
#[derive(Clone)]
pub struct Bytes(Place);

#[derive(Clone)]
enum Place {
    Image(&'static [u8]),
    Mapped(Arc<MappedFile>),
    Packed(Arc<MappedFile>, Range<usize>),
}

impl Bytes {
    /// Bytes of the program's own image.
    #[must_use]
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self(Place::Image(bytes))
    }

    /// Maps the file at `path`.
    ///
    /// # Errors
    /// [`BundleError::Open`].
    pub fn map(path: &Path) -> Result<Self, BundleError> {
        MappedFile::open(path)
            .map(|file| Self(Place::Mapped(Arc::new(file))))
            .map_err(|source| BundleError::Open { path: path.to_owned(), source })
    }

    /// The bytes of a packed file, which are a part of the mapped ones; none where that has no such range.
    pub(crate) const fn packed(map: Arc<MappedFile>, range: Range<usize>) -> Self {
        Self(Place::Packed(map, range))
    }

    /// `embedded`, `mapped` or `packed`.
    #[must_use]
    pub const fn origin(&self) -> &'static str {
        match self.0 {
            Place::Image(_) => "embedded",
            Place::Mapped(_) => "mapped",
            Place::Packed(..) => "packed",
        }
    }

    /// The bytes as text.
    ///
    /// # Errors
    /// [`BundleError::TooLong`] above 1 MiB and [`BundleError::NotText`]; `file` names it there.
    pub fn text(&self, file: &str) -> Result<&str, BundleError> {
        let bytes = self.as_ref();
        if bytes.len() > TEXT_LIMIT {
            return Err(BundleError::TooLong {
                file: file.to_owned(),
                found: bytes.len(),
                limit: TEXT_LIMIT,
            });
        }
        std::str::from_utf8(bytes)
            .map_err(|e| BundleError::NotText { file: file.to_owned(), at: e.valid_up_to() })
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Place::Image(bytes) => bytes,
            Place::Mapped(file) => file.as_bytes(),
            Place::Packed(file, range) => file.as_bytes().get(range.clone()).unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({}, {} bytes)", self.origin(), self.as_ref().len())
    }
}
