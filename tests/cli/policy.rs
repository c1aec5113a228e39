//! `policy`: its commands, and the bundles that ship.

mod check;
mod diff;
mod shipped;
mod show;
mod test;
mod upgrade;

use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A small policy in schema 2.
const POLICY: &str = r#"schema = 2
id = "desk"
version = "1.0.0"
revision = 3
on_unsupported = "allow"

[governance]
objective = "Keep addresses in."
owner = "Tests"
expires = 2031-05-09

[[rule]]
id = "mail"
detector = "pii.email"
threshold = 0.5
action = "rewrite"
hazard = "Privacy"

[[rule]]
id = "hate"
detector = "classifier.hate"
target_fpr = 0.001
action = "veto"
slices = ["shop"]
owner = "Others"
"#;

/// Tests that the policy passes.
const TESTS: &str = r#"[[case]]
name = "an address is taken out"
text = "Please write to jo@example.org today."
expect = "rewrite"
rule = "mail"
text_after = "Please write to [EMAIL] today."

[[case]]
name = "hate is refused in the shop"
text = "All Muslims are filthy animals and should be exterminated."
slice = "shop"
expect = "veto"
rule = "hate"

[[case]]
name = "a recipe passes"
text = "How do I bake bread?"
never = ["veto", "escalate"]
"#;

/// A bundle with this policy and, where there are some, these tests.
fn bundle(policy: &str, tests: Option<&str>) -> TempDir {
    let bundle = tempfile::tempdir().unwrap();
    fs::write(bundle.path().join("policy.toml"), policy).unwrap();
    if let Some(tests) = tests {
        fs::create_dir(bundle.path().join("tests")).unwrap();
        fs::write(bundle.path().join("tests/first.toml"), tests).unwrap();
    }
    bundle
}

/// The path as an argument.
fn path(bundle: &TempDir) -> &str {
    text(bundle.path())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
