//! The exceptions of an installation and of a policy bundle, read from their folders.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::read::{check_id, shown};
use super::{Exception, ExceptionError, MAX_BYTES, MAX_FILES, moment};
use crate::disk;
use crate::trust::KeyRing;

/// The folder of exceptions, in a state directory and in a policy bundle.
pub const FOLDER: &str = "exceptions";
/// The end of the name of the file in a state directory that takes an exception back, in place of `toml`.
pub const REVOKED: &str = "revoked";
/// The folder of a state directory with the keys that are trusted.
const KEYS: &str = "keys";

/// Where exceptions come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The state directory: its exceptions, its revocations, and its keys. Without one no key is trusted, and no exception is used.
    pub state: Option<PathBuf>,
    /// The directory of the policy bundle.
    pub bundle: Option<PathBuf>,
}

/// The exceptions that may be used, and the files that are not.
#[derive(Debug, Default)]
pub struct Exceptions {
    list: Vec<Exception>,
    ignored: Vec<Ignored>,
}

/// A file that is not used, and why.
#[derive(Debug)]
pub struct Ignored {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub why: ExceptionError,
}

impl Ignored {
    /// Whether somebody should look at it: one that was revoked is as it should be.
    #[must_use]
    pub const fn is_warning(&self) -> bool {
        !matches!(self.why, ExceptionError::Revoked { .. })
    }
}

impl Sources {
    /// Those of a state directory and of a policy bundle.
    #[must_use]
    pub fn new(state: Option<&Path>, bundle: Option<&Path>) -> Self {
        Self { state: state.map(Path::to_owned), bundle: bundle.map(Path::to_owned) }
    }

    /// The folders with exceptions, that of the state directory first.
    pub fn folders(&self) -> impl Iterator<Item = PathBuf> {
        self.state.iter().chain(&self.bundle).map(|folder| folder.join(FOLDER))
    }

    /// The keys that are trusted.
    ///
    /// # Errors
    /// As for [`KeyRing::read_dir`].
    pub fn keys(&self) -> Result<KeyRing, ExceptionError> {
        Ok(match &self.state {
            Some(state) => KeyRing::read_dir(&state.join(KEYS))?,
            None => KeyRing::default(),
        })
    }

    /// Every folder in which a change may change what is in force.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        self.folders().chain(self.state.iter().map(|state| state.join(KEYS))).collect()
    }
}

