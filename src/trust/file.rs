//! Key files: one line, its kind, its name and its bytes in base64.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use zeroize::Zeroizing;

use super::{BASE64, KEY_BYTES, TrustError, check_name};

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
    // Made under another name and linked: nobody ever reads half a key, and an existing file stays.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let unique = getrandom::u64().map_err(|source| TrustError::Random { source })?;
    name.push(format!(".{unique:016x}.new"));
    let new = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if kind == Kind::Secret { 0o600 } else { 0o644 });
    let written = options.open(&new).and_then(|mut file| {
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        std::fs::hard_link(&new, path)
    });
    let _ = std::fs::remove_file(&new);
    written.map_err(failed)
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
