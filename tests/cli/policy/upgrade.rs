//! `policy upgrade`: from schema 1 to schema 2, in place or on standard output.

use super::{POLICY, bundle, path};
use crate::program::run;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const OLD: &str = "# Ours.\nschema = 1\nid = \"desk\"\nversion = \"1.0.0\" # first\n\n# Mail.\n[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"rewrite\"\n";
const NEW: &str = "# Ours.\nschema = 2\nid = \"desk\"\nversion = \"1.0.0\" # first\nrevision = 1\n\n[governance]\nobjective = \"Keep addresses in.\"\nowner = \"Tests\"\n\n# Mail.\n[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"rewrite\"\n";

const ANSWERS: [&str; 4] = ["--owner", "Tests", "--objective", "Keep addresses in."];

fn upgrade(bundle: &tempfile::TempDir, more: &[&str]) -> crate::program::Run {
    run(&[&["policy", "upgrade", path(bundle)], &ANSWERS[..], more].concat())
}

#[test]
fn the_new_policy_is_printed_and_the_file_stays() {
    let bundle = bundle(OLD, None);
    let told = upgrade(&bundle, &[]);
    assert_eq!((told.status, told.stdout.as_str()), (Some(0), NEW), "{}", told.stderr);
    assert_eq!(fs::read_to_string(bundle.path().join("policy.toml")).unwrap(), OLD);
}

#[test]
fn the_file_is_replaced_where_that_is_asked_for() {
    let bundle = bundle(OLD, None);
    let file = bundle.path().join("policy.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let told = upgrade(&bundle, &["--write"]);
    assert_eq!(told.status, Some(0), "{}", told.stderr);
    assert!(told.stdout.ends_with("policy.toml is now in schema 2, with revision 1\n"), "{}", told.stdout);
    assert_eq!(fs::read_to_string(&file).unwrap(), NEW);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(bundle.path()).unwrap().count(), 1, "nothing is left beside it");
    let check = run(&["policy", "check", path(&bundle)]);
    assert_eq!(check.status, Some(0), "{}", check.stdout);
}

#[test]
fn one_in_schema_2_is_refused() {
    let told = upgrade(&bundle(POLICY, None), &["--write"]);
    assert_eq!((told.status, told.stdout.as_str()), (Some(2), ""));
    assert_eq!(told.stderr, "portcullis: the policy is in schema 2 already, expected one in schema 1\n");
}

#[test]
fn an_answer_that_no_policy_may_have_is_refused() {
    let bundle = bundle(OLD, None);
    let told = run(&["policy", "upgrade", path(&bundle), "--write", "--owner", " ", "--objective", "o"]);
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("`owner` is ` `, expected text of 1 to 200 bytes"), "{}", told.stderr);
    assert_eq!(fs::read_to_string(bundle.path().join("policy.toml")).unwrap(), OLD);
}
