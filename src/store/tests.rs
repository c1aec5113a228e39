//! What is put in force, in which order, and what is refused.

mod crash;
mod signature;

use std::fs;
use std::path::{Path, PathBuf};

use super::{Active, Change, Conditions, Store, StoreError, Trust, contents};
use crate::trust::SigningKey;

/// A valid policy.
pub(super) fn policy(id: &str, revision: u64, word: &str) -> String {
    format!(
        r#"schema = 2
id = "{id}"
version = "1.{revision}.0"
revision = {revision}

[governance]
objective = "To try the store."
owner = "Tests"

[[list]]
id = "words"
words = ["{word}"]
file = "lists/words.txt"

[[rule]]
id = "words"
detector = "list.words"
threshold = 1.0
action = "veto"
"#
    )
}

/// A bundle's folder with this revision and word.
pub(super) fn bundle(folder: &Path, id: &str, revision: u64, word: &str) -> PathBuf {
    let bundle = folder.join(format!("{id}-{revision}-{word}"));
    fs::create_dir_all(bundle.join("lists")).unwrap();
    fs::write(bundle.join("policy.toml"), policy(id, revision, word)).unwrap();
    fs::write(bundle.join("lists/words.txt"), "kestrel\n").unwrap();
    fs::write(bundle.join("NOTES"), "beside the policy").unwrap();
    bundle
}

/// A folder for bundles, and a store beside them.
pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Store,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        Self { folder, store }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    fn activate(&self, revision: u64, word: &str) -> Result<Active, StoreError> {
        self.store.activate(&bundle(self.path(), "p", revision, word), "jo")
    }

    /// The revision in force.
    fn revision(&self) -> u64 {
        let (active, policy) = self.store.open_active(&Trust::default()).unwrap().unwrap();
        assert_eq!(active.policy, policy.reference());
        active.revision
    }

    fn stored_policy(&self) -> PathBuf {
        self.store.active().unwrap().unwrap().path.join("policy.toml")
    }

    /// Makes the installation ask for signatures, by a new key.
    pub(super) fn requires_signatures(&self) -> SigningKey {
        let key = SigningKey::generate("release").unwrap();
        fs::create_dir_all(self.state().join("keys")).unwrap();
        key.public().write(&self.state().join("keys/release.pub")).unwrap();
        fs::write(self.state().join("portcullis.toml"), "[trust]\nrequire_signed_policy = true\n").unwrap();
        key
    }
}

#[test]
fn nothing_is_in_force_before_the_first_activation() {
    let place = Place::new();
    assert_eq!(place.store.active().unwrap(), None);
    assert!(place.store.history().unwrap().is_empty());
    assert!(!place.state().exists(), "looking makes nothing");
    let refused = place.store.roll_back(None, "jo", "none").unwrap_err();
    assert!(matches!(refused, StoreError::NoneActive { .. }), "{refused}");
}

#[test]
fn an_activated_bundle_is_kept_whatever_becomes_of_the_original() {
    let place = Place::new();
    let original = bundle(place.path(), "p", 1, "rook");
    let active = place.store.activate(&original, "jo").unwrap();
    assert_eq!((active.revision, active.by.as_str(), active.change), (1, "jo", Change::Activated));
    fs::remove_dir_all(original).unwrap();
    assert_eq!(place.store.active().unwrap().unwrap(), active);
    assert_eq!(fs::read_to_string(active.path.join("NOTES")).unwrap(), "beside the policy");
    assert_eq!(place.revision(), 1);
}

#[test]
fn a_policys_file_is_kept_with_the_files_it_names_alone() {
    let place = Place::new();
    let folder = bundle(place.path(), "p", 1, "rook");
    fs::rename(folder.join("policy.toml"), folder.join("mine.toml")).unwrap();
    let active = place.store.activate(&folder.join("mine.toml"), "jo").unwrap();
    assert_eq!(active.path.file_name().unwrap(), "mine.toml");
    let kept = active.path.parent().unwrap();
    assert!(kept.join("lists/words.txt").is_file() && !kept.join("NOTES").exists());
    assert_eq!(place.revision(), 1);
}

