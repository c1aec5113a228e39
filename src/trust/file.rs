//! Key files: one line, its kind, its name and its bytes in base64.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use zeroize::Zeroizing;

use super::{BASE64, KEY_BYTES, TrustError, check_name};
use crate::disk::{self, Readers};

/// Most bytes read of a key file.
const LIMIT: u64 = 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Secret,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Public => "portcullis-public-key-1",
            Self::Secret => "portcullis-secret-key-1",
        }
    }
}

/// Name and bytes of the key in `path`.
pub(super) fn read(path: &Path, kind: Kind) -> Result<(String, Zeroizing<[u8; KEY_BYTES]>), TrustError> {
    let failed = |source| TrustError::Io { action: "read", path: path.to_owned(), source };
    let not_a_key = |what: String| TrustError::NotAKey { path: path.to_owned(), what };
    let file = File::open(path).map_err(failed)?;
    if kind == Kind::Secret {
        check_mode(&file, path)?;
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LIMIT).read_to_string(&mut text).map_err(failed)?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let &[word, name, bytes] = words.as_slice() else {
        return Err(not_a_key(format!("expected one line `{} NAME BASE64`", kind.word())));
    };
    if word != kind.word() {
        let other = if kind == Kind::Secret { Kind::Public } else { Kind::Secret };
        let found = if word == other.word() { other.word() } else { "something else" };
        return Err(not_a_key(format!("found {found}, expected {}", kind.word())));
    }
    check_name(name)?;
    let bytes = Zeroizing::new(BASE64.decode(bytes).map_err(|_| not_a_key("expected base64".to_owned()))?);
    let found = bytes.len();
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if found != KEY_BYTES {
        return Err(not_a_key(format!("found {found} bytes, expected {KEY_BYTES}")));
    }
    key.copy_from_slice(&bytes);
    Ok((name.to_owned(), key))
}

/// Writes a key to a file that was not there, whole or not at all.
pub(super) fn write(path: &Path, kind: Kind, name: &str, key: &[u8; KEY_BYTES]) -> Result<(), TrustError> {
    let failed = |source| TrustError::Io { action: "write", path: path.to_owned(), source };
    let line = Zeroizing::new(format!("{} {name} {}\n", kind.word(), *Zeroizing::new(BASE64.encode(key))));
    let readers = if kind == Kind::Secret { Readers::Owner } else { Readers::All };
    disk::link_new(path, line.as_bytes(), readers).map_err(failed)
}

#[cfg(unix)]
fn check_mode(file: &File, path: &Path) -> Result<(), TrustError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata =
        file.metadata().map_err(|source| TrustError::Io { action: "read", path: path.to_owned(), source })?;
    match metadata.permissions().mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(TrustError::KeyMode { path: path.to_owned(), mode }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_mode(_: &File, _: &Path) -> Result<(), TrustError> {
    Ok(())
}
