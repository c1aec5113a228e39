//! Signatures of heads that must be refused, one file a rule: what is expected to be said, and the signature's file.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use portcullis::policy::{Policy, PolicyErrors, sign_head};
use portcullis::trust::{KeyRing, Purpose, SigningKey};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

const POLICY: &str = "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n\n[[head]]\nfile = \"mine.toml\"\n\n[[rule]]\nid = \"r\"\n\
                      detector = \"custom.gambling\"\nthreshold = 0.5\naction = \"veto\"\n";

/// A signature that must be refused. In the content, `{key}` stands for the id of the trusted key, `{signature}` for what it
/// signed, and so on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    expected: String,
    content: String,
    #[serde(default = "once")]
    repeat: usize,
}

const fn once() -> usize {
    1
}

fn attacks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")
}

/// A policy with a good head and this file beside it.
fn policy(signature: Option<&str>) -> Policy {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(attacks().join("head/good.toml"), folder.path().join("mine.toml")).unwrap();
    if let Some(signature) = signature {
        fs::write(folder.path().join("mine.toml.sig"), signature).unwrap();
    }
    Policy::parse_in(POLICY, "p.toml", folder.path()).unwrap()
}

fn refused(policy: &Policy, ring: &KeyRing) -> PolicyErrors {
    policy.check_signatures(ring).unwrap_err()
}

#[test]
fn every_attack_is_refused_with_its_message() {
    let head = fs::read(attacks().join("head/good.toml")).unwrap();
    let (key, stranger) =
        (SigningKey::generate("release").unwrap(), SigningKey::generate("release").unwrap());
    let ring = KeyRing::new(vec![key.public()]).unwrap();
    let digest = blake3::hash(&head);
    let filled = |content: &str| {
        content
            .replace("{key}", &key.public().id())
            .replace("{stranger}", &stranger.public().id())
            .replace("{signature}", &sign_head(&key, &head).signature)
            .replace("{signature_of_another}", &sign_head(&key, b"another").signature)
            .replace("{signature_of_a_policy}", &key.sign(Purpose::Policy, digest.as_bytes()).signature)
            .replace("{signature_of_a_stranger}", &sign_head(&stranger, &head).signature)
    };
    let mut count = 0;
    for entry in fs::read_dir(attacks().join("head_signature")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display();
        let attack: Attack = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let found = refused(&policy(Some(&filled(&attack.content).repeat(attack.repeat))), &ring);
        assert_eq!(found.problems().len(), 1, "{name}: {found}");
        let message = found.problems()[0].what.to_string();
        assert!(message.starts_with("the head `gambling` cannot be used: "), "{name}: {message}");
        assert!(message.contains(&attack.expected), "{name}: expected {:?} in\n{message}", attack.expected);
        assert!(message.len() < 2_000 && !message.contains(char::is_control), "{name}: {message:?}");
        assert_eq!((found.problems()[0].line, found.problems()[0].column), (6, 8), "{name}");
        count += 1;
    }
    assert!(count >= 15, "{count} attack files");
}

#[test]
fn a_head_is_taken_with_the_signature_of_a_trusted_key_alone() {
    let head = fs::read(attacks().join("head/good.toml")).unwrap();
    let key = SigningKey::generate("release").unwrap();
    let ring = KeyRing::new(vec![SigningKey::generate("other").unwrap().public(), key.public()]).unwrap();
    let signed = policy(Some(&serde_json::to_string_pretty(&sign_head(&key, &head)).unwrap()));
    signed.check_signatures(&ring).unwrap();
    // A signature is no part of what a policy is.
    assert_eq!(signed.digest(), policy(None).digest());
    assert!(refused(&signed, &KeyRing::default()).to_string().contains("a key that is not trusted here"));
    let message = refused(&policy(None), &ring).to_string();
    assert!(
        message.contains("expected a signature beside it, as this installation asks for; `mine.toml.sig`")
    );
}
