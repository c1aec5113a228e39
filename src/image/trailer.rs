//! The last bytes of a packed program: where its index is, and the digest of that.
//!
//! ```text
//!  0  u64  offset of the index in the file
//!  8  u64  bytes of the index
//! 16  u64  bytes of the signature, which follows the index; 0 where there is none
//! 24  u32  format version, 1
//! 28  u32  0
//! 32  32 bytes  BLAKE3 of index and signature
//! 64  16 bytes  `PORTCULLIS PACK\n`
//! ```
//!
//! Numbers are little-endian. The signature ends where these bytes begin.

use std::path::Path;

use super::ImageError;

/// Bytes of a trailer.
pub(super) const BYTES: usize = 80;
/// The format that is written, and the only one that is read.
pub(super) const FORMAT: u32 = 1;
/// Most bytes of an index and of a signature.
pub(super) const MOST_INDEX: u64 = 1 << 20;
pub(super) const MOST_SIGNATURE: u64 = 4096;

const MAGIC: [u8; 16] = *b"PORTCULLIS PACK\n";

/// A trailer that fits the file that it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trailer {
    /// Where the index begins in the file.
    pub(super) index: u64,
    pub(super) index_bytes: u64,
    pub(super) signature_bytes: u64,
    /// BLAKE3 of both.
    pub(super) digest: [u8; 32],
}

impl Trailer {
    /// Reads the trailer `bytes` of the file `path`, which is `length` bytes long.
    ///
    /// # Errors
    /// [`ImageError::NotPacked`], [`ImageError::Format`] and [`ImageError::Damaged`].
    pub(super) fn parse(bytes: &[u8; BYTES], path: &Path, length: u64) -> Result<Self, ImageError> {
        let (head, rest) = bytes.split_at(32);
        let (digest, magic) = rest.split_at(32);
        if magic != MAGIC {
            return Err(ImageError::NotPacked { path: path.to_owned() });
        }
        let (words, _) = head.as_chunks::<8>();
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let mut word = || words.next().unwrap_or_default();
        let (index, index_bytes, signature_bytes, last) = (word(), word(), word(), word());
        // The low half of the last one, and the high half that has to be zero.
        if last != u64::from(FORMAT) {
            let found = u32::try_from(last & u64::from(u32::MAX)).unwrap_or_default();
            return Err(ImageError::Format { path: path.to_owned(), found, expected: FORMAT });
        }
        let at = length.saturating_sub(BYTES as u64);
        let damaged = |what: String| ImageError::Damaged { path: path.to_owned(), at, what };
        if !(1..=MOST_INDEX).contains(&index_bytes) {
            let what = format!("an index of {index_bytes} bytes, expected from 1 to {MOST_INDEX}");
            return Err(damaged(what));
        }
        if signature_bytes > MOST_SIGNATURE {
            let what = format!("a signature of {signature_bytes} bytes, expected at most {MOST_SIGNATURE}");
            return Err(damaged(what));
        }
        // The sum of the other two cannot overflow.
        if index.checked_add(index_bytes + signature_bytes) != Some(at) {
            return Err(damaged(format!(
                "an index of {index_bytes} bytes at {index} and a signature of {signature_bytes}, expected them to end at {at}"
            )));
        }
        let mut copy = [0; 32];
        copy.copy_from_slice(digest);
        Ok(Self { index, index_bytes, signature_bytes, digest: copy })
    }

    /// The bytes of it.
    pub(super) fn to_bytes(self) -> [u8; BYTES] {
        let words = [self.index, self.index_bytes, self.signature_bytes, u64::from(FORMAT)];
        let parts = words.iter().flat_map(|word| word.to_le_bytes()).chain(self.digest).chain(MAGIC);
        let mut bytes = [0; BYTES];
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        bytes
    }
}
