//! Policies that must be refused, one file a rule: its first line, a comment, is a part of the expected message.

use portcullis::policy::{KnownDetector, Policy};
use std::fs;
use std::path::Path;

const DETECTORS: [KnownDetector<'_>; 7] = [
    KnownDetector { name: "classifier.toxicity", experimental: false },
    KnownDetector { name: "classifier.hate", experimental: false },
    KnownDetector { name: "classifier.obscenity", experimental: false },
    KnownDetector { name: "classifier.self_harm", experimental: true },
    KnownDetector { name: "pii.email", experimental: false },
    KnownDetector { name: "pii.phone", experimental: false },
    KnownDetector { name: "trial.one", experimental: true },
];

/// The messages of reading and binding the policy; empty when both succeed.
fn messages(source: &str, file: &str) -> String {
    let bound = Policy::parse(source, file).and_then(|policy| policy.bind(|_, _| Ok(0.9), &DETECTORS));
    bound.err().map(|errors| errors.to_string()).unwrap_or_default()
}

#[test]
fn every_attack_is_refused_with_its_message() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/policy");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = fs::read_to_string(&path).unwrap();
        let expected = source.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap();
        let found = messages(&source, &name);
        assert!(found.contains(expected), "{name}: expected {expected:?} in\n{found}");
        assert_eq!(
            found.matches(&format!("{name}:")).count(),
            1,
            "{name}: one mistake a file, found\n{found}"
        );
        count += 1;
    }
    assert!(count >= 30, "{count} attack files");
}

/// The documented example is a policy, and the documentation names every key the reader knows.
#[test]
fn the_documented_example_is_a_policy() {
    let page = include_str!("../docs/policy.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let policy = Policy::parse(example, "docs/policy.md").unwrap();
    assert!(policy.warnings().is_empty());
    policy.bind(|_, _| Ok(0.9), &DETECTORS).unwrap();
    for key in [
        "schema",
        "id",
        "version",
        "description",
        "on_fault",
        "on_unsupported",
        "max_bytes",
        "max_decode_depth",
        "templates",
        "detector",
        "category",
        "roles",
        "threshold",
        "target_fpr",
        "action",
        "mode",
        "keep",
        "template",
        "stream",
        "file",
        "veto_template",
        "experimental",
        "revision",
        "objective",
        "owner",
        "reviewer",
        "references",
        "data_slice",
        "effective",
        "expires",
        "hazard",
        "rationale",
        "slices",
        "locales",
    ] {
        assert!(page.contains(&format!("`{key}`")), "{key} is not documented");
    }
}
