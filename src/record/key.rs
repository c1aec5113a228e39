//! The installation's key, and the digests and decision ids made under it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::RecordError;
use crate::disk;

/// Name of the key's file in the state directory.
pub const KEY_FILE: &str = "installation.key";

const KEY_BYTES: usize = 32;
/// How often, and how long apart, a key file is read that another process has created but not yet written.
const READS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(2);

/// A random key of this installation. Without it a record's text digest cannot be compared with a guessed text.
#[derive(Clone)]
pub struct InstallationKey([u8; KEY_BYTES]);

impl InstallationKey {
    /// The key in the directory `state`; directory and key are made when absent, for their owner only.
    ///
    /// # Errors
    /// [`RecordError::Io`], [`RecordError::Random`], and for a file that is there: [`RecordError::KeyLength`] and, on
    /// Unix, [`RecordError::KeyMode`].
    pub fn load_or_create(state: &Path) -> Result<Self, RecordError> {
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| RecordError::Io { action, path, source }
        };
        disk::make_folder(state).map_err(failed("create", state))?;
        let path = state.join(KEY_FILE);
        match disk::private().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                let key = Self::ephemeral()?;
                file.write_all(&key.0).and_then(|()| file.sync_all()).map_err(failed("write", &path))?;
                Ok(key)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(&path),
            Err(error) => Err(failed("create", &path)(error)),
        }
    }

    /// A new key that is kept nowhere: digests made under it can be compared within this process only.
    ///
    /// # Errors
    /// [`RecordError::Random`].
    pub fn ephemeral() -> Result<Self, RecordError> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(|source| RecordError::Random { source })?;
        Ok(Self(key))
    }

    /// BLAKE3 of the text under this key: 64 hexadecimal digits.
    #[must_use]
    pub fn text_digest(&self, text: &str) -> String {
        blake3::keyed_hash(&self.derive("portcullis 1 text digest"), text.as_bytes()).to_hex().to_string()
    }

    /// Names the installation without giving its key away: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        blake3::Hash::from_bytes(self.derive("portcullis 1 installation id"))
            .to_hex()
            .chars()
            .take(16)
            .collect()
    }

    /// A key for one purpose, so that no two purposes share one.
    fn derive(&self, purpose: &str) -> [u8; KEY_BYTES] {
        blake3::derive_key(purpose, &self.0)
    }
}

impl fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationKey")
    }
}

/// Makes decision ids: 128 bits as 32 hexadecimal digits, of which the first 12 are the milliseconds since 1970, so
/// that ids sort by time, and the other 20 are BLAKE3, under the installation's key, of the time in nanoseconds, of a
/// random number of this process, of a counter and of the text's digest.
///
/// Two ids agree only if 80 bits of the hash do, also across processes that share a key and a clock.
#[derive(Debug)]
pub struct DecisionIds {
    key: [u8; KEY_BYTES],
    process: u64,
    count: AtomicU64,
}

impl DecisionIds {
    /// Ids under `key`.
    ///
    /// # Errors
    /// [`RecordError::Random`].
    pub fn new(key: &InstallationKey) -> Result<Self, RecordError> {
        let process = getrandom::u64().map_err(|source| RecordError::Random { source })?;
        Ok(Self { key: key.derive("portcullis 1 decision id"), process, count: AtomicU64::new(0) })
    }

    /// A new id for a decision at `time`. A time before 1970 counts as 1970.
    #[must_use]
    pub fn next(&self, time: SystemTime, text_digest: &str) -> String {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&since.as_nanos().to_le_bytes());
        hasher.update(&self.process.to_le_bytes());
        hasher.update(&self.count.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        hasher.update(text_digest.as_bytes());
        let hash: String = hasher.finalize().to_hex().chars().take(20).collect();
        format!("{:012x}{hash}", since.as_millis() & 0xffff_ffff_ffff)
    }
}

fn read(path: &Path) -> Result<InstallationKey, RecordError> {
    let failed = |source| RecordError::Io { action: "read", path: path.to_owned(), source };
    let mut found = 0;
    for round in 0..READS {
        if round > 0 {
            std::thread::sleep(PAUSE);
        }
        let file = File::open(path).map_err(failed)?;
        check_mode(&file, path)?;
        let mut bytes = Vec::new();
        file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        found = bytes.len();
        if let Ok(key) = bytes.try_into() {
            return Ok(InstallationKey(key));
        }
        if found > KEY_BYTES {
            break;
        }
    }
    Err(RecordError::KeyLength { path: path.to_owned(), found, expected: KEY_BYTES })
}

#[cfg(unix)]
fn check_mode(file: &File, path: &Path) -> Result<(), RecordError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|source| RecordError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    match metadata.permissions().mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(RecordError::KeyMode { path: path.to_owned(), mode }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_mode(_: &File, _: &Path) -> Result<(), RecordError> {
    Ok(())
}
