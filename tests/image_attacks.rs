//! Every file in `tests/attacks/image` damages a packed program in one way and names the error.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by a panic, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};

use portcullis::bundle::Bundle;
use portcullis::image::{Image, LINE, PAGE, Parts, write};
use portcullis::store::Vouched;
use portcullis::trust::{KeyRing, SigningKey};
use portcullis::{Decision, Guard, GuardError, Request, Role};
use proptest::prelude::*;
use serde::Deserialize;

/// Bytes of a trailer.
const TRAILER: usize = 80;

/// One way to damage a packed program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    damage: Damage,
    /// Bring sizes and digest in the trailer up to date, so that the reader behind it is what is tested.
    #[serde(default)]
    reseal: bool,
    /// Whether the file is signed.
    #[serde(default)]
    signed: bool,
    /// Whether the key has to have signed it.
    #[serde(default)]
    trusted: bool,
    /// Part of the error.
    error: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Damage {
    None,
    /// So many bytes less at the end.
    Truncate(usize),
    /// No more than so many bytes.
    Keep(usize),
    /// Zeros at the end.
    Append(usize),
    /// One bit of the first byte of a packed file.
    Flip(String),
    /// Bytes of the trailer.
    Trailer {
        at: usize,
        with: Vec<u8>,
    },
    /// The first occurrence of a string in the index by another.
    Index {
        from: String,
        to: String,
    },
    /// The index by another.
    WholeIndex(String),
    /// So many more files in the index.
    MoreFiles(usize),
    /// The signature by another.
    Signature(String),
}

struct Packed {
    folder: tempfile::TempDir,
    key: SigningKey,
}

impl Packed {
    fn path(&self) -> PathBuf {
        self.folder.path().join("guard")
    }

    fn public(&self) -> PathBuf {
        self.folder.path().join("release.pub")
    }
}

/// A packed program with the smallest model and a policy with a list; nothing in it ever runs, save for the files.
fn packed(signed: bool) -> Packed {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    fs::write(
        &program,
        [&b"\x7fELF"[..], &[7; 5000], b"portcullis program, packed: no \n", &[9; 70_000]].concat(),
    )
    .unwrap();
    let policy = folder.path().join("shop");
    fs::create_dir(&policy).unwrap();
    fs::write(policy.join("policy.toml"), POLICY).unwrap();
    fs::write(policy.join("words.txt"), "drat\n").unwrap();
    let bundle = Bundle::open_named(&root.join("models"), "portcullis-tiny").unwrap();
    let key = SigningKey::generate("release").unwrap();
    key.public().write(&folder.path().join("release.pub")).unwrap();
    let parts = Parts {
        program: &program,
        bundle: &bundle,
        policy: Some(&policy),
        from: None,
        key: signed.then_some(&key),
    };
    write(&folder.path().join("guard"), &parts).unwrap();
    Packed { folder, key }
}

const POLICY: &str = r#"
schema = 1
id = "shop"
version = "1.0.0"

[[list]]
id = "swearing"
file = "words.txt"

[[rule]]
id = "swearing"
detector = "list.swearing"
threshold = 0.5
action = "veto"
"#;

fn word(bytes: &[u8]) -> usize {
    usize::try_from(u64::from_le_bytes(bytes.try_into().unwrap())).unwrap()
}

/// The parts of a packed file: what is before the index, the index, the signature, the trailer.
fn parts(bytes: &[u8]) -> (Vec<u8>, String, String, Vec<u8>) {
    let trailer = &bytes[bytes.len() - TRAILER..];
    let (at, index) = (word(&trailer[..8]), word(&trailer[8..16]));
    let text = |range: std::ops::Range<usize>| String::from_utf8(bytes[range].to_vec()).unwrap();
    let end = bytes.len() - TRAILER;
    (bytes[..at].to_vec(), text(at..at + index), text(at + index..end), trailer.to_vec())
}

fn apply(damage: &Damage, reseal: bool, bytes: Vec<u8>) -> Vec<u8> {
    let (mut files, mut index, mut signature, mut trailer) = parts(&bytes);
    match damage {
        Damage::None => {}
        Damage::Truncate(by) => return bytes[..bytes.len() - by].to_vec(),
        Damage::Keep(most) => return bytes[..*most].to_vec(),
        Damage::Append(more) => return [bytes, vec![0; *more]].concat(),
        Damage::Flip(path) => {
            let listed: serde_json::Value = serde_json::from_str(&index).unwrap();
            let file = listed["files"].as_array().unwrap().iter().find(|file| file["path"] == path.as_str());
            let at = file.unwrap()["offset"].as_u64().unwrap();
            files[usize::try_from(at).unwrap()] ^= 0x40;
        }
        Damage::Trailer { at, with } => trailer[*at..at + with.len()].copy_from_slice(with),
        Damage::Index { from, to } => {
            assert!(index.contains(from.as_str()), "nothing to replace in {index}");
            index = index.replacen(from.as_str(), to, 1);
        }
        Damage::WholeIndex(other) => index.clone_from(other),
        Damage::MoreFiles(count) => {
            let file = r#",{"path":"policy/a","offset":0,"bytes":0,"blake3":""}"#;
            index = index.replacen("]}", &(file.repeat(*count) + "]}"), 1);
        }
        Damage::Signature(other) => signature.clone_from(other),
    }
    if reseal {
        trailer[8..16].copy_from_slice(&(index.len() as u64).to_le_bytes());
        trailer[16..24].copy_from_slice(&(signature.len() as u64).to_le_bytes());
        let digest = blake3::hash(format!("{index}{signature}").as_bytes());
        trailer[32..64].copy_from_slice(digest.as_bytes());
    }
    [&files, index.as_bytes(), signature.as_bytes(), &trailer].concat()
}

