//! For which texts a rule with slices or locales is, and which rules then outdo it.

use proptest::prelude::*;

use super::Circumstances;
use crate::decide::{Evidence, decide};
use crate::policy::{BoundPolicy, KnownDetector, Policy, PolicyWarning};
use crate::record::thresholds;
use crate::request::Role;
use crate::span::Span;
use crate::verdict::{Coverage, Decision, Detection, Source};

const HEAD: &str = "schema = 2\nid = \"p\"\nversion = \"1.0.0\"\nrevision = 1\n[governance]\nobjective = \"o\"\nowner = \"o\"\n";

fn rule(id: &str, action: &str, conditions: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"{action}\"\n{conditions}\n"
    )
}

fn policy(rules: &[String]) -> Policy {
    Policy::parse(&format!("{HEAD}{}", rules.concat()), "p.toml").unwrap()
}

fn bound(rules: &[String]) -> BoundPolicy {
    policy(rules).bind(|_, _| Ok(0.5), &[KnownDetector { name: "pii.email", experimental: false }]).unwrap()
}

fn decided(policy: &BoundPolicy, slice: Option<&str>, locale: Option<&str>) -> Decision {
    let found = Detection {
        detector: "pii.email".to_owned(),
        category: "pii".to_owned(),
        score: 1.0,
        spans: vec![Span::new(0, 4)],
        source: Source::Pattern,
        via: Vec::new(),
        place: None,
        repair: None,
    };
    let evidence = Evidence {
        role: Role::User,
        exemptions: &[],
        slice,
        locale,
        detections: &[found],
        coverage: Coverage::Full,
        reasons: &[],
        early: false,
        fault: false,
    };
    decide(policy, &evidence).decision
}

#[test]
fn a_rule_with_slices_is_for_requests_of_those_alone() {
    let policy = bound(&[rule("r", "veto", "slices = [\"checkout\", \"refunds\"]")]);
    assert_eq!(decided(&policy, Some("refunds"), None), Decision::Veto);
    for slice in [None, Some("Refunds"), Some("refunds "), Some("")] {
        assert_eq!(decided(&policy, slice, None), Decision::Allow, "{slice:?}");
    }
}

#[test]
fn a_rule_with_locales_is_for_tags_that_begin_with_them() {
    let policy = bound(&[rule("r", "veto", "locales = [\"de\", \"pt-BR\"]")]);
    for locale in ["de", "DE", "de-AT", "de_CH", "pt-br", "pt-BR-x-a"] {
        assert_eq!(decided(&policy, None, Some(locale)), Decision::Veto, "{locale}");
    }
    for locale in [None, Some("den"), Some("pt"), Some("pt-PT"), Some(""), Some("-")] {
        assert_eq!(decided(&policy, None, locale), Decision::Allow, "{locale:?}");
    }
}

#[test]
fn every_condition_must_hold() {
    let policy = bound(&[rule("r", "veto", "slices = [\"a\"]\nlocales = [\"de\"]")]);
    assert_eq!(decided(&policy, Some("a"), Some("de")), Decision::Veto);
    assert_eq!(decided(&policy, Some("a"), Some("fr")), Decision::Allow);
    assert_eq!(decided(&policy, None, Some("de")), Decision::Allow);
}

#[test]
fn a_record_has_the_thresholds_of_the_rules_that_apply() {
    let policy = bound(&[rule("all", "rewrite", ""), rule("some", "veto", "slices = [\"a\"]")]);
    let ids = |slice| {
        let circumstances = Circumstances { role: Role::User, slice, locale: None };
        thresholds(&policy, circumstances).into_keys().collect::<Vec<_>>().join(" ")
    };
    assert_eq!((ids(None), ids(Some("a"))), ("all".to_owned(), "all some".to_owned()));
}

#[test]
fn a_rule_is_outdone_only_by_one_that_is_for_all_its_texts() {
    let outdone = |earlier: &str, later: &str| {
        let policy = policy(&[rule("a", "veto", earlier), rule("b", "escalate", later)]);
        policy.warnings().iter().any(|warning| matches!(warning.what, PolicyWarning::Shadowed { .. }))
    };
    assert!(outdone("", "slices = [\"a\"]"));
    assert!(outdone("slices = [\"a\", \"b\"]", "slices = [\"b\"]"));
    assert!(outdone("locales = [\"de\"]", "locales = [\"de-AT\", \"DE\"]"));
    assert!(!outdone("slices = [\"a\"]", ""));
    assert!(!outdone("slices = [\"a\"]", "slices = [\"a\", \"b\"]"));
    assert!(!outdone("locales = [\"de-AT\"]", "locales = [\"de\"]"));
    assert!(!outdone("locales = [\"de\"]", ""));
}

/// Lists of conditions, and what a request may say, of few names so that they meet.
fn names(words: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(words), 0..3)
}

const SLICES: &[&str] = &["a", "b", "A"];
const TAGS: &[&str] = &["de", "de-AT", "DE_at", "de-AT-1996", "den", "fr"];

fn conditions(slices: &[&str], locales: &[&str]) -> String {
    let list = |key: &str, names: &[&str]| match names {
        [] => String::new(),
        names => format!("{key} = {names:?}\n"),
    };
    format!("{}{}", list("slices", slices), list("locales", locales))
}

proptest! {
    /// What is said of one rule by another holds for every text.
    #[test]
    fn a_rule_for_all_texts_of_another_applies_wherever_that_does(
        (a, b) in ((names(SLICES), names(TAGS)), (names(SLICES), names(TAGS))),
        slice in proptest::option::of(proptest::sample::select(SLICES)),
        locale in proptest::option::of(proptest::sample::select(TAGS)),
    ) {
        let policy = policy(&[
            rule("a", "veto", &conditions(&a.0, &a.1)),
            rule("b", "veto", &conditions(&b.0, &b.1)),
            rule("c", "veto", ""),
        ]);
        let [a, b, free] = policy.rules() else { unreachable!("three rules") };
        let circumstances = Circumstances { role: Role::User, slice, locale };
        prop_assert!(!a.is_for_all_of(b) || !b.applies_in(circumstances) || a.applies_in(circumstances));
        prop_assert!(free.is_for_all_of(a) && free.applies_in(circumstances));
        prop_assert!(a.is_for_all_of(a));
    }
}
