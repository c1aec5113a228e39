//! Samples on disk.

use std::fs;
use std::time::{Duration, SystemTime};

use age::secrecy::ExposeSecret as _;

use super::{FOLDER, Samples, SamplesError};
use crate::installation::SampleSettings;

const ID: &str = "0123456789abcdef0123456789abcdef";

fn keyed() -> (String, SampleSettings) {
    let identity = age::x25519::Identity::generate();
    let recipient = Some(identity.to_public().to_string());
    let identity = format!("# a comment\n{}\n", identity.to_string().expose_secret());
    (identity, SampleSettings { recipient, retain_days: 2 })
}

#[test]
fn a_sample_is_read_by_its_identity_only() {
    let state = tempfile::tempdir().unwrap();
    let (identity, settings) = keyed();
    let samples = Samples::open(state.path(), &settings).unwrap();
    samples.put(ID, "a text\nof two lines — é").unwrap();
    assert_eq!(samples.read(ID, &identity).unwrap(), "a text\nof two lines — é");
    let cipher = fs::read(state.path().join(FOLDER).join(format!("{ID}.age"))).unwrap();
    assert!(!cipher.windows(4).any(|bytes| bytes == b"text"));
    for other in [keyed().0, String::new(), "nonsense".to_owned()] {
        let error = samples.read(ID, &other).unwrap_err();
        assert!(matches!(error, SamplesError::Cipher { action: "decrypt", .. }), "{error}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: std::path::PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(state.path().join(FOLDER)), 0o700);
        assert_eq!(mode(state.path().join(FOLDER).join(format!("{ID}.age"))), 0o600);
    }
}

#[test]
fn without_a_recipient_nothing_is_kept() {
    let state = tempfile::tempdir().unwrap();
    let samples = Samples::open(state.path(), &SampleSettings::default()).unwrap();
    samples.put(ID, "a text").unwrap();
    assert!(!state.path().join(FOLDER).exists());
}

#[test]
fn what_is_no_recipient_or_no_id_is_an_error() {
    let state = tempfile::tempdir().unwrap();
    for recipient in ["", "age1", "age1qqqq", "AGE-SECRET-KEY-1QQQ", "ssh-ed25519 AAAA"] {
        let settings = SampleSettings { recipient: Some(recipient.to_owned()), retain_days: 0 };
        let error = Samples::open(state.path(), &settings).unwrap_err();
        assert!(matches!(error, SamplesError::Recipient { .. }), "{error}");
    }
    let samples = Samples::open(state.path(), &keyed().1).unwrap();
    for id in ["", "../../etc/passwd", &"g".repeat(32)] {
        assert!(matches!(samples.put(id, "a").unwrap_err(), SamplesError::Id { .. }), "{id}");
    }
}

#[test]
fn old_samples_are_removed() {
    let state = tempfile::tempdir().unwrap();
    let samples = Samples::open(state.path(), &keyed().1).unwrap();
    assert_eq!(samples.remove_expired().unwrap(), 0);
    let other = "f".repeat(32);
    samples.put(ID, "old").unwrap();
    samples.put(&other, "new").unwrap();
    let path = state.path().join(FOLDER).join(format!("{ID}.age"));
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3 * 86_400)).unwrap();
    assert_eq!(samples.remove_expired().unwrap(), 1);
    assert!(!path.exists() && path.with_file_name(format!("{other}.age")).exists());
}
