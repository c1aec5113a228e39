//! Signatures: what they cover, when they hold, and when one is asked for.

use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{Place, bundle};
use crate::store::{
    Conditions, SignatureError, StoreError, Trust, Validity, Vouched, open, sign, signature_path,
};
use crate::trust::{KeyRing, SigningKey};

fn trusting(key: &SigningKey) -> Trust {
    Trust { required: true, keys: KeyRing::new(vec![key.public()]).unwrap(), ..Trust::default() }
}

fn refused(error: &StoreError) -> &SignatureError {
    match error {
        StoreError::Signature(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_signature_holds_for_what_was_signed() {
    let place = Place::new();
    let key = SigningKey::generate("release").unwrap();
    let folder = bundle(place.path(), "p", 3, "rook");
    let file = folder.join("policy.toml");
    for path in [folder.clone(), file.clone()] {
        // The folder first: its policy's file then means the folder.
        let signature = sign(&path, &key, Validity::default()).unwrap();
        assert_eq!(signature, folder.join("SIGNATURE.json"));
        let opened = open(&path, &trusting(&key)).unwrap();
        assert_eq!(opened.vouched, Vouched::Signed { by: "release".to_owned() });
        let manifest = opened.manifest.unwrap();
        assert_eq!((manifest.revision, manifest.policy.id.as_str()), (3, "p"));
        let files: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(files, ["NOTES", "lists/words.txt", "policy.toml"]);
    }
    fs::remove_file(folder.join("SIGNATURE.json")).unwrap();
    fs::rename(&file, folder.join("mine.toml")).unwrap();
    let file = folder.join("mine.toml");
    assert_eq!(sign(&file, &key, Validity::default()).unwrap(), signature_path(&file).unwrap());
    let manifest = open(&file, &trusting(&key)).unwrap().manifest.unwrap();
    let files: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["lists/words.txt", "mine.toml"]);
}

#[test]
fn a_signed_file_is_put_in_force_with_its_signature() {
    for name in ["policy.toml", "mine.toml"] {
        let place = Place::new();
        let key = place.requires_signatures();
        let folder = bundle(place.path(), "p", 1, "rook");
        fs::rename(folder.join("policy.toml"), folder.join(name)).unwrap();
        let file = folder.join(name);
        sign(&file, &key, Validity::default()).unwrap();
        let active = place.store.activate(&file, "jo").unwrap();
        assert_eq!(active.path.file_name().unwrap(), name);
        let trust = Trust::of(Some(&place.state()), false).unwrap();
        place.store.open_active(&trust).unwrap().unwrap();
        // A later signature of the same content takes its place.
        let expires = Some("2131-05-09T06:00:00Z".parse().unwrap());
        sign(&file, &key, Validity { expires, ..Validity::default() }).unwrap();
        let again = place.store.activate(&file, "jo").unwrap();
        assert_ne!(active.path, again.path);
        assert_eq!(place.store.history().unwrap().len(), 2);
    }
}

#[test]
fn every_change_of_a_signed_bundle_is_told() {
    let place = Place::new();
    let key = SigningKey::generate("release").unwrap();
    let folder = bundle(place.path(), "p", 1, "rook");
    let signature = sign(&folder, &key, Validity::default()).unwrap();
    let signed = fs::read_to_string(&signature).unwrap();
    let message = |expected: &str| {
        // Also where none is asked for: a signature that is there must hold.
        for required in [true, false] {
            let error = open(&folder, &Trust { required, ..trusting(&key) }).unwrap_err();
            assert!(refused(&error).to_string().contains(expected), "{expected}: {error}");
        }
    };
    fs::write(folder.join("lists/words.txt"), "crow\n").unwrap();
    message("the file lists/words.txt has been changed since it was signed");
    fs::write(folder.join("lists/words.txt"), "kestrel\n").unwrap();
    fs::write(folder.join("lists/more.txt"), "crow\n").unwrap();
    message("has a file lists/more.txt, which was not signed");
    fs::remove_file(folder.join("lists/more.txt")).unwrap();
    fs::remove_file(folder.join("NOTES")).unwrap();
    message("has no file NOTES, which was signed");
    fs::write(folder.join("NOTES"), "beside the policy").unwrap();
    let again = |text: &str| fs::write(&signature, text).unwrap();
    for (from, to, expected) in [
        ("\"revision\": 1", "\"revision\": 2", "does not hold"),
        ("\"format\": 1", "\"format\": 2", "format 2, expected 1"),
        ("lists/words.txt", "../words.txt", "a path outside the bundle"),
        ("\"NOTES\"", "\"policy.toml\"", "a path twice"),
        ("\"files\"", "\"more\": 1, \"files\"", "no signature of a policy"),
        ("\"signature\": \"", "\"signature\": \"!", "the signature is not one"),
    ] {
        assert!(signed.contains(from), "{from}");
        again(&signed.replacen(from, to, 1));
        message(expected);
    }
    again("");
    message("no signature of a policy");
    again(&signed);
    open(&folder, &trusting(&key)).unwrap();
}

#[test]
fn whether_a_signature_is_asked_for_is_not_said_by_the_bundle() {
    let place = Place::new();
    let key = place.requires_signatures();
    let folder = bundle(place.path(), "p", 1, "rook");
    sign(&folder, &key, Validity::default()).unwrap();
    assert_eq!(place.store.activate(&folder, "jo").unwrap().signed_by.as_deref(), Some("release"));
    let next = bundle(place.path(), "p", 2, "rook");
    let stripped = place.store.activate(&next, "jo").unwrap_err();
    assert!(matches!(refused(&stripped), SignatureError::Missing { .. }), "{stripped}");
    sign(&next, &SigningKey::generate("release").unwrap(), Validity::default()).unwrap();
    let other = place.store.activate(&next, "jo").unwrap_err();
    assert!(other.to_string().contains("a key that is not trusted here"), "{other}");
    assert_eq!(place.revision(), 1);

    // Nor by the stored one: a bundle that was activated unsigned is refused from the day it is asked for.
    let place = Place::new();
    place.activate(1, "rook").unwrap();
    place.requires_signatures();
    let trust = Trust::of(Some(&place.state()), false).unwrap();
    let unsigned = place.store.open_active(&trust).unwrap_err();
    assert!(matches!(refused(&unsigned), SignatureError::Missing { .. }), "{unsigned}");
}

#[test]
fn a_flag_can_ask_for_a_signature_and_not_do_without_one() {
    let place = Place::new();
    let conditions = Conditions { require_signed: true, ..Conditions::default() };
    let folder = bundle(place.path(), "p", 1, "rook");
    let refusal = place.store.activate_with(&folder, "jo", conditions).unwrap_err();
    assert!(matches!(refused(&refusal), SignatureError::Missing { .. }), "{refusal}");
    place.requires_signatures();
    let refusal = place.store.activate(&folder, "jo").unwrap_err();
    assert!(matches!(refused(&refusal), SignatureError::Missing { .. }), "{refusal}");
}

#[test]
fn an_unknown_signer_counts_as_none() {
    let place = Place::new();
    let folder = bundle(place.path(), "p", 1, "rook");
    sign(&folder, &SigningKey::generate("stranger").unwrap(), Validity::default()).unwrap();
    let opened = open(&folder, &Trust::default()).unwrap();
    assert_eq!(opened.vouched, Vouched::Unknown { by: "stranger".to_owned() });
    assert_eq!(place.store.activate(&folder, "jo").unwrap().signed_by, None);
}

#[test]
fn dates_are_judged_by_the_clock() {
    let place = Place::new();
    let key = SigningKey::generate("release").unwrap();
    let folder = bundle(place.path(), "p", 1, "rook");
    let time = |text: &str| Some(text.parse().unwrap());
    let validity =
        Validity { not_before: time("2031-05-09T06:00:00Z"), expires: time("2031-06-09T06:00:00Z") };
    sign(&folder, &key, validity).unwrap();
    let at = |text: &str| open(&folder, &Trust { at: time(text), ..trusting(&key) });
    for early in ["2031-05-09T05:59:59.999Z", "1970-01-01T00:00:00Z"] {
        let error = at(early).unwrap_err();
        assert!(matches!(refused(&error), SignatureError::NotYet { .. }), "{error}");
    }
    for inside in ["2031-05-09T06:00:00Z", "2031-05-09T08:00:00+02:00", "2031-06-09T05:59:59Z"] {
        at(inside).unwrap();
    }
    for late in ["2031-06-09T06:00:00Z", "2099-01-01T00:00:00Z"] {
        let error = at(late).unwrap_err();
        assert!(matches!(refused(&error), SignatureError::Expired { .. }), "{error}");
    }
    let never = Validity { not_before: time("2031-05-09T06:00:00Z"), expires: time("2031-05-09T06:00:00Z") };
    let error = sign(&folder, &key, never).unwrap_err();
    assert!(matches!(refused(&error), SignatureError::NeverValid { .. }), "{error}");
}

#[test]
fn a_policy_with_mistakes_is_not_signed() {
    let place = Place::new();
    let key = SigningKey::generate("release").unwrap();
    let folder = bundle(place.path(), "p", 1, "rook");
    fs::write(folder.join("policy.toml"), "schema = 2\n").unwrap();
    assert!(matches!(sign(&folder, &key, Validity::default()).unwrap_err(), StoreError::Policy(_)));
    assert!(!folder.join("SIGNATURE.json").exists());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_of_a_signed_bundle_can_be_changed(file in 0..4_usize, at in any::<Index>(), flip in 1..=255_u8) {
        let place = Place::new();
        let key = SigningKey::generate("release").unwrap();
        let folder = bundle(place.path(), "p", 1, "rook");
        sign(&folder, &key, Validity::default()).unwrap();
        let signed = open(&folder, &trusting(&key)).unwrap().manifest;
        let path = folder.join(["policy.toml", "lists/words.txt", "NOTES", "SIGNATURE.json"][file]);
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(&path, bytes).unwrap();
        // Between the words of JSON a space may be another; what it says is then the same.
        if let Ok(opened) = open(&folder, &trusting(&key)) {
            prop_assert!(file == 3 && opened.manifest == signed);
        }
    }

    #[test]
    fn whatever_lies_in_the_place_of_a_signature_is_no_panic(bytes in any::<Vec<u8>>()) {
        let place = Place::new();
        let folder = bundle(place.path(), "p", 1, "rook");
        fs::write(folder.join("SIGNATURE.json"), bytes).unwrap();
        prop_assert!(open(&folder, &Trust::default()).is_err());
    }
}
