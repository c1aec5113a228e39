//! Rewrites by the whole guard: the documented examples, the second look, and that a rewrite done again changes nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use portcullis::{Decision, Guard, GuardError, Request, Role, Vault, Verdict};
use proptest::prelude::*;
use std::path::Path;

const HEAD: &str = "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\non_unsupported = \"allow\"\n";
const TEMPLATES: &str = "[templates]\nnotice = \"Help is there: call a friend.\"\n\"notice.de\" = \"Hilfe ist da.\"\n\
    call = \"Call +44 20 7946 0958.\"\nrude = \"You are a worthless and disgusting idiot, and nobody likes you.\"\nend = \"Stopped.\"\n\"end.de\" = \"Angehalten.\"\n";

fn rule(id: &str, detector: &str, rest: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\ndetector = \"{detector}\"\nthreshold = 0.5\n{rest}\n")
}

fn rewriting(detector: &str, mode: &str) -> String {
    let template = if ["template", "append"].contains(&mode) { "template = \"notice\"" } else { "" };
    rule("r", detector, &format!("action = \"rewrite\"\nmode = \"{mode}\"\n{template}"))
}

fn build(rules: &str, key: Option<&[u8]>) -> Result<Guard, GuardError> {
    let folder = tempfile::tempdir().unwrap();
    let (policy, file) = (folder.path().join("policy.toml"), folder.path().join("key"));
    std::fs::write(&policy, format!("{HEAD}{rules}{TEMPLATES}")).unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut builder =
        Guard::builder().models_dir(models).model("portcullis-tiny").threads(1).policy_file(policy);
    if let Some(key) = key {
        std::fs::write(&file, key).unwrap();
        builder = builder.hash_key_file(file);
    }
    builder.build()
}

fn guard(rules: &str) -> Guard {
    build(rules, Some(b"a key of sixteen")).unwrap()
}

fn check(guard: &Guard, text: &str) -> Verdict {
    guard.check(&Request::new(text, Role::Assistant).unwrap())
}

const MODES: [&str; 7] = ["redact", "mask", "hash", "synthetic", "remove_sentence", "template", "append"];

#[test]
fn the_documented_examples_hold() {
    let page = include_str!("../docs/policy.md");
    let table = page.split("By example").nth(1).unwrap();
    let mut seen = Vec::new();
    for row in
        table.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"))
    {
        let cells: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let [mode, text, expected] = cells.as_slice() else { panic!("{row}") };
        let verdict = check(&guard(&rewriting("pii.*", mode)), text);
        assert_eq!(verdict.decision, Decision::Rewrite, "{row}");
        assert_eq!(verdict.text.unwrap(), expected.replace('⏎', "\n"), "{row}");
        seen.push(*mode);
    }
    assert!(MODES.iter().all(|mode| seen.contains(mode)), "{seen:?}");
}

#[test]
fn a_rewrite_that_is_still_held_back_is_a_veto_that_names_the_rule() {
    let held = rule("mail", "pii.email", "action = \"rewrite\"\nmode = \"template\"\ntemplate = \"rude\"")
        + &rule("abuse", "classifier.toxicity", "action = \"escalate\"");
    let verdict = check(&guard(&held), "Please write to jo@example.org tomorrow.");
    assert_eq!((verdict.decision, verdict.text, verdict.edits.len()), (Decision::Veto, None, 0));
    assert_eq!(verdict.fault.as_deref(), Some("the rewritten text still meets the rule `abuse`"));

    let unsettled =
        rule("mail", "pii.email", "action = \"rewrite\"\nmode = \"template\"\ntemplate = \"call\"")
            + &rule("phone", "pii.phone", "action = \"rewrite\"");
    let verdict = check(&guard(&unsettled), "Please write to jo@example.org tomorrow.");
    assert_eq!((verdict.decision, verdict.text), (Decision::Veto, None));
    assert_eq!(verdict.fault.as_deref(), Some("the rewritten text is rewritten again by the rule `phone`"));
}

#[test]
fn a_template_is_chosen_by_language() {
    let guard = guard(&rewriting("pii.email", "template"));
    let text = |locale: Option<&str>| {
        let request = Request::new("jo@example.org", Role::User).unwrap();
        guard.check(&Request { locale: locale.map(str::to_owned), ..request }).text.unwrap()
    };
    for german in ["de", "DE", "de-AT", "de_CH", "de-Latn-DE"] {
        assert_eq!(text(Some(german)), "Hilfe ist da.", "{german}");
    }
    for plain in [None, Some("fr"), Some(""), Some("d"), Some("deu"), Some("-")] {
        assert_eq!(text(plain), "Help is there: call a friend.", "{plain:?}");
    }
}

#[test]
fn a_hash_needs_a_key() {
    let hashing = rewriting("pii.email", "hash");
    let message = |key| build(&hashing, key).unwrap_err().to_string();
    assert_eq!(message(None), "the rule `r` has the mode hash, expected a key for it: none was given");
    assert!(message(Some(b"short")).ends_with("has 5 bytes, expected at least 16"));
    let hashed = |key: &[u8]| check(&build(&hashing, Some(key)).unwrap(), "jo@example.org").text.unwrap();
    assert_eq!(hashed(b"a key of sixteen"), hashed(b"a key of sixteen"));
    assert_ne!(hashed(b"a key of sixteen"), hashed(b"another sixteen."));
}

