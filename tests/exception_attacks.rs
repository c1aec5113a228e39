//! Files of exceptions that must be refused, one file a rule: its first line, a comment, is a part of the expected message.
//!
//! Each is signed here by a trusted key unless its first line begins with `# raw: `, so that what is refused is what it says and not
//! that nobody vouches for it.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use portcullis::exception::{Exception, Exceptions, MAX_BYTES, Sources};
use portcullis::trust::{KeyRing, Purpose, SigningKey};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

fn attacks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/exception")
}

/// Signs whatever is there: the reader, not the signer, is what is tested.
fn signed(body: &str, key: &SigningKey) -> String {
    let signature = key.sign(Purpose::Exception, body.as_bytes());
    format!("{body}[signature]\n{}", toml::to_string(&signature).unwrap())
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_930_000_000)
}

fn good() -> String {
    fs::read_to_string(attacks().join("good.toml")).unwrap()
}

/// The good file differs from each attack by the one rule that the attack breaks.
#[test]
fn the_good_file_is_read() {
    let ana = SigningKey::generate("ana").unwrap();
    let ring = KeyRing::new(vec![ana.public()]).unwrap();
    let exception = Exception::parse_trusted(&signed(&good(), &ana), &ring).unwrap();
    assert_eq!((exception.id.as_str(), exception.scope.rules.len()), ("good", 1));
    assert!(exception.is_in_force(now()));
}

#[test]
fn every_attack_is_refused_with_its_message_and_never_used() {
    let ana = SigningKey::generate("ana").unwrap();
    let ring = KeyRing::new(vec![ana.public()]).unwrap();
    let state = tempfile::tempdir().unwrap();
    fs::create_dir(state.path().join("keys")).unwrap();
    fs::create_dir(state.path().join("exceptions")).unwrap();
    ana.public().write(&state.path().join("keys/ana.pub")).unwrap();
    let mut count = 0;
    for entry in fs::read_dir(attacks()).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("good.toml") {
            continue;
        }
        let name = path.display();
        let body = fs::read_to_string(&path).unwrap();
        let first = body.lines().next().unwrap();
        let raw = first.strip_prefix("# raw: ");
        let expected = raw.or_else(|| first.strip_prefix("# ")).unwrap();
        let text = if raw.is_some() { body.clone() } else { signed(&body, &ana) };
        let message = Exception::parse_trusted(&text, &ring).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains(expected), "{name}: expected {expected:?} in\n{message}");
        assert!(message.len() < 2_000 && !message.contains(char::is_control), "{name}: {message:?}");
        fs::write(state.path().join("exceptions").join(path.file_name().unwrap()), text).unwrap();
        count += 1;
    }
    assert!(count >= 25, "{count} attack files");
    let sources = Sources { state: Some(state.path().to_owned()), bundle: None };
    fs::write(state.path().join("exceptions/good.toml"), signed(&good(), &ana)).unwrap();
    let read = Exceptions::read(&sources, now());
    assert_eq!((read.list().len(), read.ignored().len()), (1, count));
}

#[test]
fn what_is_no_text_or_no_file_is_passed_over() {
    let ana = SigningKey::generate("ana").unwrap();
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("exceptions");
    fs::create_dir_all(folder.join("folder.toml")).unwrap();
    fs::create_dir(state.path().join("keys")).unwrap();
    ana.public().write(&state.path().join("keys/ana.pub")).unwrap();
    fs::write(folder.join("bytes.toml"), b"schema = 1\n# \xff").unwrap();
    fs::write(folder.join("large.toml"), "#".repeat(MAX_BYTES + 1)).unwrap();
    fs::write(folder.join("nul.toml"), "\0").unwrap();
    fs::write(folder.join("empty.toml"), "").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.toml")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", folder.join("nowhere.toml")).unwrap();
    fs::write(folder.join("good.toml"), signed(&good(), &ana)).unwrap();
    let sources = Sources { state: Some(state.path().to_owned()), bundle: None };
    let read = Exceptions::read(&sources, now());
    assert_eq!(read.list().len(), 1);
    assert_eq!(read.ignored().len(), if cfg!(unix) { 7 } else { 5 });
    // A broken key takes every exception out of use, and is told.
    fs::write(state.path().join("keys/bo.pub"), "no key").unwrap();
    let read = Exceptions::read(&sources, now());
    assert!(read.list().is_empty());
    assert!(read.ignored().iter().any(|ignored| ignored.path.ends_with("keys")));
    // So do two folders full of files.
    fs::remove_file(state.path().join("keys/bo.pub")).unwrap();
    for number in 0..1100 {
        fs::write(folder.join(format!("e{number}.toml")), "").unwrap();
    }
    assert!(Exceptions::read(&sources, now()).list().is_empty());
}
