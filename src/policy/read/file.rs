//! Files that a policy names: below its folder, of limited size.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};

/// The bytes of a file below the policy's folder, at most `limit`; `what` such a file holds. The error is for a message.
pub(super) fn read(file: &str, folder: &Path, limit: usize, what: &str) -> Result<Vec<u8>, String> {
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
