//! The key under which rewrites hash.

use std::fmt;
use zeroize::Zeroizing;

/// Least bytes of a key's source.
pub const LEAST_KEY_BYTES: usize = 16;

/// Parts the keys of hashes from those of other purposes.
const PURPOSE: &str = "portcullis 1 rewrite hash";
/// The same for synthetic values.
const SYNTHETIC: &str = "portcullis 1 rewrite synthetic";
/// Hexadecimal digits of a hash in a text: 48 bits, so that among a million values two rarely meet.
const DIGITS: usize = 12;

/// A key for hashed and synthetic replacements: under one key equal values get equal ones.
#[derive(Clone)]
pub struct HashKey {
    hash: Zeroizing<[u8; 32]>,
    synthetic: Zeroizing<[u8; 32]>,
}

impl HashKey {
    /// The key made from a secret, such as the bytes of a file; nothing for fewer than [`LEAST_KEY_BYTES`].
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        (secret.len() >= LEAST_KEY_BYTES).then(|| Self {
            hash: Zeroizing::new(blake3::derive_key(PURPOSE, secret)),
            synthetic: Zeroizing::new(blake3::derive_key(SYNTHETIC, secret)),
        })
    }

    /// BLAKE3 of the text under the key, shortened to 12 hexadecimal digits.
    pub(super) fn hash(&self, text: &str) -> String {
        blake3::keyed_hash(&self.hash, text.as_bytes()).to_hex().chars().take(DIGITS).collect()
    }

    /// Bytes to make a synthetic value of the text from; without a key anybody can make the same.
    pub(super) fn seed(key: Option<&Self>, text: &str) -> [u8; 32] {
        match key {
            Some(key) => *blake3::keyed_hash(&key.synthetic, text.as_bytes()).as_bytes(),
            None => blake3::derive_key(SYNTHETIC, text.as_bytes()),
        }
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}
