//! The reader of files that a policy names, and the digest that covers them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};

/// The bytes of `file` in the policy's `folder`, at most `limit`; `instead` names the key for a policy that has no folder, and
/// `what` what the file holds. The error says what was found and what was expected.
pub(in crate::policy) fn read(
    file: &str,
    folder: Option<&Path>,
    instead: &str,
    what: &str,
    limit: usize,
) -> Result<Vec<u8>, String> {
    let folder =
        folder.ok_or_else(|| format!("this policy was not read from a folder, expected {instead}"))?;
    let path = Path::new(file);
    // A policy is data; it may not make the guard read other files.
    if file.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("expected a path below the policy's folder".to_owned());
    }
    let mut bytes = Vec::new();
    let opened = File::open(folder.join(path)).map_err(|error| error.to_string())?;
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    opened.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
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
