//! Who vouches for what: Ed25519 keys (RFC 8032), the keys that an installation trusts, and signatures over what is signed
//! for one purpose only.
//!
//! A key is one line of a file, in the same form whether it is public or secret:
//!
//! ```text
//! portcullis-public-key-1 NAME BASE64
//! portcullis-secret-key-1 NAME BASE64
//! ```
//!
//! Whether a signature is asked for is never read from what is signed: the caller says so.

mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a secret and of a public key.
const KEY_BYTES: usize = 32;
/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 64;
/// Most keys that an installation trusts.
pub const MAX_KEYS: usize = 1000;

/// Why a key cannot be used or a signature does not hold.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A key file or folder that cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file that holds no key of the kind.
    #[error("{} is not a key: {what}", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        what: String,
    },
    /// A secret key that others can read.
    #[error("{} has mode {mode:03o}, expected 600: whoever reads the key can sign with it", path.display())]
    KeyMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A name that cannot stand in a key's line.
    #[error("a key's name has 1 to 64 ASCII letters, digits, `.`, `_`, `@` and `-`, found {found:?}")]
    Name {
        /// The name.
        found: String,
    },
    /// Two trusted keys of one name.
    #[error("two trusted keys have the name {name}")]
    SameName {
        /// The name.
        name: String,
    },
    /// More keys than are read.
    #[error("{} has more than {MAX_KEYS} keys", path.display())]
    TooManyKeys {
        /// The folder.
        path: PathBuf,
    },
    /// A signature by a key that is not trusted.
    #[error("signed by {name} ({id}), a key that is not trusted here")]
    Untrusted {
        /// The name that the signature gives.
        name: String,
        /// The key's id that it gives.
        id: String,
    },
    /// A signature that is not one.
    #[error("the signature is not one: {what}")]
    Malformed {
        /// What was found and what was expected.
        what: &'static str,
    },
    /// A signature of something else, for something else, or by another.
    #[error(
        "the signature by {name} does not hold: what was signed has been changed, or was signed for another purpose"
    )]
    Broken {
        /// Whose it should be.
        name: String,
    },
    /// No random bytes from the system.
    #[error("no random bytes for a key: {source}")]
    Random {
        /// Why it failed.
        source: getrandom::Error,
    },
}

/// What a signature is for. One made for one purpose does not hold for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The manifest of a policy bundle.
    Policy,
    /// A head that was taught.
    Head,
    /// An exception from a policy.
    Exception,
    /// The head of a log segment.
    Log,
    /// The index of a packed program.
    Image,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Head => "head",
            Self::Exception => "exception",
            Self::Log => "log",
            Self::Image => "packed program",
        }
    }
}