/// The error with its sources, or `None` when a guard was made.
fn opening(packed: &Packed, trusted: bool) -> Option<String> {
    let mut builder = Guard::builder().image(packed.path());
    if trusted {
        builder = builder.image_key_file(packed.public());
    }
    let error = builder.build().err()?;
    let mut message = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    Some(message)
}

#[test]
fn every_attack_is_named() {
    let attacks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/image");
    let of = [packed(false), packed(true)];
    let whole = of.each_ref().map(|packed| fs::read(packed.path()).unwrap());
    let mut seen = 0;
    let mut wrong = Vec::new();
    for file in fs::read_dir(attacks).unwrap() {
        let file = file.unwrap().path();
        let attack: Attack = toml::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let packed = &of[usize::from(attack.signed)];
        let damaged = apply(&attack.damage, attack.reseal, whole[usize::from(attack.signed)].clone());
        fs::write(packed.path(), damaged).unwrap();
        match opening(packed, attack.trusted) {
            Some(message) if message.contains(&attack.error) => {}
            found => wrong.push(format!("{}: {found:?}", file.display())),
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 30, "{seen} attacks");
}

#[test]
fn what_is_packed_judges() {
    let packed = packed(true);
    let guard = Guard::builder().image(packed.path()).image_key_file(packed.public()).build().unwrap();
    let decide = |text: &str| guard.check(&Request::new(text, Role::User).unwrap()).decision;
    assert_eq!(decide("drat the kettle"), Decision::Veto);
    assert_eq!(decide("the kettle is on"), Decision::Allow);
    let report = guard.inspect();
    assert_eq!((report.policy.id.as_str(), report.model.id.as_str()), ("shop", "portcullis-tiny"));
    assert!(report.files.iter().all(|file| file.origin == "packed"), "{:?}", report.files);
    assert_eq!(report.digests, "ok");
    let packed = report.packed.unwrap();
    assert_eq!((packed.signature.as_str(), packed.signed_by.as_deref()), ("signed", Some("release")));
    assert!(packed.files.iter().any(|file| file.path == "policy/words.txt"));
}

#[test]
fn the_model_is_the_one_that_was_packed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let (image, models) = (packed(false), Guard::builder().models_dir(root).model("portcullis-tiny"));
    let (packed, mapped) = (Guard::builder().image(image.path()).build().unwrap(), models.build().unwrap());
    assert_eq!(packed.inspect().model, mapped.inspect().model);
    let request = Request::new("you are a complete idiot", Role::User).unwrap();
    let bits = |guard: &Guard| -> Vec<u32> {
        guard.check(&request).scores.iter().map(|(_, score)| score.to_bits()).collect()
    };
    assert_eq!(bits(&packed), bits(&mapped));
}

#[test]
fn flags_go_before_what_is_packed() {
    let packed = packed(false);
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/policies/default.toml");
    let guard = Guard::builder().image(packed.path()).policy_file(policy).build();
    // The model is still the packed one, whose heads that policy may not know.
    if let Ok(guard) = guard {
        assert_ne!(guard.inspect().policy.id, "shop");
    }
    let other = Guard::builder().image(packed.path()).model("portcullis-base").build().unwrap_err();
    assert!(other.to_string().contains("model"), "{other}");
    // What is overridden has to hold all the same.
    let mut bytes = fs::read(packed.path()).unwrap();
    bytes = apply(&Damage::Flip("policy/words.txt".to_owned()), false, bytes);
    fs::write(packed.path(), bytes).unwrap();
    let given = portcullis::policy::Policy::embedded().unwrap();
    let error = Guard::builder().image(packed.path()).policy(given).build().unwrap_err();
    assert!(matches!(error, GuardError::Image(_)), "{error}");
}

