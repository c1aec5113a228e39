//! The file of an installation's settings.

use std::fs;

use super::{FILE, Fsync, Installation, InstallationError};

#[test]
fn what_the_file_does_not_say_has_a_default() {
    let state = tempfile::tempdir().unwrap();
    assert_eq!(Installation::read(state.path()).unwrap(), Installation::default());
    fs::write(state.path().join(FILE), "[log]\nfsync = \"each\"\n").unwrap();
    let read = Installation::read(state.path()).unwrap();
    assert_eq!(read.log.fsync, Fsync::Each);
    assert!(read.log.enabled);
    assert!(!read.trust.require_signed_policy);
}

#[test]
fn a_key_that_is_not_known_is_an_error_with_its_place() {
    let state = tempfile::tempdir().unwrap();
    for text in ["[trust]\nrequire_signed = true\n", "[logs]\n", "[log]\nfsync = \"daily\"\n"] {
        fs::write(state.path().join(FILE), text).unwrap();
        let error = Installation::read(state.path()).unwrap_err();
        assert!(matches!(error, InstallationError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains("line "), "{error}");
    }
    fs::write(state.path().join(FILE), [0xff]).unwrap();
    assert!(matches!(Installation::read(state.path()).unwrap_err(), InstallationError::Io { .. }));
}
