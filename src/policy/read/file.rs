//! The reader of files that a policy names, and the digest that covers them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};

/// Where the files that a policy names are.
#[derive(Clone, Copy)]
pub(in crate::policy) enum Folder<'a> {
    /// Nowhere.
    None,
    /// On the disk.
    Disk(&'a Path),
    /// In memory, by their paths.
    Memory(&'a BTreeMap<String, Vec<u8>>),
}

/// The bytes of `file` in the policy's `folder`, at most `limit`; `instead` names the key for a policy that has no folder, and
/// `what` what the file holds. The error says what was found and what was expected.
pub(in crate::policy) fn read(
    file: &str,
    folder: Folder<'_>,
    instead: &str,
    what: &str,
    limit: usize,
) -> Result<Vec<u8>, String> {
    if matches!(folder, Folder::None) {
        return Err(format!("this policy was not read from a folder, expected {instead}"));
    }
    let path = Path::new(file);
    // A policy is data; it may not make the guard read other files.
    if file.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("expected a path below the policy's folder".to_owned());
    }
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = match folder {
        Folder::None => Ok(0),
        Folder::Disk(folder) => {
            File::open(folder.join(path)).and_then(|opened| opened.take(most).read_to_end(&mut bytes))
        }
        Folder::Memory(files) => {
            let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            let found = files.get(&parts.join("/")).ok_or(std::io::ErrorKind::NotFound.into());
            found.and_then(|found| found.as_slice().take(most).read_to_end(&mut bytes))
        }
    };
    read.map_err(|error| error.to_string())?;
    if bytes.len() > limit {
        return Err(format!("more than {limit} bytes, the most that {what} may have"));
    }
    Ok(bytes)
}

/// BLAKE3 of the policy with the files that it names, in hex; of the policy alone when it names none.
pub(super) fn digest<'a>(policy: &str, files: impl Iterator<Item = (String, &'a blake3::Hash)>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(policy.as_bytes());
    for (name, file) in files {
        hasher.update(b"\0").update(name.as_bytes()).update(b"\0").update(file.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