#[test]
fn a_signature_is_told_by_the_keys_that_are_trusted() {
    let packed = packed(true);
    let image = Image::open(&packed.path()).unwrap();
    let other = SigningKey::generate("other").unwrap().public();
    let ring = |keys| KeyRing::new(keys).unwrap();
    assert_eq!(
        image.vouched(&ring(vec![packed.key.public()])).unwrap(),
        Vouched::Signed { by: "release".to_owned() }
    );
    assert_eq!(
        image.vouched(&ring(vec![other.clone()])).unwrap(),
        Vouched::Unknown { by: "release".to_owned() }
    );
    assert!(image.signed_by(&ring(vec![other])).is_err());
    assert!(image.signed_by(&KeyRing::default()).is_err());
    let unsigned = Guard::builder().image_key_file(packed.public()).build().unwrap_err();
    assert!(unsigned.to_string().contains("there are none"), "{unsigned}");
}

#[test]
fn a_policy_that_has_to_be_signed_is_vouched_for_by_the_signature_of_all() {
    for signed in [true, false] {
        let packed = packed(signed);
        let state = packed.folder.path().join("state");
        fs::create_dir_all(state.join("keys")).unwrap();
        packed.key.public().write(&state.join("keys/release.pub")).unwrap();
        let guard =
            Guard::builder().image(packed.path()).state_dir(&state).require_signed_policy(true).build();
        assert_eq!(guard.is_ok(), signed);
    }
}

#[test]
fn packing_again_replaces_and_is_reproducible() {
    let packed = packed(true);
    let first = fs::read(packed.path()).unwrap();
    let image = Image::open(&packed.path()).unwrap();
    let bundle = Guard::builder().image(packed.path()).bundle().unwrap();
    let parts = Parts {
        program: &packed.path(),
        bundle: &bundle,
        policy: None,
        from: Some(&image),
        key: Some(&packed.key),
    };
    write(&packed.path(), &parts).unwrap();
    assert!(fs::read(packed.path()).unwrap() == first, "the same parts gave another file");
    for file in image.files() {
        let unit = if file.bytes < PAGE { LINE } else { PAGE };
        assert!(file.offset.is_multiple_of(unit), "{file:?}");
    }
}

#[test]
fn what_is_extracted_is_what_was_packed() {
    let packed = packed(false);
    let folder = packed.folder.path().join("out");
    Image::open(&packed.path()).unwrap().extract(&folder).unwrap();
    assert_eq!(fs::read_to_string(folder.join("policy/policy.toml")).unwrap(), POLICY);
    assert_eq!(
        fs::read(folder.join("program")).unwrap(),
        fs::read(packed.folder.path().join("program")).unwrap()
    );
    Guard::builder().models_dir(folder.join("models")).policy_file(folder.join("policy")).build().unwrap();
    assert!(Image::open(&packed.path()).unwrap().extract(&folder).is_err(), "it wrote over what was there");
}

#[test]
fn only_a_program_of_this_kind_is_packed_into() {
    let packed = packed(false);
    let other = packed.folder.path().join("other");
    let bundle = Guard::builder().image(packed.path()).bundle().unwrap();
    for program in [&b"#!/bin/sh\n"[..], &b"portcullis program, packed: no \n".repeat(2)] {
        fs::write(&other, program).unwrap();
        let parts = Parts { program: &other, bundle: &bundle, policy: None, from: None, key: None };
        let out = packed.folder.path().join("out");
        let error = write(&out, &parts).unwrap_err();
        assert!(error.to_string().contains("expected exactly one"), "{error}");
        assert!(!out.exists());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// An index with some bytes changed, whose digest is right, is an error or gives a guard, never a panic.
    #[test]
    fn any_change_of_the_index_is_read_or_refused(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), 0x20_u8..0x7f), 1..4),
    ) {
        let packed = packed(false);
        let bytes = fs::read(packed.path()).unwrap();
        let (_, index, _, _) = parts(&bytes);
        let mut index = index.into_bytes();
        for (at, with) in changes {
            let at = at.index(index.len());
            index[at] = with;
        }
        let index = String::from_utf8(index).unwrap();
        fs::write(packed.path(), apply(&Damage::WholeIndex(index), true, bytes)).unwrap();
        let _ = opening(&packed, false);
        if let Ok(image) = Image::open(&packed.path()) {
            let _ = (image.verify(), image.verify_program());
            let _ = image.extract(&packed.folder.path().join("out"));
        }
    }

    /// Any bytes before the trailer, and any trailer, are an error or are read, never a panic.
    #[test]
    fn any_bytes_are_read_or_refused(
        before in proptest::collection::vec(any::<u8>(), 0..300),
        numbers in proptest::array::uniform3(prop_oneof![0_u64..400, any::<u64>()]),
        digest in any::<[u8; 32]>(),
    ) {
        let mut bytes = before;
        numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(digest);
        bytes.extend(b"PORTCULLIS PACK\n");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guard");
        fs::write(&path, bytes).unwrap();
        prop_assert!(Image::open(&path).is_err());
    }
}
