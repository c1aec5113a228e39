//! `policy show`: what a policy says, with its thresholds as scores.

use super::{POLICY, bundle, path};
use crate::program::run;

#[test]
fn rules_are_shown_with_their_scores() {
    let bundle = bundle(POLICY, None);
    let run = run(&["policy", "show", path(&bundle)]);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let lines: Vec<String> =
        run.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        "id desk",
        "revision 3",
        "objective Keep addresses in.",
        "expires 2031-05-09",
        "rule detector from action for hazard owner",
        "mail pii.email 0.500 rewrite (redact) all Privacy",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}\nin\n{}", run.stdout);
    }
    let hate = lines.iter().find(|line| line.starts_with("hate classifier.hate 0.")).unwrap();
    assert!(hate.ends_with("veto all; slice shop Others"), "{hate}");
}

#[test]
fn what_is_shown_is_json_too() {
    let shown = run(&["policy", "show", path(&bundle(POLICY, None)), "--json"]).json();
    assert_eq!(
        (&shown["schema"], &shown["revision"], &shown["policy"]["id"]),
        (&2.into(), &3.into(), &"desk".into())
    );
    assert_eq!(shown["governance"]["owner"], "Tests");
    let hate = &shown["rules"][1];
    assert_eq!(
        (&hate["target_fpr"], &hate["slices"][0], &hate["action"]),
        (&0.001.into(), &"shop".into(), &"veto".into())
    );
    let threshold = hate["threshold"].as_f64().unwrap();
    assert!((0.5..1.0).contains(&threshold), "{threshold}");
}

#[test]
fn without_a_path_it_is_the_policy_in_use() {
    assert_eq!(run(&["policy", "show", "--json"]).json()["policy"]["id"], "default");
    let bundle = bundle(POLICY, None);
    assert_eq!(run(&["--policy", path(&bundle), "policy", "show", "--json"]).json()["policy"]["id"], "desk");
}

#[test]
fn a_policy_that_does_not_fit_is_an_error() {
    let policy = POLICY.replace("pii.email", "pii.emial");
    let run = run(&["policy", "show", path(&bundle(&policy, None))]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("no detector is named `pii.emial`"), "{}", run.stderr);
}
