//! The policies that ship: sound, tested, and each rule with somebody and something behind it.

use crate::program::run;
use portcullis::policy::{Policy, scenarios};
use std::path::{Path, PathBuf};

const BUNDLES: [&str; 4] = ["support-assistant", "compliance", "knowledge-assistant", "marketing"];
/// The least number of cases in a bundle's tests.
const LEAST: usize = 24;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/policies")
}

#[test]
fn every_bundle_is_sound_and_has_no_warning() {
    for bundle in BUNDLES.map(|name| folder().join(name)).into_iter().chain([folder().join("default.toml")]) {
        let run = run(&["policy", "check", bundle.to_str().unwrap(), "--at", "2027-01-01", "--json"]);
        assert_eq!(run.status, Some(0), "{}", run.stdout);
        assert_eq!(run.json()["warnings"], serde_json::json!([]), "{}", bundle.display());
    }
}

#[test]
fn every_bundle_passes_its_tests() {
    for bundle in BUNDLES {
        let run = run(&["policy", "test", folder().join(bundle).to_str().unwrap()]);
        assert_eq!(run.status, Some(0), "{bundle}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn every_bundle_tests_every_rule_and_what_must_pass() {
    for bundle in BUNDLES {
        let path = folder().join(bundle);
        let policy = Policy::open(&path).unwrap();
        let cases = scenarios(&path, &policy).unwrap();
        assert!(cases.len() >= LEAST, "{bundle}: {} cases", cases.len());
        for rule in policy.rules() {
            assert!(cases.iter().any(|case| case.expected.rules.contains(&rule.id)), "{bundle}: {}", rule.id);
        }
        let passing = cases.iter().filter(|case| {
            case.expected.decision.is_some_and(|decision| decision.releases())
                || !case.expected.never.is_empty()
        });
        assert!(passing.count() >= 8, "{bundle}");
    }
}

#[test]
fn every_rule_says_what_calls_for_it() {
    for file in BUNDLES.map(|name| folder().join(name)).into_iter().chain([folder().join("default.toml")]) {
        let policy = Policy::open(&file).unwrap();
        assert_eq!(policy.schema(), 2);
        assert!(!policy.governance().references.is_empty());
        for rule in policy.rules() {
            assert!(!rule.references.is_empty(), "{}: {}", file.display(), rule.id);
        }
    }
}