/// A key that signs. Its bytes are overwritten when it is dropped, and `Debug` does not show them.
pub struct SigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// A new key of this name.
    ///
    /// # Errors
    /// [`TrustError::Name`] and [`TrustError::Random`].
    pub fn generate(name: &str) -> Result<Self, TrustError> {
        check_name(name)?;
        let mut seed = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *seed).map_err(|source| TrustError::Random { source })?;
        Ok(Self { name: name.to_owned(), key: ed25519_dalek::SigningKey::from_bytes(&seed) })
    }

    /// Reads a secret key's file, which must be its owner's only.
    ///
    /// # Errors
    /// [`TrustError::Io`], [`TrustError::NotAKey`] and [`TrustError::KeyMode`].
    pub fn read(path: &Path) -> Result<Self, TrustError> {
        let (name, seed) = file::read(path, file::Kind::Secret)?;
        Ok(Self { name, key: ed25519_dalek::SigningKey::from_bytes(&seed) })
    }

    /// Writes the key to a new file that only its owner can read; an existing file is never overwritten.
    ///
    /// # Errors
    /// [`TrustError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), TrustError> {
        file::write(path, file::Kind::Secret, &self.name, &Zeroizing::new(self.key.to_bytes()))
    }

    /// The key of this name in `path`, made there if there is none. Safe between processes.
    ///
    /// # Errors
    /// As for [`SigningKey::generate`], [`SigningKey::write`] and [`SigningKey::read`].
    pub fn read_or_generate(path: &Path, name: &str) -> Result<Self, TrustError> {
        if !path.exists() {
            let key = Self::generate(name)?;
            match key.write(path) {
                Ok(()) => return Ok(key),
                Err(TrustError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Self::read(path)
    }

    /// Who signs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that checks this one's signatures.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// Signs `message` for `purpose`.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> Signature {
        let signature = self.key.sign(&signed(purpose, message));
        Signature {
            signed_by: self.name.clone(),
            key: self.public().id(),
            signature: BASE64.encode(signature.to_bytes()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A key that checks signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

impl PublicKey {
    /// Reads a public key's file.
    ///
    /// # Errors
    /// [`TrustError::Io`] and [`TrustError::NotAKey`].
    pub fn read(path: &Path) -> Result<Self, TrustError> {
        let (name, bytes) = file::read(path, file::Kind::Public)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| TrustError::NotAKey {
            path: path.to_owned(),
            what: "its bytes are no point of the curve".to_owned(),
        })?;
        Ok(Self { name, key })
    }

    /// Writes the key to a new file; an existing file is never overwritten.
    ///
    /// # Errors
    /// [`TrustError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), TrustError> {
        file::write(path, file::Kind::Public, &self.name, self.key.as_bytes())
    }

    /// Whose key it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first 16 hexadecimal digits of the key's BLAKE3.
    #[must_use]
    pub fn id(&self) -> String {
        blake3::hash(self.key.as_bytes()).to_hex().chars().take(16).collect()
    }

    /// Checks that `signature` is this key's, over `message` and for `purpose`. Weak keys and malleable signatures are refused
    /// (`verify_strict`).
    ///
    /// # Errors
    /// [`TrustError::Malformed`] and [`TrustError::Broken`].
    pub fn verify(&self, purpose: Purpose, message: &[u8], signature: &Signature) -> Result<(), TrustError> {
        let bytes = BASE64
            .decode(&signature.signature)
            .map_err(|_| TrustError::Malformed { what: "expected base64 (RFC 4648, section 4)" })?;
        let bytes: [u8; SIGNATURE_BYTES] =
            bytes.try_into().map_err(|_| TrustError::Malformed { what: "expected 64 bytes" })?;
        self.key
            .verify_strict(&signed(purpose, message), &ed25519_dalek::Signature::from_bytes(&bytes))
            .map_err(|_| TrustError::Broken { name: self.name.clone() })
    }
}

/// A signature, and whose it says to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The name of the key, for people.
    pub signed_by: String,
    /// [`PublicKey::id`] of the key.
    pub key: String,
    /// The 64 bytes of the signature in base64.
    pub signature: String,
}

/// The public keys that an installation trusts.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: Vec<PublicKey>,
}

impl KeyRing {
    /// A ring of these keys.
    ///
    /// # Errors
    /// [`TrustError::SameName`].
    pub fn new(keys: Vec<PublicKey>) -> Result<Self, TrustError> {
        let mut names = BTreeSet::new();
        match keys.iter().find(|key| !names.insert(key.name())) {
            Some(key) => Err(TrustError::SameName { name: key.name().to_owned() }),
            None => Ok(Self { keys }),
        }
    }

    /// The keys of a folder: every file in it whose name ends in `.pub`. A folder that is not there holds none.
    ///
    /// # Errors
    /// [`TrustError::Io`], [`TrustError::TooManyKeys`], [`TrustError::SameName`], and that of the first file that is no key.
    pub fn read_dir(folder: &Path) -> Result<Self, TrustError> {
        let failed = |source| TrustError::Io { action: "read", path: folder.to_owned(), source };
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "pub") {
                paths.push(path);
            }
            if paths.len() > MAX_KEYS {
                return Err(TrustError::TooManyKeys { path: folder.to_owned() });
            }
        }
        paths.sort();
        Self::new(paths.iter().map(|path| PublicKey::read(path)).collect::<Result<_, _>>()?)
    }

    /// The keys, in the order of their files.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Checks `signature` over `message` for `purpose`, and says whose it is.
    ///
    /// # Errors
    /// [`TrustError::Untrusted`] when no key of the ring has the signature's id, and those of [`PublicKey::verify`].
    pub fn verify(
        &self,
        purpose: Purpose,
        message: &[u8],
        signature: &Signature,
    ) -> Result<&PublicKey, TrustError> {
        let key = self.keys.iter().find(|key| key.id() == signature.key).ok_or_else(|| {
            TrustError::Untrusted { name: shown(&signature.signed_by), id: shown(&signature.key) }
        })?;
        key.verify(purpose, message, signature)?;
        Ok(key)
    }
}

/// What is signed: the purpose, NUL, and the BLAKE3 of the message.
fn signed(purpose: Purpose, message: &[u8]) -> Vec<u8> {
    let mut bytes = format!("portcullis 1 signature of a {}\0", purpose.as_str()).into_bytes();
    bytes.extend_from_slice(blake3::hash(message).as_bytes());
    bytes
}

fn check_name(name: &str) -> Result<(), TrustError> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte));
    if fits { Ok(()) } else { Err(TrustError::Name { found: shown(name) }) }
}

/// Something from outside, as a message may show it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic()).take(64).collect()
}
