//! Keys on disk, and signatures that hold for what they were made for only.

use std::fs;

use super::{KeyRing, PublicKey, Purpose, SigningKey, TrustError};

#[test]
fn a_signature_holds_for_its_message_and_purpose_only() {
    let key = SigningKey::generate("ada@example.org").unwrap();
    let ring = KeyRing::new(vec![key.public()]).unwrap();
    let signature = key.sign(Purpose::Policy, b"message");
    assert_eq!(ring.verify(Purpose::Policy, b"message", &signature).unwrap().name(), "ada@example.org");
    let broken = |purpose, message| ring.verify(purpose, message, &signature).unwrap_err();
    assert!(matches!(broken(Purpose::Policy, b"massage"), TrustError::Broken { .. }));
    assert!(matches!(broken(Purpose::Exception, b"message"), TrustError::Broken { .. }));
    for text in ["", "AAAA", "not base64!"] {
        let bad = super::Signature { signature: text.to_owned(), ..signature.clone() };
        let error = ring.verify(Purpose::Policy, b"message", &bad).unwrap_err();
        assert!(matches!(error, TrustError::Malformed { .. }), "{error}");
    }
}

#[test]
fn a_strangers_signature_is_not_trusted_under_any_name() {
    let (ours, theirs) = (SigningKey::generate("ada").unwrap(), SigningKey::generate("ada").unwrap());
    let ring = KeyRing::new(vec![ours.public()]).unwrap();
    let mut signature = theirs.sign(Purpose::Policy, b"message");
    let error = ring.verify(Purpose::Policy, b"message", &signature).unwrap_err();
    assert!(matches!(error, TrustError::Untrusted { .. }), "{error}");
    signature.key = ours.public().id();
    let error = ring.verify(Purpose::Policy, b"message", &signature).unwrap_err();
    assert!(matches!(error, TrustError::Broken { .. }), "{error}");
    let error = KeyRing::new(vec![ours.public(), theirs.public()]).unwrap_err();
    assert!(matches!(error, TrustError::SameName { ref name } if name == "ada"), "{error}");
}

#[test]
fn keys_are_written_once_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, public) = (folder.path().join("ada.key"), folder.path().join("ada.pub"));
    let key = SigningKey::generate("ada").unwrap();
    key.write(&secret).unwrap();
    key.public().write(&public).unwrap();
    let error = SigningKey::generate("eve").unwrap().write(&secret).unwrap_err();
    assert!(matches!(error, TrustError::Io { action: "write", .. }), "{error}");
    assert_eq!(SigningKey::read(&secret).unwrap().public(), key.public());
    assert_eq!(PublicKey::read(&public).unwrap(), key.public());
    assert_eq!(KeyRing::read_dir(folder.path()).unwrap().keys(), [key.public()]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no half-made file stays");
    assert_eq!(format!("{key:?}"), "SigningKey { name: \"ada\", .. }");
    assert!(KeyRing::read_dir(&folder.path().join("missing")).unwrap().keys().is_empty());
}

#[test]
fn what_is_no_key_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let key = SigningKey::generate("ada").unwrap();
    key.public().write(&path).unwrap();
    private(&path);
    let error = SigningKey::read(&path).unwrap_err().to_string();
    assert!(error.contains("found portcullis-public-key-1, expected portcullis-secret-key-1"), "{error}");
    for (text, expected) in [
        ("", "expected one line"),
        ("portcullis-secret-key-1 ada AAAA", "found 3 bytes, expected 32"),
        ("portcullis-secret-key-1 ada %%%", "expected base64"),
        ("ssh-ed25519 ada AAAA", "found something else"),
        ("portcullis-secret-key-1 a/b AAAA", "a key's name has"),
    ] {
        fs::write(&path, text).unwrap();
        private(&path);
        let error = SigningKey::read(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(matches!(SigningKey::generate("a b").unwrap_err(), TrustError::Name { .. }));
    assert!(matches!(SigningKey::generate("").unwrap_err(), TrustError::Name { .. }));
}

#[test]
#[cfg(unix)]
fn a_secret_key_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    SigningKey::generate("ada").unwrap().write(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = SigningKey::read(&path).unwrap_err();
    assert!(matches!(error, TrustError::KeyMode { mode: 0o644, .. }), "{error}");
}

#[test]
fn processes_that_make_a_key_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let ids: std::collections::HashSet<String> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| SigningKey::read_or_generate(&path, "log").unwrap().public().id()))
            .collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert_eq!(ids.len(), 1);
}

fn private(path: &std::path::Path) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    #[cfg(not(unix))]
    let _ = path;
}
