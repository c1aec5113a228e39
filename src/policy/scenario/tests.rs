//! What a file of tests may say, and how its mistakes are told.

use std::fs;

use super::{ScenarioError, scenarios};
use crate::policy::Policy;
use crate::request::Role;
use crate::verdict::Decision;

const POLICY: &str = "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"rewrite\"\n";

fn read(tests: &[(&str, &str)]) -> Result<Vec<super::Scenario>, ScenarioError> {
    let bundle = tempfile::tempdir().unwrap();
    fs::write(bundle.path().join("policy.toml"), POLICY).unwrap();
    if !tests.is_empty() {
        fs::create_dir(bundle.path().join("tests")).unwrap();
    }
    for (name, text) in tests {
        fs::write(bundle.path().join("tests").join(name), text).unwrap();
    }
    scenarios(bundle.path(), &Policy::open(bundle.path()).unwrap())
}

#[test]
fn a_case_may_say_all_of_a_request() {
    let case = r#"[[case]]
name = "all"
text = "Write to jo@example.org."
role = "assistant"
slice = "shop"
locale = "de"
messages = [{ role = "user", content = "Where do I write?" }]
sources = ["The address is jo@example.org."]
expect = "rewrite"
never = ["veto", "escalate"]
rule = "mail"
text_after = "Write to [EMAIL]."
"#;
    let cases = read(&[
        ("b.toml", case),
        ("a.toml", "[[case]]\nname = \"n\"\ntext = \"t\"\nnot_rule = [\"mail\"]\n"),
        ("c.txt", "no test"),
    ])
    .unwrap();
    let [first, all] = &cases[..] else { panic!("{} cases", cases.len()) };
    assert_eq!(
        (first.file.as_str(), first.request.role, &*first.expected.not_rules),
        ("a", Role::User, &["mail".to_owned()][..])
    );
    assert_eq!((all.name.as_str(), all.line, all.request.role), ("all", 1, Role::Assistant));
    assert_eq!((all.request.slice.as_deref(), all.request.locale.as_deref()), (Some("shop"), Some("de")));
    assert_eq!((all.request.messages.len(), all.request.sources.len()), (1, 1));
    assert_eq!(
        (all.expected.decision, &*all.expected.never),
        (Some(Decision::Rewrite), &[Decision::Veto, Decision::Escalate][..])
    );
    assert_eq!(all.expected.text_after.as_deref(), Some("Write to [EMAIL]."));
}

#[test]
fn a_bundle_may_have_no_tests() {
    assert!(read(&[]).unwrap().is_empty());
}

#[test]
fn every_mistake_in_every_file_is_told_with_its_place() {
    let a = "[[case]]\nname = \"n\"\ntext = \"t\"\nexpect = \"vetto\"\n[[case]]\nname = \"n\"\ntext = \"\"\nrule = \"mial\"\n";
    let b = "[[case]]\nnmae = \"n\"\ntext = 7\n[[case]]\nname = \"m\"\ntext = \"t\"\n";
    let c = "[[case]]\nname = \"v\"\ntext = \"t\"\nexpect = \"veto\"\ntext_after = \"t\"\nnever = [\"veto\"]\nmessages = [{ role = \"usr\" }, 3]\n";
    let told = read(&[("a.toml", a), ("b.toml", b), ("c.toml", c), ("d.toml", "case = [\n"), ("e.toml", "")])
        .unwrap_err()
        .to_string();
    for expected in [
        "a.toml:4:10: `expect` is `vetto`, expected one of the known words; did you mean `veto`?",
        "a.toml:7:8: the text is empty",
        "a.toml:8:8: `rule` is `mial`, expected the id of a rule; did you mean `mail`?",
        "b.toml:2:1: unknown key `nmae` in this case; did you mean `name`?",
        "b.toml:1:1: this case has no `name`",
        "b.toml:3:8: `text` has the type integer, expected string",
        "b.toml:4:1: the case expects nothing",
        "c.toml:4:10: the case expects `veto` and never `veto`",
        "c.toml:4:10: no text is released after `veto`",
        "c.toml:7:22: `role` is `usr`",
        "c.toml:7:13: this message has no `content`",
        "c.toml:7:31: `messages` has the type integer",
        "d.toml:",
        "not valid TOML",
        "e.toml:1:1: the file has no `case`",
    ] {
        assert!(told.contains(expected), "{expected}\nin\n{told}");
    }
}

#[test]
fn a_name_stands_for_one_case_of_a_file() {
    let case = "[[case]]\nname = \"n\"\ntext = \"t\"\nexpect = \"allow\"\n";
    assert_eq!(read(&[("a.toml", case), ("b.toml", case)]).unwrap().len(), 2);
    let told = read(&[("a.toml", &case.repeat(2))]).unwrap_err().to_string();
    assert!(told.contains("a.toml:6:8: `name` is `n`, expected another name than that on line 2"), "{told}");
}

#[test]
fn hostile_files_are_errors() {
    for text in ["x = [[[[[[", "[[case]]\n\"\u{1b}[31m\" = 1\n", "case = 3\n", "case = [1]\n"] {
        let told = read(&[("a.toml", text)]).unwrap_err().to_string();
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
    let bundle = tempfile::tempdir().unwrap();
    fs::write(bundle.path().join("policy.toml"), POLICY).unwrap();
    fs::create_dir(bundle.path().join("tests")).unwrap();
    fs::write(bundle.path().join("tests/a.toml"), b"# \xff\n").unwrap();
    let policy = Policy::open(bundle.path()).unwrap();
    assert!(matches!(scenarios(bundle.path(), &policy), Err(ScenarioError::Io { .. })));
}