#[test]
fn a_notice_comes_once_in_a_stream_and_a_second_stream_adds_none() {
    let guard = guard(&rewriting("pii.email", "append"));
    let through = |text: &str| {
        let mut stream = guard.stream(Role::Assistant);
        let pieces = [stream.push(text.as_bytes()), stream.finish()].concat();
        let mut edited = text.to_owned();
        for edit in pieces.iter().rev().flat_map(|piece| piece.edits.iter().rev()) {
            edited.replace_range(edit.start..edit.end, &edit.replacement);
        }
        let shown: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(shown, edited);
        shown
    };
    let text = "You can write to jo@example.org at any time of the day. ".repeat(3);
    let once = through(&text);
    assert_eq!(once, format!("{text}\n\nHelp is there: call a friend."));
    assert_eq!(through(&once), once);
}

#[test]
fn several_notices_come_in_the_order_in_which_they_fell_due() {
    let append = |id: &str, detector: &str, template: &str| {
        rule(id, detector, &format!("action = \"rewrite\"\nmode = \"append\"\ntemplate = \"{template}\""))
    };
    let guard = guard(&(append("mail", "pii.email", "notice") + &append("phone", "pii.phone", "end")));
    let mut stream = guard.stream(Role::Assistant);
    let text = "You can write to jo@example.org at any time of the day.\n\
                Or write to jo@example.org and call +44 20 7946 0958 at once.\n";
    let pieces = [stream.push(text.as_bytes()), stream.finish()].concat();
    let shown: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(shown, format!("{text}\nHelp is there: call a friend.\n\nStopped."));
}

#[test]
fn a_notice_may_take_a_text_over_the_limit() {
    let limited = format!("max_bytes = 20\n{}", rewriting("pii.email", "append"));
    let verdict = check(&guard(&limited), "jo@example.org, yes");
    assert_eq!((verdict.decision, verdict.fault), (Decision::Rewrite, None));
}

#[test]
fn a_conversation_with_a_vault_ends_where_it_began() {
    let guard = guard(&rewriting("pii.*", "redact"));
    let mut vault = Vault::new();
    let question = "Ask jo@example.org, or al@example.org, or call +44 20 7946 0958; jo@example.org is best.";
    let verdict = guard.redact(&Request::new(question, Role::User).unwrap(), &mut vault);
    let redacted = "Ask [EMAIL_1], or [EMAIL_2], or call [PHONE_1]; [EMAIL_1] is best.";
    assert_eq!(verdict.text.as_deref(), Some(redacted));
    assert_eq!((vault.restore(redacted).as_str(), vault.len()), (question, 3));
    // The second turn: what is known keeps its number, and placeholders of the first stay as they are.
    let verdict = guard
        .redact(&Request::new("Is al@example.org better than [EMAIL_1]?", Role::User).unwrap(), &mut vault);
    assert_eq!(verdict.text.as_deref(), Some("Is [EMAIL_2] better than [EMAIL_1]?"));
}

#[test]
fn a_stopped_stream_ends_with_the_words_for_its_reader_and_the_notices_that_are_due() {
    let rules = rewriting("pii.email", "append") + &rule("phone", "pii.phone", "action = \"veto\"");
    let guard = guard(&format!("{rules}[stream]\nveto_template = \"end\"\n"));
    let shown = |text: &str, locale: Option<&str>| {
        let mut stream = guard.stream(Role::Assistant).with_locale(locale.map(str::to_owned));
        let pieces = [stream.push(text.as_bytes()), stream.finish()].concat();
        assert!(stream.is_closed() && stream.push(b"more").is_empty() && stream.finish().is_empty());
        (stream.decision(), pieces.iter().map(|piece| piece.text.as_str()).collect::<String>())
    };
    let call = "Call +44 20 7946 0958 before noon, and ask for the old gardener. ";
    let mail = "You can write to jo@example.org at any time of the day. ";
    assert_eq!(shown(call, None), (Decision::Veto, "Stopped.".to_owned()));
    assert_eq!(shown(call, Some("de-AT")), (Decision::Veto, "Angehalten.".to_owned()));
    let expected = format!("{mail}Stopped.\n\nHelp is there: call a friend.");
    assert_eq!(shown(&format!("{mail}{call}{mail}"), None), (Decision::Veto, expected));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_rewrite_done_again_changes_nothing_and_edits_give_the_text(
        words in prop::collection::vec(prop::sample::select(vec![
            "Hello there. ", "Write to ", "jo@example.org", "al@example.org. ", "call ", "+44 20 7946 0958", "(212) 867-5309",
            "4111 1111 1111 1111", "9.9.9.9", "2a00:1450:4001::1", " or ", ", ", ". ", "\n", " ", "the garden", "12", "é",
        ]), 1..12),
    ) {
        let text = words.concat();
        prop_assume!(!text.trim().is_empty());
        for mode in MODES {
            let guard = guards().iter().find(|(name, _)| *name == mode).map(|(_, guard)| guard).unwrap();
            let verdict = check(guard, &text);
            let Some(once) = verdict.text else {
                prop_assert_eq!(verdict.decision, Decision::Veto);
                continue;
            };
            let mut edited = text.clone();
            for edit in verdict.edits.iter().rev() {
                edited.replace_range(edit.start..edit.end, &edit.replacement);
            }
            prop_assert_eq!(&edited, &once);
            if !once.is_empty() {
                let again = check(guard, &once);
                prop_assert!(again.edits.is_empty(), "{} of {:?}: {:?}", mode, text, again.edits);
                prop_assert_eq!(again.text, Some(once));
            }
        }
    }
}

fn guards() -> &'static [(&'static str, Guard)] {
    static GUARDS: std::sync::OnceLock<Vec<(&str, Guard)>> = std::sync::OnceLock::new();
    GUARDS.get_or_init(|| MODES.iter().map(|mode| (*mode, guard(&rewriting("pii.*", mode)))).collect())
}