#[cfg(unix)]
#[test]
fn what_is_stored_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let active = place.activate(1, "rook").unwrap();
    let policies = place.state().join("policies");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for folder in [policies.clone(), active.path.clone(), active.path.join("lists")] {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
    let files = ["active.toml", "history.jsonl", "lock"].map(|name| policies.join(name));
    for file in files.into_iter().chain([active.path.join("policy.toml")]) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn revisions_rise() {
    let place = Place::new();
    place.activate(3, "rook").unwrap();
    let lower = place.activate(2, "rook").unwrap_err();
    assert!(matches!(lower, StoreError::LowerRevision { found: 2, active: 3 }), "{lower}");
    let same = place.activate(3, "crow").unwrap_err();
    assert!(matches!(same, StoreError::SameRevision { revision: 3, .. }), "{same}");
    assert_eq!(place.revision(), 3);
    // The one in force again changes nothing.
    place.activate(3, "rook").unwrap();
    assert_eq!(place.store.history().unwrap().len(), 1);
    place.activate(4, "rook").unwrap();
    assert_eq!(place.revision(), 4);
}

#[test]
fn a_revision_that_was_gone_back_from_keeps_its_number() {
    let place = Place::new();
    place.activate(1, "rook").unwrap();
    place.activate(2, "rook").unwrap();
    place.store.roll_back(None, "jo", "too strict").unwrap();
    let other = place.activate(2, "crow").unwrap_err();
    assert!(matches!(other, StoreError::SameRevision { revision: 2, active: 1, .. }), "{other}");
    assert_eq!(place.activate(2, "rook").unwrap().revision, 2);
}

#[test]
fn another_policy_only_replaces_when_it_is_meant_to() {
    let place = Place::new();
    place.activate(7, "rook").unwrap();
    let other = bundle(place.path(), "q", 1, "rook");
    let refused = place.store.activate(&other, "jo").unwrap_err();
    assert!(matches!(refused, StoreError::OtherPolicy { .. }), "{refused}");
    let conditions = Conditions { replace: true, ..Conditions::default() };
    assert_eq!(place.store.activate_with(&other, "jo", conditions).unwrap().revision, 1);
    let back = place.store.roll_back(None, "jo", "not that one").unwrap();
    assert_eq!((back.policy.id.as_str(), back.revision), ("p", 7));
}

#[test]
fn a_rollback_goes_past_what_was_gone_back_from() {
    let place = Place::new();
    for revision in 1..=3 {
        place.activate(revision, "rook").unwrap();
    }
    let back = place.store.roll_back(None, "monitor", "vetoes have doubled").unwrap();
    assert_eq!((back.revision, back.change), (2, Change::RolledBack));
    assert_eq!(back.reason.as_deref(), Some("vetoes have doubled"));
    place.activate(4, "rook").unwrap();
    // Not to 3, which was no good.
    assert_eq!(place.store.roll_back(None, "jo", "again").unwrap().revision, 2);
    assert_eq!(place.store.roll_back(None, "jo", "further").unwrap().revision, 1);
    let last = place.store.roll_back(None, "jo", "further").unwrap_err();
    assert!(matches!(last, StoreError::NoEarlier { active: 1 }), "{last}");
    // By its number, any that was in force.
    assert_eq!(place.store.roll_back(Some(3), "jo", "mended elsewhere").unwrap().revision, 3);
    let none = place.store.roll_back(Some(9), "jo", "no such").unwrap_err();
    assert_eq!(none.to_string(), "revision 9 was never in force, expected one of 1, 2, 3, 4");
    let changes: Vec<u64> = place.store.history().unwrap().iter().map(|active| active.revision).collect();
    assert_eq!(changes, [1, 2, 3, 2, 4, 2, 1, 3]);
}

#[test]
fn a_stored_bundle_that_was_changed_is_refused_and_mended_by_activating_it_again() {
    for change in 0..4 {
        let place = Place::new();
        place.activate(1, "rook").unwrap();
        let stored = place.stored_policy();
        let folder = stored.parent().unwrap();
        match change {
            0 => fs::write(&stored, policy("p", 1, "crow")).unwrap(),
            1 => fs::write(folder.join("lists/words.txt"), "crow\n").unwrap(),
            2 => fs::write(folder.join("extra.txt"), "crow\n").unwrap(),
            _ => fs::remove_file(folder.join("NOTES")).unwrap(),
        }
        for error in [
            place.store.active().map(|_| ()).unwrap_err(),
            place.store.open_active(&Trust::default()).map(|_| ()).unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Tampered { .. }), "{change}: {error}");
            assert!(error.to_string().contains("its digest is"), "{error}");
        }
        place.activate(1, "rook").unwrap();
        assert_eq!(place.revision(), 1);
    }
}

#[test]
fn a_rollback_to_a_changed_bundle_is_refused() {
    let place = Place::new();
    place.activate(1, "rook").unwrap();
    let first = place.stored_policy();
    place.activate(2, "rook").unwrap();
    fs::write(first, policy("p", 1, "crow")).unwrap();
    let refused = place.store.roll_back(None, "jo", "no").unwrap_err();
    assert!(matches!(refused, StoreError::Tampered { .. }), "{refused}");
    assert_eq!(place.revision(), 2);
}

