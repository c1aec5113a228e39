//! What a policy bundle holds: every file of a folder, or a policy's file and the files that it names.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use super::StoreError;
use crate::policy::SIGNATURE_ENDING as HEAD_SIGNATURE;

/// The policy's file in a folder.
pub const POLICY_FILE: &str = "policy.toml";
/// The file of a folder's signature.
pub const SIGNATURE_FILE: &str = "SIGNATURE.json";
/// What the name of a file's signature ends in.
pub const SIGNATURE_ENDING: &str = ".signature.json";

/// Most files of a bundle.
pub const MAX_FILES: usize = 1000;
/// Most bytes of a bundle.
pub const MAX_BYTES: u64 = 64 << 20;
/// Most bytes of a signature's file.
const MAX_SIGNATURE_BYTES: u64 = 1 << 20;
/// Most folders one in the other.
const MAX_DEPTH: usize = 16;

/// Where a bundle is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// The folder that its paths start from.
    pub(crate) folder: PathBuf,
    /// The policy's file in it.
    pub(crate) entry: String,
    /// Whether the folder is all of it.
    pub(crate) whole: bool,
}

impl Location {
    /// The bundle that `path` means: a folder, or a policy's file. The policy of a signed folder means the folder.
    pub(crate) fn of(path: &Path) -> Result<Self, StoreError> {
        if path.is_dir() {
            return Ok(Self { folder: path.to_owned(), entry: POLICY_FILE.to_owned(), whole: true });
        }
        let entry = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| StoreError::Unfit {
            path: path.to_owned(),
            what: "expected a file with a name in UTF-8".to_owned(),
        })?;
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let whole = entry == POLICY_FILE && folder.join(SIGNATURE_FILE).exists();
        Ok(Self { folder, entry: entry.to_owned(), whole })
    }

    /// The policy's file.
    pub(crate) fn policy(&self) -> PathBuf {
        self.folder.join(&self.entry)
    }

    /// Where its signature belongs.
    pub(crate) fn signature(&self) -> PathBuf {
        match self.whole {
            true => self.folder.join(SIGNATURE_FILE),
            false => self.folder.join(format!("{}{SIGNATURE_ENDING}", self.entry)),
        }
    }

    /// The paths of its files below the folder, sorted, without the signature's.
    pub(super) fn files(&self) -> Result<Vec<String>, StoreError> {
        let mut files = Vec::new();
        if self.whole {
            walk(&self.folder, "", 0, &mut files)?;
            files.retain(|file| file != SIGNATURE_FILE);
        } else {
            files.push(self.entry.clone());
            // A head's signature goes with it.
            let with_signature = |file: String| [format!("{file}{HEAD_SIGNATURE}"), file];
            let named = named(&read(&self.policy(), MAX_BYTES)?).into_iter().flat_map(with_signature);
            // What is not there is the policy's mistake, and told as such.
            files.extend(named.filter(|file| self.folder.join(file).exists()));
        }
        files.sort();
        files.dedup();
        match files.len() {
            found if found > MAX_FILES => Err(StoreError::Unfit {
                path: self.folder.clone(),
                what: format!("it has {found} files, expected at most {MAX_FILES}"),
            }),
            _ => Ok(files),
        }
    }
}

/// The files of a bundle with their bytes, as they were at one moment.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) location: Location,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) signature: Option<Vec<u8>>,
}

impl Contents {
    /// Reads all of it.
    pub(crate) fn read(location: Location) -> Result<Self, StoreError> {
        let mut files = BTreeMap::new();
        let mut left = MAX_BYTES;
        for file in location.files()? {
            let path = plain_file(&location.folder, &file)?;
            let bytes = read(&path, left)?;
            left = left.saturating_sub(bytes.len() as u64);
            files.insert(file, bytes);
        }
        let signature = match location.signature() {
            path if path.symlink_metadata().is_ok() => Some(read(&path, MAX_SIGNATURE_BYTES)?),
            _ => None,
        };
        Ok(Self { location, files, signature })
    }

