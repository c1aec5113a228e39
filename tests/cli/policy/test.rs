//! `policy test`: scenario tests that pass, fail, are missing or are broken.

use super::{POLICY, TESTS, bundle, path};
use crate::program::run;
use std::fs;

#[test]
fn tests_that_pass_are_counted() {
    let run = run(&["policy", "test", path(&bundle(POLICY, Some(TESTS)))]);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(0), "desk: 3 tests passed, 0 failed\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_failure_says_what_was_expected_and_what_was_found() {
    let tests = TESTS.replace("slice = \"shop\"\n", "").replace("[EMAIL] today", "[MAIL] today").replace(
        "text = \"How do I bake bread?\"",
        "text = \"Is jo@example.org yours?\"\nnot_rule = \"mail\"",
    );
    let bundle = bundle(POLICY, Some(&tests));
    let results = bundle.path().join("results.xml");
    let run = run(&["policy", "test", path(&bundle), "--junit", super::text(&results)]);
    let expected = "\
FAILED first.toml:1 an address is taken out: expected the text \"Please write to [MAIL] today.\", found \"Please write to [EMAIL] today.\"
FAILED first.toml:8 hate is refused in the shop: expected veto, found allow
FAILED first.toml:8 hate is refused in the shop: expected a finding of the rule `hate`, found no finding
FAILED first.toml:14 a recipe passes: expected no finding of the rule `mail`, found `mail` 1.000
desk: 0 tests passed, 3 failed
";
    assert_eq!((run.status, run.stdout.as_str()), (Some(1), expected), "{}", run.stderr);
    let xml = fs::read_to_string(results).unwrap();
    assert!(xml.contains("<testsuite name=\"first\" tests=\"3\""), "{xml}");
    assert!(xml.contains("failures=\"3\"") && xml.contains("classname=\"desk.first\""), "{xml}");
    assert!(xml.contains("<failure message=\"expected veto, found allow;"), "{xml}");
}

#[test]
fn a_policy_without_tests_is_an_error_unless_it_may_have_none() {
    let bundle = bundle(POLICY, None);
    let refused = run(&["policy", "test", path(&bundle)]);
    assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.contains("has no tests: expected at least one case"), "{}", refused.stderr);
    let allowed = run(&["policy", "test", path(&bundle), "--allow-none"]);
    assert_eq!((allowed.status, allowed.stdout.as_str()), (Some(0), "desk: 0 tests passed, 0 failed\n"));
}

#[test]
fn broken_tests_are_an_error_with_their_places() {
    let run = run(&[
        "policy",
        "test",
        path(&bundle(POLICY, Some("[[case]]\nname = \"n\"\ntext = \"t\"\nexpect = \"vetoed\"\n"))),
    ]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""));
    assert!(
        run.stderr.contains("first.toml:4:10: `expect` is `vetoed`") && run.stderr.contains("^^^^^^^^"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_policy_that_hashes_is_tested_without_a_key_of_its_own() {
    let policy = POLICY.replace("action = \"rewrite\"", "action = \"rewrite\"\nmode = \"hash\"");
    let tests = "[[case]]\nname = \"n\"\ntext = \"Please write to jo@example.org.\"\ntext_after = \"Please write to [EMAIL_71a8a97ab063].\"\n";
    let bundle = bundle(&policy, Some(tests));
    // The key is the tests' own, and the same everywhere.
    let told = run(&["policy", "test", path(&bundle)]);
    assert_eq!((told.status, told.stderr.as_str()), (Some(0), ""), "{}", told.stdout);
    let key = bundle.path().join("key");
    fs::write(&key, "sixteen bytes or more").unwrap();
    assert_eq!(run(&["policy", "test", path(&bundle), "--hash-key", super::text(&key)]).status, Some(1));
}