impl Exceptions {
    /// Reads all exceptions. What cannot be used at `now` is listed and passed over; nothing that is wrong with a file keeps the
    /// others from being used.
    #[must_use]
    pub fn read(sources: &Sources, now: SystemTime) -> Self {
        let mut all = Self::default();
        let ring = match sources.keys() {
            Ok(ring) => ring,
            Err(why) => {
                let path = sources.state.iter().map(|state| state.join(KEYS)).next().unwrap_or_default();
                all.ignored.push(Ignored { path, why });
                KeyRing::default()
            }
        };
        let mut known = BTreeSet::new();
        for folder in sources.folders() {
            let files = match files(&folder) {
                Ok(files) => files,
                Err(why) => {
                    all.ignored.push(Ignored { path: folder, why });
                    continue;
                }
            };
            for path in files {
                match exception(&path, &ring, sources.state.as_deref(), now) {
                    Ok(exception) if known.insert(exception.id.clone()) => all.list.push(exception),
                    Ok(exception) => {
                        all.ignored.push(Ignored { path, why: ExceptionError::Twice { id: exception.id } });
                    }
                    Err(why) => all.ignored.push(Ignored { path, why }),
                }
            }
        }
        all.list.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// These exceptions, trusted already.
    #[must_use]
    pub fn of(mut list: Vec<Exception>) -> Self {
        list.sort_by(|a, b| a.id.cmp(&b.id));
        Self { list, ignored: Vec::new() }
    }

    /// Those that may be used, by id; each says when.
    #[must_use]
    pub fn list(&self) -> &[Exception] {
        &self.list
    }

    /// The files that are not used.
    #[must_use]
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// Whether none may be used.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Reads the exception of a file that must be called as it is, signed, not over and not revoked.
fn exception(
    path: &Path,
    ring: &KeyRing,
    state: Option<&Path>,
    now: SystemTime,
) -> Result<Exception, ExceptionError> {
    let exception = Exception::read(path, ring)?;
    if path.file_stem().is_none_or(|stem| stem != exception.id.as_str()) {
        return Err(ExceptionError::FileName { id: exception.id });
    }
    if state.is_some_and(|state| is_revoked(state, &exception.id)) {
        return Err(ExceptionError::Revoked { id: exception.id });
    }
    if exception.expires <= now {
        return Err(ExceptionError::Expired { expires: moment(exception.expires), id: exception.id });
    }
    Ok(exception)
}

impl Exception {
    /// Reads a file with an exception that is signed by a key of `ring`.
    ///
    /// # Errors
    /// [`ExceptionError::Io`], and as for [`Exception::parse_trusted`].
    pub fn read(path: &Path, ring: &KeyRing) -> Result<Self, ExceptionError> {
        Self::parse_trusted(&text(path)?, ring)
    }
}

/// The text of an exception's file.
///
/// # Errors
/// [`ExceptionError::Io`], [`ExceptionError::TooLarge`] and [`ExceptionError::Syntax`].
pub(super) fn text(path: &Path) -> Result<String, ExceptionError> {
    let failed = |source| ExceptionError::Io { action: "read", path: path.to_owned(), source };
    // A pipe under such a name would keep the guard waiting.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "expected a regular file")));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_BYTES {
        return Err(ExceptionError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = valid.filter(|byte| **byte == b'\n').count() + 1;
        ExceptionError::Syntax { line, what: "it is not UTF-8".to_owned() }
    })
}

/// The files of a folder that should hold exceptions, by name. A folder that is not there has none.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ExceptionError> {
    let failed = |source| ExceptionError::Io { action: "read", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
        if paths.len() > MAX_FILES {
            return Err(ExceptionError::TooMany);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether an exception was taken back: the file is enough, whatever it holds.
fn is_revoked(state: &Path, id: &str) -> bool {
    let path = state.join(FOLDER).join(format!("{id}.{REVOKED}"));
    // What cannot be looked at counts as taken back.
    !matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

impl Sources {
    /// Takes up the exception in `text`, which a trusted key must have signed; answers it and its file.
    ///
    /// # Errors
    /// As for [`Exception::parse_trusted`], and [`ExceptionError::Twice`], [`ExceptionError::Revoked`], [`ExceptionError::Expired`] and
    /// [`ExceptionError::Io`].
    pub fn add(&self, text: &str, now: SystemTime) -> Result<(Exception, PathBuf), ExceptionError> {
        let exception = Exception::parse_trusted(text, &self.keys()?)?;
        let state = self.state.as_deref().ok_or(ExceptionError::NotSigned)?;
        if is_revoked(state, &exception.id) {
            return Err(ExceptionError::Revoked { id: exception.id });
        }
        if exception.expires <= now {
            return Err(ExceptionError::Expired { expires: moment(exception.expires), id: exception.id });
        }
        let path = state.join(FOLDER).join(format!("{}.toml", exception.id));
        match write_new(&path, text) {
            Ok(()) => Ok((exception, path)),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                Err(ExceptionError::Twice { id: exception.id })
            }
            Err(source) => Err(ExceptionError::Io { action: "write", path, source }),
        }
    }
}

/// Takes an exception back for good: its id cannot be used again in this installation. It needs no signature, as it makes the guard
/// stricter. Answers false where it had been taken back already.
///
/// # Errors
/// [`ExceptionError::Value`] for what is no id, [`ExceptionError::Unknown`] for an exception that neither folder has, and
/// [`ExceptionError::Io`].
pub fn revoke(
    sources: &Sources,
    id: &str,
    by: &str,
    reason: &str,
    now: SystemTime,
) -> Result<bool, ExceptionError> {
    check_id(id)?;
    let state = sources.state.as_deref().ok_or_else(|| ExceptionError::Unknown { id: id.to_owned() })?;
    if !sources.folders().any(|folder| folder.join(format!("{id}.toml")).exists()) {
        return Err(ExceptionError::Unknown { id: id.to_owned() });
    }
    let path = state.join(FOLDER).join(format!("{id}.{REVOKED}"));
    let entry = |key: &str, value: &str| format!("{key} = {}\n", toml::Value::String(shown(value)));
    let text =
        [entry("id", id), entry("by", by), entry("reason", reason), entry("time", &moment(now))].concat();
    match write_new(&path, &text) {
        Ok(()) => Ok(true),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(ExceptionError::Io { action: "write", path, source }),
    }
}

/// Writes a file that was not there, whole or not at all, for its owner only; its folder is made where there is none.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    path.parent().map_or(Ok(()), disk::make_folder)?;
    disk::link_new(path, text.as_bytes(), disk::Readers::Owner)
}
