//! Files of heads that must be refused, one file a rule: its first line, a comment, is a part of the expected message.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test fails by a panic, in its helpers too")]

use portcullis::policy::{Policy, PolicyErrors};
use std::fs;
use std::path::{Path, PathBuf};

const POLICY: &str = "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n\n[[head]]\nfile = \"mine.toml\"\n\n[[rule]]\nid = \"r\"\n\
                      detector = \"custom.gambling\"\nthreshold = 0.5\naction = \"veto\"\n";

fn attacks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/head")
}

/// The policy with a head in a file of these bytes.
fn read(head: &[u8]) -> Result<Policy, PolicyErrors> {
    read_named(head, "mine.toml")
}

fn read_named(head: &[u8], name: &str) -> Result<Policy, PolicyErrors> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), head).unwrap();
    Policy::parse_in(&POLICY.replace("mine.toml", name), "p.toml", folder.path())
}

fn good() -> Vec<u8> {
    fs::read(attacks().join("good.toml")).unwrap()
}

/// The good file differs from each attack by the one rule that the attack breaks.
#[test]
fn the_good_file_is_read() {
    let policy = read(&good()).unwrap();
    assert!(policy.warnings().is_empty());
    let head = policy.heads().next().unwrap();
    assert_eq!((head.head().name.as_str(), head.width()), ("gambling", 4));
    assert_eq!(head.logit(&[4.0, 1.0, 0.5, 0.0]), 0.5);
    assert!(head.logit(&[4.0]).is_nan());
    assert_eq!(head.to_toml().as_bytes(), good());
}

#[test]
fn every_attack_is_refused_with_its_message() {
    let mut count = 0;
    for entry in fs::read_dir(attacks()).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("good.toml") {
            continue;
        }
        let name = path.display();
        let bytes = fs::read(&path).unwrap();
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap();
        let expected = std::str::from_utf8(first).unwrap().strip_prefix("# ").unwrap();
        let found = read(&bytes).unwrap_err();
        assert_eq!(found.problems().len(), 1, "{name}: {found}");
        let message = found.problems()[0].what.to_string();
        assert!(message.starts_with("the head `mine.toml` cannot be used: "), "{name}: {message}");
        assert!(message.contains(expected), "{name}: expected {expected:?} in\n{message}");
        assert!(message.len() < 2_000 && !message.contains(char::is_control), "{name}: {message:?}");
        assert_eq!((found.problems()[0].line, found.problems()[0].column), (6, 8), "{name}");
        count += 1;
    }
    assert!(count >= 25, "{count} attack files");
}

#[test]
fn a_name_with_a_digest_is_a_promise() {
    let digest = blake3::hash(&good()).to_hex();
    let name = format!("gambling-{}.head.toml", &digest[..12]);
    read_named(&good(), &name).unwrap();
    let mut changed = good();
    changed.push(b'\n');
    let refused = read_named(&changed, &name).unwrap_err().to_string();
    assert!(refused.contains("expected ") && refused.contains("it is corrupt or was changed"), "{refused}");
    // Names that promise nothing.
    for name in
        ["gambling.head.toml", "gambling-0123.head.toml", "gambling-ZZZZZZZZZZZZ.head.toml", "a-b.toml"]
    {
        read_named(&changed, name).unwrap();
    }
}

#[test]
fn sizes_and_paths_are_limited() {
    let mut large = good();
    large.resize(portcullis_calibration::TaughtHead::MAX_BYTES + 1, b'#');
    assert!(
        read(&large)
            .unwrap_err()
            .to_string()
            .contains("more than 1048576 bytes, the most that a head may have")
    );
    let folder = tempfile::tempdir().unwrap();
    for file in ["../mine.toml", "/etc/passwd", "", "a/../../mine.toml"] {
        let refused =
            Policy::parse_in(&POLICY.replace("mine.toml", file), "p.toml", folder.path()).unwrap_err();
        assert!(
            refused.to_string().contains("expected a path below the policy's folder"),
            "{file}: {refused}"
        );
    }
}

#[test]
fn two_heads_of_one_name_and_a_head_without_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), good()).unwrap();
    let twice = POLICY.replace("[[rule]]", "[[head]]\nfile = \"mine.toml\"\n\n[[rule]]");
    let refused = Policy::parse_in(&twice, "p.toml", folder.path()).unwrap_err().to_string();
    assert!(refused.contains("p.toml:9:8: the head `gambling` is already there from line 6 on"), "{refused}");
    let unknown = POLICY.replace("[[rule]]", "threshold = 0.5\n\n[[rule]]");
    let refused = Policy::parse_in(&unknown, "p.toml", folder.path()).unwrap_err().to_string();
    assert!(refused.contains("p.toml:8:1: unknown key `threshold` in this head"), "{refused}");
    let idle = POLICY.replace("custom.gambling", "pii.email");
    let policy = Policy::parse_in(&idle, "p.toml", folder.path()).unwrap();
    let warning = policy.warnings()[0].to_string();
    assert!(warning.contains("the head `gambling` is not used by any rule"), "{warning}");
}