    /// BLAKE3 over the paths, sizes and digests of the files, in hex: the same content has the same, whoever signed it.
    pub(super) fn digest(&self) -> String {
        self.hasher().finalize().to_hex().to_string()
    }

    /// The same with the signature: what the stored bundle is named by.
    pub(super) fn sealed_digest(&self) -> String {
        let mut hasher = self.hasher();
        if let Some(signature) = &self.signature {
            hasher.update(b"\0signature\0").update(blake3::hash(signature).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    fn hasher(&self) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new();
        let kind: &[u8] = if self.location.whole { b"folder\0" } else { b"file\0" };
        hasher.update(b"portcullis 1 policy bundle\0").update(kind).update(self.location.entry.as_bytes());
        for (path, bytes) in &self.files {
            hasher.update(b"\0").update(path.as_bytes()).update(b"\0");
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(blake3::hash(bytes).as_bytes());
        }
        hasher
    }
}

/// The path of a bundle's file, when neither it nor a folder on the way is anything but that.
fn plain_file(folder: &Path, file: &str) -> Result<PathBuf, StoreError> {
    let mut path = folder.to_owned();
    for part in Path::new(file).components() {
        path.push(part);
        let kind = path.symlink_metadata().map_err(|source| failed("read", &path, source))?.file_type();
        if kind.is_symlink() {
            return Err(unfit(&path, "a symbolic link, expected a file"));
        }
        if !kind.is_file() && !kind.is_dir() {
            return Err(unfit(&path, "neither a file nor a folder"));
        }
    }
    if path.is_dir() { Err(unfit(&path, "a folder, expected a file")) } else { Ok(path) }
}

/// Adds the paths of the files below `folder`, which is `prefix` below the bundle's.
fn walk(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<String>) -> Result<(), StoreError> {
    if depth > MAX_DEPTH {
        return Err(unfit(folder, "more folders one in the other than a bundle may have"));
    }
    let entries = fs::read_dir(folder).map_err(|source| failed("read", folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| failed("read", folder, source))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|source| failed("read", &path, source))?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_below(name)) else {
            return Err(unfit(&path, "expected a name in UTF-8 without a backslash or a control character"));
        };
        let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        if kind.is_dir() {
            walk(&path, &name, depth + 1, files)?;
        } else if kind.is_file() {
            files.push(name);
        } else {
            return Err(unfit(&path, "a link or a special file, expected files and folders only"));
        }
        if files.len() > MAX_FILES + 1 {
            return Err(unfit(folder, "more files than a bundle may have"));
        }
    }
    Ok(())
}

/// The values of every `file` in a policy that are paths below its folder; none when it is not TOML, which is its own mistake.
fn named(policy: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(policy);
    let mut files = Vec::new();
    if let Ok(table) = toml::from_str::<toml::Table>(&text) {
        let mut waiting = vec![toml::Value::Table(table)];
        while let Some(value) = waiting.pop() {
            match value {
                toml::Value::Array(items) => waiting.extend(items),
                toml::Value::Table(entries) => {
                    if let Some(file) = entries.get("file").and_then(toml::Value::as_str)
                        && is_below(file)
                    {
                        files.push(file.to_owned());
                    }
                    waiting.extend(entries.into_iter().map(|(_, value)| value));
                }
                _ => {}
            }
        }
    }
    files
}

/// Whether a path stays below the folder that it starts from.
pub(crate) fn is_below(path: &str) -> bool {
    let plain = |part| matches!(part, Component::Normal(_));
    let clean = |c: char| c != '\\' && !c.is_control();
    !path.is_empty() && path.chars().all(clean) && Path::new(path).components().all(plain)
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let file = File::open(path).map_err(|source| failed("read", path, source))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|source| failed("read", path, source))?;
    match bytes.len() as u64 {
        found if found > limit => {
            Err(unfit(path, "more bytes than a bundle may have: 67108864 in all, 1048576 of a signature"))
        }
        _ => Ok(bytes),
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { action, path: path.to_owned(), source }
}

fn unfit(path: &Path, what: &str) -> StoreError {
    StoreError::Unfit { path: path.to_owned(), what: what.to_owned() }
}
