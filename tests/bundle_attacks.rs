//! Every file in `tests/attacks/bundle` damages a copy of a shipped bundle in one way and names the error.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use portcullis::bundle::{Bundle, Index};
use portcullis::{Guard, Request, Role};
use proptest::prelude::*;
use serde::Deserialize;

/// One way to damage a bundle.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    /// The bundle that is damaged, if not the default one.
    #[serde(default)]
    model: Option<String>,
    /// The file that is damaged; `index.toml` lies in the models directory itself.
    file: String,
    damage: Damage,
    /// Bring size and digest in the index up to date, so that the reader behind them is what is tested.
    #[serde(default)]
    reseal: bool,
    /// Part of the error.
    error: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Damage {
    Remove,
    Empty,
    Truncate(usize),
    Append(usize),
    Flip(usize),
    /// Bytes at an offset.
    Overwrite {
        at: usize,
        with: Vec<u8>,
    },
    /// The first occurrence of a string by one of the same or another length.
    Replace {
        from: String,
        to: String,
    },
    /// A file of this many bytes.
    Fill(usize),
}

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// A directory with the shipped default bundle, its large files linked.
fn copy() -> (tempfile::TempDir, PathBuf) {
    copy_of(None)
}

/// A directory with one of the shipped bundles, its large files linked.
fn copy_of(model: Option<&str>) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let mut index = Index::read(&models()).unwrap();
    if let Some(model) = model {
        index.bundles.retain(|bundle| bundle.id == model);
        index.default = model.to_owned();
    }
    let entry = index.default_bundle().unwrap();
    fs::write(dir.path().join("index.toml"), toml::to_string(&index).unwrap()).unwrap();
    let folder = dir.path().join(&entry.directory);
    fs::create_dir(&folder).unwrap();
    for file in &entry.files {
        std::os::unix::fs::symlink(models().join(&entry.directory).join(&file.path), folder.join(&file.path))
            .unwrap();
    }
    (dir, folder)
}

fn apply(damage: &Damage, path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    match damage {
        Damage::Remove => return fs::remove_file(path).unwrap(),
        Damage::Empty => bytes.clear(),
        Damage::Truncate(by) => bytes.truncate(bytes.len() - by),
        Damage::Append(by) => bytes.extend(std::iter::repeat_n(0, *by)),
        Damage::Flip(at) => bytes[*at] ^= 0x40,
        Damage::Overwrite { at, with } => bytes[*at..*at + with.len()].copy_from_slice(with),
        Damage::Replace { from, to } => {
            let at =
                bytes.windows(from.len()).position(|w| w == from.as_bytes()).expect("nothing to replace");
            bytes.splice(at..at + from.len(), to.bytes());
        }
        Damage::Fill(length) => bytes = vec![b'#'; *length],
    }
    // The copy is a link: never write through it.
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

fn reseal(dir: &Path, name: &str, path: &Path) {
    let mut index: Index = Index::read(dir).unwrap();
    let bytes = fs::read(path).unwrap();
    index.bundles.retain(|bundle| bundle.id == index.default);
    for file in index.bundles.iter_mut().flat_map(|bundle| &mut bundle.files) {
        if file.path == name {
            file.bytes = bytes.len() as u64;
            file.blake3 = blake3::hash(&bytes).to_hex().to_string();
        }
    }
    fs::write(dir.join("index.toml"), toml::to_string(&index).unwrap()).unwrap();
}

/// The error with its sources, or `None` when the bundle opened.
fn opening(dir: &Path) -> Option<String> {
    let error = Guard::builder().models_dir(dir).build().err()?;
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
    let attacks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/bundle");
    let mut seen = 0;
    let mut wrong = Vec::new();
    for file in fs::read_dir(attacks).unwrap() {
        let file = file.unwrap().path();
        let attack: Attack = toml::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let (dir, folder) = copy_of(attack.model.as_deref());
        let target = if attack.file == "index.toml" {
            dir.path().join("index.toml")
        } else {
            folder.join(&attack.file)
        };
        apply(&attack.damage, &target);
        if attack.reseal {
            reseal(dir.path(), &attack.file, &target);
        }
        match opening(dir.path()) {
            Some(error) if error.contains(&attack.error) => {}
            other => wrong.push(format!("{}: expected {:?}, found {other:?}", file.display(), attack.error)),
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 20, "only {seen} attacks were found");
}

#[test]
fn an_undamaged_copy_opens_and_answers_as_the_embedded_bundle() {
    let (dir, _folder) = copy();
    let mapped = Guard::builder().models_dir(dir.path()).build().unwrap();
    mapped.verify().unwrap();
    let embedded = Guard::embedded().unwrap();
    let request = Request::new("Where can I buy a second-hand bicycle?", Role::User).unwrap();
    let (a, b) = (mapped.check(&request), embedded.check(&request));
    assert_eq!(a.scores, b.scores);
    assert_eq!(a.decision, b.decision);
    assert_eq!(a.model, b.model);
}

#[test]
fn a_missing_directory_is_named() {
    let error = opening(Path::new("/nonexistent-models")).unwrap();
    assert!(error.contains("cannot open /nonexistent-models/index.toml"), "{error}");
}

#[test]
fn a_directory_in_the_place_of_a_file_is_an_error() {
    let (dir, folder) = copy();
    fs::remove_file(folder.join("weights.safetensors")).unwrap();
    fs::create_dir(folder.join("weights.safetensors")).unwrap();
    assert!(opening(dir.path()).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random bytes in the header of resealed weights never panic, and never open as something else.
    #[test]
    fn damaged_headers_do_not_panic(at in 0usize..4096, with in prop::collection::vec(any::<u8>(), 1..16)) {
        let (dir, folder) = copy();
        let path = folder.join("weights.safetensors");
        let before = fs::read(&path).unwrap();
        apply(&Damage::Overwrite { at, with: with.clone() }, &path);
        reseal(dir.path(), "weights.safetensors", &path);
        if before[at..at + with.len()] != with[..] {
            // The calibration names the digest of the weights it belongs to, so nothing else may open.
            prop_assert!(Bundle::open(dir.path()).is_err());
        }
    }

    #[test]
    fn damaged_manifests_do_not_panic(
        at in 0usize..400, with in prop::collection::vec(any::<u8>(), 1..8), hashed in any::<bool>()
    ) {
        let (dir, folder) = copy_of(hashed.then_some("portcullis-tiny"));
        let path = folder.join("manifest.toml");
        apply(&Damage::Overwrite { at, with }, &path);
        reseal(dir.path(), "manifest.toml", &path);
        let _ = Bundle::open(dir.path());
    }
}
