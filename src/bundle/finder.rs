//! Looks tensors up in the header of a safetensors file: typed, shaped and aligned before one is used.

use std::ops::Range;

use safetensors::tensor::{Dtype, Metadata, SafeTensors};

use super::{BundleError, Bytes};

/// A header longer than this is refused before it is parsed, in bytes.
const HEADER_LIMIT: u64 = 1 << 20;
/// Quantized rows start on a cache line.
const ALIGNMENT: usize = 64;

/// Looks tensors up in the file's header.
pub(super) struct Finder<'a> {
    file: &'a str,
    /// First byte of the tensors' data in the file.
    start: usize,
    metadata: Metadata,
}

impl<'a> Finder<'a> {
    /// Reads the header, whose `__metadata__` has to say `expected`.
    ///
    /// # Errors
    /// [`BundleError::Safetensors`].
    pub(super) fn new(bytes: &Bytes, file: &'a str, expected: &[(&str, &str)]) -> Result<Self, BundleError> {
        let bad = |message: String| BundleError::Safetensors { file: file.to_owned(), message };
        let data = bytes.as_ref();
        let header = data.first_chunk::<8>().map(|raw| u64::from_le_bytes(*raw));
        match header {
            Some(length) if length <= HEADER_LIMIT => {}
            Some(length) => {
                return Err(bad(format!("the header has {length} bytes, expected at most {HEADER_LIMIT}")));
            }
            None => return Err(bad(format!("it has {} bytes, expected at least 8", data.len()))),
        }
        let (length, metadata) = SafeTensors::read_metadata(data).map_err(|e| bad(e.to_string()))?;
        let words = metadata.metadata().as_ref();
        for &(key, expected) in expected {
            let found = words.and_then(|words| words.get(key)).map_or("nothing", String::as_str);
            if found != expected {
                return Err(bad(format!("its metadata has {found:?} for {key}, expected {expected:?}")));
            }
        }
        Ok(Self { file, start: 8 + length, metadata })
    }

    /// The bytes of the file that hold the tensor `name`, whose type, shape and alignment are as called for.
    ///
    /// # Errors
    /// [`BundleError::MissingTensor`] and [`BundleError::Tensor`].
    pub(super) fn tensor(
        &self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
    ) -> Result<Range<usize>, BundleError> {
        let info = self.metadata.info(name).ok_or_else(|| BundleError::MissingTensor {
            file: self.file.to_owned(),
            tensor: name.to_owned(),
        })?;
        let bad = |found: String, expected: String| BundleError::Tensor {
            file: self.file.to_owned(),
            tensor: name.to_owned(),
            found,
            expected,
        };
        if info.dtype != dtype || info.shape != shape {
            return Err(bad(format!("{:?} {:?}", info.dtype, info.shape), format!("{dtype:?} {shape:?}")));
        }
        let (low, high) = info.data_offsets;
        let range = self.start + low..self.start + high;
        let alignment = if dtype == Dtype::I8 { ALIGNMENT } else { 4 };
        if !range.start.is_multiple_of(alignment) {
            return Err(bad(
                format!("its data at byte {}", range.start),
                format!("a multiple of {alignment}"),
            ));
        }
        Ok(range)
    }
}