#[test]
fn a_pointer_leads_nowhere_else() {
    let place = Place::new();
    place.activate(1, "rook").unwrap();
    let path = place.state().join("policies/active.toml");
    let good = fs::read_to_string(&path).unwrap();
    let name = place.store.active().unwrap().unwrap().path;
    let name = name.file_name().unwrap().to_str().unwrap();
    let outside = good.replace(name, "../../elsewhere");
    for text in [
        String::new(),
        "\u{0}".to_owned(),
        good.replace("policy.toml", "../policy.toml"),
        good.replace("policy.toml", "lists/policy.toml"),
        outside,
        format!("{good}more = 1\n"),
        good.replace("revision = 1", "revision = -1"),
        good.replace("revision = 1", "revision = 2"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = place.store.open_active(&Trust::default()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}\n{text}");
    }
    fs::write(&path, good).unwrap();
    assert_eq!(place.revision(), 1);
}

#[test]
fn a_bundle_holds_files_and_folders_only() {
    let place = Place::new();
    let folder = bundle(place.path(), "p", 1, "rook");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).unwrap();
        let error = place.store.activate(&folder, "jo").unwrap_err();
        assert!(matches!(error, StoreError::Unfit { .. }), "{error}");
        fs::remove_file(folder.join("link")).unwrap();
    }
    for number in 0..=contents::MAX_FILES {
        fs::write(folder.join(number.to_string()), "").unwrap();
    }
    let error = place.store.activate(&folder, "jo").unwrap_err();
    assert!(matches!(error, StoreError::Unfit { .. }), "{error}");
}

#[test]
fn what_is_not_a_policy_is_not_put_in_force() {
    let place = Place::new();
    let folder = bundle(place.path(), "p", 1, "rook");
    fs::write(folder.join("lists/words.txt"), b"\xff").unwrap();
    assert!(matches!(place.store.activate(&folder, "jo").unwrap_err(), StoreError::Policy(_)));
    fs::remove_file(folder.join("lists/words.txt")).unwrap();
    assert!(matches!(place.store.activate(&folder, "jo").unwrap_err(), StoreError::Policy(_)));
    let nowhere = place.store.activate(&place.path().join("nowhere"), "jo").unwrap_err();
    assert!(nowhere.to_string().contains("nowhere"), "{nowhere}");
    fs::write(folder.join("lists/words.txt"), "kestrel\n").unwrap();
    let refuses: super::Check<'_> = &|_| Err("no such head".to_owned());
    let conditions = Conditions { check: Some(refuses), ..Conditions::default() };
    let refused = place.store.activate_with(&folder, "jo", conditions).unwrap_err();
    assert_eq!(refused.to_string(), "the guard cannot use the policy: no such head");
    for (by, reason) in [("", "why"), ("a\nb", "why"), ("jo", " ")] {
        let refused = place.store.roll_back(None, by, reason).unwrap_err();
        assert!(matches!(refused, StoreError::Words { .. }), "{refused}");
    }
    assert_eq!(place.store.active().unwrap(), None);
}

#[test]
fn a_change_that_was_cut_short_is_finished_by_the_next() {
    let place = Place::new();
    place.activate(1, "rook").unwrap();
    place.activate(2, "rook").unwrap();
    let history = place.state().join("policies/history.jsonl");
    let whole = fs::read_to_string(&history).unwrap();
    let first = whole.lines().next().unwrap();
    // As a kill leaves it: after the switch and before the history, and in the middle of its line.
    for rest in ["", r#"{"time":"20"#] {
        fs::write(&history, format!("{first}\n{rest}")).unwrap();
        fs::create_dir_all(place.state().join("policies/copying-1/lists")).unwrap();
        let revisions: Vec<u64> =
            place.store.history().unwrap().iter().map(|active| active.revision).collect();
        assert_eq!(revisions, [1, 2]);
        place.activate(2, "crow").unwrap_err();
        assert_eq!(fs::read_to_string(&history).unwrap(), whole);
        assert!(!place.state().join("policies/copying-1").exists());
    }
    fs::write(&history, "{}\n").unwrap();
    let damaged = place.store.history().unwrap_err();
    assert!(damaged.to_string().contains("line 1"), "{damaged}");
}

#[test]
fn two_writers_wait_for_each_other() {
    let place = Place::new();
    place.activate(1, "rook").unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let place = &place;
            scope.spawn(move || {
                for round in 0..5 {
                    let revision = 2 + round * 4 + writer;
                    // A later revision of another writer may have been first.
                    match place.activate(revision, "rook") {
                        Ok(_) | Err(StoreError::LowerRevision { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                    assert!(place.revision() >= 1);
                }
            });
        }
    });
    let revisions: Vec<u64> = place.store.history().unwrap().iter().map(|active| active.revision).collect();
    assert!(revisions.is_sorted(), "{revisions:?}");
    assert_eq!(place.revision(), 21);
}
