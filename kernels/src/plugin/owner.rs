//! Who could have changed a file that is about to run as part of this process.

use std::io;
use std::path::Path;

/// Why the file is not to be trusted: others than the user of this process and root can write it, or put another in its place.
///
/// # Errors
/// Where it cannot be looked at, or is no regular file.
#[cfg(unix)]
pub(super) fn objection(file: &Path) -> io::Result<Option<String>> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if let Some(why) = of(&metadata, "it", false) {
        return Ok(Some(why));
    }
    match file.parent() {
        Some(folder) => Ok(of(&folder.metadata()?, "its folder", true)),
        None => Ok(None),
    }
}

/// On Windows the lists of who may write are not looked at: the caller vouches for the file.
///
/// # Errors
/// Where it cannot be looked at, or is no regular file.
#[cfg(not(unix))]
pub(super) fn objection(file: &Path) -> io::Result<Option<String>> {
    match file.metadata()?.is_file() {
        true => Ok(None),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    }
}

#[cfg(unix)]
fn of(metadata: &std::fs::Metadata, what: &str, is_folder: bool) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    const OTHERS_WRITE: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let (mode, owner) = (metadata.mode(), metadata.uid());
    let user = user();
    if owner != 0 && owner != user {
        return Some(format!("{what} belongs to the user {owner}, expected {user} or root"));
    }
    // In a sticky folder nobody can replace what belongs to another.
    let sticky = is_folder && mode & STICKY != 0;
    (mode & OTHERS_WRITE != 0 && !sticky).then(|| {
        let mode = mode & 0o7777;
        format!(
            "{what} has mode {mode:03o}, so that others can change it; expected none to write but its owner"
        )
    })
}

/// The user that this process acts as.
#[cfg(unix)]
fn user() -> u32 {
    // `geteuid` of POSIX: a `uid_t`, of 32 bits on every system that Rust knows.
    unsafe extern "C" {
        safe fn geteuid() -> u32;
    }
    geteuid()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_that_others_can_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("library.so");
        write(&file, "").unwrap();
        let mode = |path: &Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
        for (file_mode, folder_mode, refused) in [
            (0o755, 0o755, false),
            (0o600, 0o700, false),
            (0o775, 0o755, true),
            (0o757, 0o755, true),
            (0o755, 0o775, true),
            (0o755, 0o777, true),
            (0o755, 0o1777, false),
        ] {
            mode(&file, file_mode);
            mode(folder.path(), folder_mode);
            let why = objection(&file).unwrap();
            assert_eq!(why.is_some(), refused, "{file_mode:o} in {folder_mode:o}: {why:?}");
        }
        mode(&file, 0o666);
        assert_eq!(
            objection(&file).unwrap().unwrap(),
            "it has mode 666, so that others can change it; expected none to write but its owner"
        );
        assert!(objection(folder.path()).is_err());
    }
}
