//! `policy check`: every mistake at once, warnings, and the fit to the model.

use super::{POLICY, TESTS, bundle, path};
use crate::program::run;

#[test]
fn a_sound_bundle_is_told_in_a_line() {
    let bundle = bundle(POLICY, Some(TESTS));
    let run = run(&["policy", "check", path(&bundle), "--at", "2030-01-01"]);
    let expected = "policy.toml: desk 1.0.0, revision 3: 2 rules and 3 tests, fits portcullis-base\n";
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    assert!(run.stdout.ends_with(expected), "{}", run.stdout);
    let file = bundle.path().join("policy.toml");
    assert_eq!(
        crate::program::run(&["policy", "check", super::text(&file), "--at", "2030-01-01"]).stdout,
        run.stdout
    );
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let policy = POLICY.replace("threshold = 0.5", "threshold = 5").replace("revision = 3", "revision = 0");
    let run = run(&["policy", "check", path(&bundle(&policy, Some(TESTS)))]);
    assert_eq!((run.status, run.stderr.as_str()), (Some(1), ""));
    for expected in [
        "policy.toml:4:12: `revision` is `0`, expected a whole number from 1 on\n4 | revision = 0\n  |            ^\n",
        "policy.toml:15:13: `threshold` is `5`, expected a number from 0 to 1\n",
        "policy.toml: 2 mistakes\n",
    ] {
        assert!(run.stdout.contains(expected), "{expected}\nin\n{}", run.stdout);
    }
}

#[test]
fn what_does_not_fit_the_model_and_the_tests_are_told_together() {
    let policy = POLICY.replace("classifier.hate", "classifier.hat");
    let tests = TESTS.replace("rule = \"mail\"", "rule = \"male\"");
    let run = run(&["policy", "check", path(&bundle(&policy, Some(&tests)))]);
    assert_eq!(run.status, Some(1));
    for expected in [
        "policy.toml:21:12: no detector is named `classifier.hat`; did you mean `classifier.hate`?",
        "first.toml:5:8: `rule` is `male`, expected the id of a rule; did you mean `mail`? known: mail, hate\n",
        "policy.toml: 2 mistakes",
    ] {
        assert!(run.stdout.contains(expected), "{expected}\nin\n{}", run.stdout);
    }
}

#[test]
fn days_and_untested_rules_are_warnings() {
    let tests = TESTS.replace("rule = \"hate\"\n", "");
    let bundle = bundle(POLICY, Some(&tests));
    let warned = |at| {
        let run = run(&["policy", "check", path(&bundle), "--at", at, "--json"]);
        assert_eq!(run.status, Some(0));
        let report = run.json();
        let warnings = report["warnings"].as_array().unwrap().iter();
        warnings.map(|warning| warning["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let untested = "no test expects a finding of `hate`".to_owned();
    assert_eq!(warned("2030-01-01"), [untested.clone()]);
    let soon = "the policy may be in force for 8 more days, until 2031-05-09".to_owned();
    assert_eq!(warned("2031-05-01"), [soon, untested.clone()]);
    let over = "the policy may not be in force since 2031-05-09, looked at for 2031-05-09".to_owned();
    assert_eq!(warned("2031-05-09"), [over, untested]);
}

#[test]
fn the_report_is_json_too() {
    let policy = POLICY.replace("action = \"veto\"", "action = \"vetto\"");
    let run = run(&["policy", "check", path(&bundle(&policy, None)), "--json"]);
    assert_eq!(run.status, Some(1));
    let report = run.json();
    let error = &report["errors"][0];
    assert_eq!(
        (&report["valid"], &error["place"]["line"], &error["place"]["column"]),
        (&false.into(), &23.into(), &10.into())
    );
    assert!(error["message"].as_str().unwrap().starts_with("`action` is `vetto`"), "{report}");

    let sound =
        crate::program::run(&["policy", "check", path(&bundle(POLICY, Some(TESTS))), "--json"]).json();
    assert_eq!((&sound["valid"], &sound["revision"], &sound["tests"]), (&true.into(), &3.into(), &3.into()));
    assert_eq!(sound["model"]["id"], "portcullis-base");
}

#[test]
fn a_policy_that_is_not_there_is_an_error() {
    let run = run(&["policy", "check", "/nowhere/policy.toml"]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""));
    assert!(
        run.stderr.contains("cannot read the policy /nowhere/policy.toml: No such file"),
        "{}",
        run.stderr
    );
}

#[test]
fn hostile_files_are_errors() {
    let bundle = bundle(POLICY, None);
    let file = bundle.path().join("policy.toml");
    std::fs::write(&file, "#".repeat((1 << 20) + 1)).unwrap();
    let large = run(&["policy", "check", path(&bundle)]);
    assert_eq!(large.status, Some(2));
    assert!(
        large.stderr.contains("it has more than the 1048576 bytes that a policy may have"),
        "{}",
        large.stderr
    );
    std::fs::write(&file, b"# \xff\n").unwrap();
    let binary = run(&["policy", "check", path(&bundle)]);
    assert_eq!(binary.status, Some(2));
    assert!(binary.stderr.contains("it is not UTF-8 from byte 3 on"), "{}", binary.stderr);
    // A device has no size to look at beforehand.
    let endless = run(&["policy", "check", "/dev/zero"]);
    assert_eq!(endless.status, Some(2));
    assert!(endless.stderr.contains("more than the 1048576 bytes"), "{}", endless.stderr);
}
