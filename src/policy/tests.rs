//! The reader, the binder, and the embedded policy; the attack files under `tests/attacks/policy` hold the rest.

use proptest::prelude::*;
use std::time::{Duration, Instant};

use super::{
    Action, KnownDetector, Limit, MAX_POLICY_BYTES, Policy, PolicyError, PolicyErrors, PolicyWarning,
    Replacement, Selector,
};
use crate::rails::text::TextRails;
use crate::request::Role;
use crate::verdict::Decision;

const KNOWN: [KnownDetector<'_>; 14] = [
    settled("classifier.toxicity"),
    settled("classifier.obscenity"),
    settled("classifier.insult"),
    settled("classifier.threat"),
    settled("classifier.hate"),
    settled("classifier.harmful_request"),
    settled("classifier.jailbreak"),
    settled("classifier.prompt_injection"),
    experimental("classifier.self_harm"),
    experimental("classifier.sexual"),
    settled("pii.email"),
    settled("pii.phone"),
    settled("pii.card"),
    settled("pii.ip"),
];

const fn settled(name: &str) -> KnownDetector<'_> {
    KnownDetector { name, experimental: false }
}

const fn experimental(name: &str) -> KnownDetector<'_> {
    KnownDetector { name, experimental: true }
}

const HEAD: &str = "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n";

fn with_rule(lines: &str) -> Result<Policy, PolicyErrors> {
    Policy::parse(&format!("{HEAD}[[rule]]\nid = \"r\"\n{lines}\n"), "p.toml")
}

fn only_error(result: Result<Policy, PolicyErrors>) -> PolicyError {
    let errors = result.unwrap_err();
    assert_eq!(errors.problems().len(), 1, "{errors}");
    errors.problems()[0].what.clone()
}

#[test]
fn the_embedded_policy_is_sound_and_binds() {
    let policy = Policy::embedded().unwrap();
    assert!(policy.warnings().is_empty(), "{}", policy.warnings()[0]);
    assert_eq!((policy.on_fault(), policy.on_unsupported()), (Decision::Veto, Decision::Escalate));
    let rails = TextRails::new(policy.lists(), policy.hosts()).unwrap();
    let known: Vec<KnownDetector<'_>> = KNOWN.into_iter().chain(rails.names().map(settled)).collect();
    let bound = policy.bind(|_, _| Ok(0.9), &known).unwrap();
    for detector in known {
        // What benign text is full of is for those who ask for it.
        if ["url.", "code.", "invisible.", "text."].iter().any(|family| detector.name.starts_with(family))
            || detector.name == "pii.url"
        {
            continue;
        }
        let watched = Role::ALL.iter().any(|&role| bound.rules_for(detector.name, role).next().is_some());
        assert_eq!(watched, !detector.experimental, "{detector:?}");
    }
    assert_eq!(policy.digest(), blake3::hash(Policy::embedded_source().as_bytes()).to_hex().as_str());
}

#[test]
fn defaults_are_the_strict_ones() {
    let policy = with_rule("detector = \"pii.*\"\nthreshold = 1\naction = \"rewrite\"").unwrap();
    assert_eq!((policy.on_fault(), policy.on_unsupported()), (Decision::Veto, Decision::Escalate));
    assert_eq!(policy.max_bytes(), 1 << 20);
    assert_eq!(policy.max_decode_depth(), 3);
    assert_eq!(policy.rules()[0].roles, Role::ALL);
    assert_eq!(policy.rules()[0].detector, Selector::Family("pii.".to_owned()));
    assert_eq!(policy.rules()[0].limit, Limit::Threshold(1.0));
}

#[test]
fn every_mode_of_a_rewrite_is_read() {
    let replacement = |lines: &str| {
        let rule = format!("detector = \"pii.email\"\nthreshold = 1\naction = \"rewrite\"\n{lines}");
        let policy = with_rule(&format!("{rule}\n[templates]\nt = \"text\"")).unwrap();
        policy.rules()[0].action.clone()
    };
    for (lines, expected) in [
        ("", Replacement::Redact),
        ("mode = \"redact\"", Replacement::Redact),
        ("mode = \"mask\"", Replacement::Mask { keep: 4 }),
        ("mode = \"mask\"\nkeep = 0", Replacement::Mask { keep: 0 }),
        ("mode = \"hash\"", Replacement::Hash),
        ("mode = \"synthetic\"", Replacement::Synthetic),
        ("mode = \"remove_sentence\"", Replacement::RemoveSentence),
        ("mode = \"template\"\ntemplate = \"t\"", Replacement::Template("t".to_owned())),
        ("mode = \"append\"\ntemplate = \"t\"", Replacement::Append("t".to_owned())),
    ] {
        assert_eq!(replacement(lines), Action::Rewrite(expected), "{lines}");
    }
}

#[test]
fn the_words_that_end_a_stream_are_a_template_in_the_readers_language() {
    let rule = "detector = \"pii.email\"\nthreshold = 1\naction = \"veto\"\n";
    let templates =
        "[templates]\nend = \"Stopped.\"\n\"end.pt-BR\" = \"Parado.\"\n\"end.de\" = \"Angehalten.\"";
    let bind = |policy: Policy| policy.bind(|_, _| Ok(0.9), &KNOWN).unwrap();
    let policy = with_rule(&format!("{rule}[stream]\nveto_template = \"end\"\n{templates}")).unwrap();
    assert!(policy.warnings().is_empty(), "those of other languages are used too");
    let bound = bind(policy);
    let ending = |locale| bound.stream_ending(locale);
    assert_eq!(
        [None, Some("pt"), Some("PT_br"), Some("de-AT")].map(ending),
        [Some("Stopped."), Some("Stopped."), Some("Parado."), Some("Angehalten."),]
    );
    let silent = with_rule(&format!("{rule}{templates}")).unwrap();
    assert_eq!(silent.warnings().len(), 3);
    assert_eq!(bind(silent).stream_ending(None), None);
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_places() {
    let source = "\
schema = 3
id = \"p\"
version = \"one\"
on_fault = \"allow\"
max_byte = 10

[[rule]]
id = \"a\"
detector = \"pii.email\"
threshold = nan
action = \"rewite\"

[[rule]]
id = \"a\"
detector = \"classifier.hate\"
roles = [\"asistant\"]
threshold = 0.5
target_fpr = 0.01
action = \"veto\"
";
    let errors = Policy::parse(source, "dir/p.toml").unwrap_err();
    let expected = "\
dir/p.toml:1:10: `schema` is `3`, expected 1 or 2, the schemas there are
1 | schema = 3
  |          ^
dir/p.toml:3:11: `version` is `one`, expected three numbers such as 1.4.0
3 | version = \"one\"
  |           ^^^^^
dir/p.toml:4:12: `on_fault` is `allow`, expected veto or escalate: a text that could not be judged is never released
4 | on_fault = \"allow\"
  |            ^^^^^^^
dir/p.toml:5:1: unknown key `max_byte` in the policy; did you mean `max_bytes`? known: schema, revision, id, \
version, description, governance, on_fault, on_unsupported, on_deadline, on_log_failure, on_device_failure, max_bytes, max_decode_depth, rule, \
stream, list, head, urls, json_schema, conversation, rollback, tools, tool, templates
5 | max_byte = 10
  | ^^^^^^^^
dir/p.toml:10:13: `threshold` is `nan`, expected a number from 0 to 1
10 | threshold = nan
   |             ^^^
dir/p.toml:11:10: `action` is `rewite`, expected one of the known words; did you mean `rewrite`? known: rewrite, \
escalate, veto
11 | action = \"rewite\"
   |          ^^^^^^^^
dir/p.toml:14:6: the rule id `a` is already taken on line 8, expected a unique id
14 | id = \"a\"
   |      ^^^
dir/p.toml:16:10: `roles` is `asistant`, expected one of the known words; did you mean `assistant`? known: user, \
assistant, tool, system
16 | roles = [\"asistant\"]
   |          ^^^^^^^^^^
dir/p.toml:18:14: the rule has `threshold` and `target_fpr`, expected one of them
18 | target_fpr = 0.01
   |              ^^^^";
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn syntax_errors_do_not_hide_other_mistakes() {
    let source = format!("{HEAD}colour = 1\non_fault =\n[[rule]]\nid = \"r\"\nwhat\n");
    let errors = Policy::parse(&source, "p.toml").unwrap_err();
    let syntax = errors.problems().iter().filter(|p| matches!(p.what, PolicyError::Syntax { .. })).count();
    assert!(syntax >= 2, "{errors}");
    assert!(errors.to_string().contains("unknown key `colour`"), "{errors}");
}

#[test]
fn messages_do_not_drive_the_terminal() {
    let source = format!("{HEAD}\"\\u001b[31mred\" = \"\u{202e}\"\n");
    let shown = Policy::parse(&source, "a\u{1b}b.toml").unwrap_err().to_string();
    assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
}

#[test]
fn unused_templates_and_shadowed_rules_are_warnings() {
    let source = format!(
        "{HEAD}[[rule]]\nid = \"all\"\ndetector = \"pii.*\"\nthreshold = 0.4\naction = \"veto\"\n\
         [[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"escalate\"\n\
         [templates]\nspare = \"text\"\n"
    );
    let policy = Policy::parse(&source, "p.toml").unwrap();
    let warnings: Vec<_> = policy.warnings().iter().map(|w| (w.line, w.what.clone())).collect();
    let shadowed = PolicyWarning::Shadowed { id: "mail".to_owned(), by: "all".to_owned() };
    let unused = PolicyWarning::UnusedTemplate { name: "spare".to_owned() };
    assert_eq!(warnings, [(9, shadowed), (15, unused)]);
}

#[test]
fn binding_looks_targets_up_and_knows_the_detectors() {
    let policy = with_rule("detector = \"classifier.hate\"\ntarget_fpr = 0.01\naction = \"veto\"").unwrap();
    let bound = policy
        .bind(
            |head, target| if (head, target) == ("hate", 0.01) { Ok(0.75) } else { Err(String::new()) },
            &KNOWN,
        )
        .unwrap();
    assert_eq!(bound.rules()[0].threshold(), 0.75);

    let errors = policy.bind(|_, _| Err("no curve".to_owned()), &KNOWN).unwrap_err();
    assert!(
        errors
            .to_string()
            .contains("p.toml:7:14: no threshold for `classifier.hate` at target_fpr 0.01: no curve")
    );
    for threshold in [f32::NAN, -0.1, 1.5, f32::INFINITY] {
        assert!(policy.bind(|_, _| Ok(threshold), &KNOWN).is_err(), "{threshold}");
    }

    let misspelt = with_rule("detector = \"pii.emial\"\nthreshold = 0.5\naction = \"veto\"").unwrap();
    let errors = misspelt.bind(|_, _| Ok(0.5), &KNOWN).unwrap_err();
    assert!(
        errors.to_string().contains("no detector is named `pii.emial`; did you mean `pii.email`?"),
        "{errors}"
    );
    let family = with_rule("detector = \"secrets.*\"\nthreshold = 0.5\naction = \"veto\"").unwrap();
    let error = family.bind(|_, _| Ok(0.5), &KNOWN).unwrap_err();
    assert!(matches!(error.problems()[0].what, PolicyError::NeverApplies { .. }), "{error}");
}

#[test]
fn a_family_leaves_out_experimental_heads_unless_the_rule_says_so() {
    let rule = "detector = \"classifier.*\"\nthreshold = 0.9\naction = \"veto\"";
    let covers = |policy: Policy, detector| {
        policy.bind(|_, _| Ok(0.5), &KNOWN).unwrap().rules_for(detector, Role::User).count() == 1
    };
    assert!(covers(with_rule(rule).unwrap(), "classifier.hate"));
    assert!(!covers(with_rule(rule).unwrap(), "classifier.self_harm"));
    assert!(covers(with_rule(&format!("{rule}\nexperimental = true")).unwrap(), "classifier.self_harm"));
}

#[test]
fn all_mistakes_of_binding_are_reported_at_once_with_their_places() {
    let source = format!(
        "{HEAD}[[rule]]\nid = \"a\"\ndetector = \"pii.emial\"\nthreshold = 0.5\naction = \"veto\"\n\
         [[rule]]\nid = \"b\"\ndetector = \"classifier.sexual\"\ntarget_fpr = 0.01\naction = \"veto\"\n\
         [[rule]]\nid = \"c\"\ndetector = \"trial.*\"\nthreshold = 0.5\naction = \"veto\"\n"
    );
    let policy = Policy::parse(&source, "p.toml").unwrap();
    let known = [settled("pii.email"), experimental("classifier.sexual"), experimental("trial.one")];
    let errors = policy.bind(|_, _| Err("no curve".to_owned()), &known).unwrap_err();
    let found: Vec<_> = errors.problems().iter().map(|p| (p.line, p.column, p.what.to_string())).collect();
    let expected = [
        (
            6,
            12,
            "no detector is named `pii.emial`; did you mean `pii.email`? \
                 known: pii.email, classifier.sexual, trial.one",
        ),
        (
            11,
            12,
            "`classifier.sexual` is experimental, \
                  expected `experimental = true` in a rule that looks at it",
        ),
        (12, 14, "no threshold for `classifier.sexual` at target_fpr 0.01: no curve"),
        (16, 12, "`trial.*` is experimental, expected `experimental = true` in a rule that looks at it"),
    ];
    assert_eq!(found, expected.map(|(line, column, what)| (line, column, what.to_owned())));
}

#[test]
fn sizes_are_limited() {
    let long = format!("{HEAD}#{}", "x".repeat(MAX_POLICY_BYTES));
    assert!(matches!(only_error(Policy::parse(&long, "p.toml")), PolicyError::TooLarge { .. }));
    let rule = "[[rule]]\nid=\"r\"\n";
    let many = format!("{HEAD}{}", rule.repeat(1001));
    assert!(matches!(
        only_error(Policy::parse(&many, "p.toml")),
        PolicyError::TooManyRules { found: 1001, .. }
    ));
    let broken = format!("{HEAD}{}", "x\n".repeat(500));
    let errors = Policy::parse(&broken, "p.toml").unwrap_err();
    assert_eq!((errors.problems().len(), errors.omitted() > 0), (PolicyErrors::MOST, true));
}

#[test]
fn hostile_documents_are_errors_in_bounded_time() {
    let fill = |unit: &str| unit.repeat(200_000 / unit.len());
    let documents = [
        format!("x = {}", fill("[")),
        format!("x = {}", fill("{a=")),
        fill("["),
        fill("[["),
        fill("a."),
        fill("a=1\n"),
        fill("[[rule]]\n"),
        fill("[a]\n"),
        format!("x = \"{}", fill("\\")),
        format!("x = {}", fill("9")),
        format!("id = \"{}\"", fill("i")),
        format!("rule = [{}]", fill("{id=\"a\",x=1},")),
        fill("\u{0}"),
        fill("\u{feff}"),
        fill("'''"),
        fill("="),
    ];
    for document in documents {
        let start = Instant::now();
        let errors = Policy::parse(&document, "p.toml").unwrap_err();
        assert!(errors.to_string().len() < 200_000);
        let head: String = document.chars().take(12).collect();
        assert!(start.elapsed() < Duration::from_secs(20), "{head:?} took {:?}", start.elapsed());
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        drop(Policy::parse(&text, "p.toml").map_err(|errors| errors.to_string()));
    }

    #[test]
    fn no_cut_or_changed_byte_makes_the_reader_panic(at in 0_usize..2000, byte in any::<char>()) {
        let source = Policy::embedded_source();
        let at = (0..=at % source.len()).rev().find(|&at| source.is_char_boundary(at)).unwrap();
        let (start, end) = source.split_at(at);
        drop(Policy::parse(start, "p.toml").map_err(|errors| errors.to_string()));
        let changed = format!("{start}{byte}{end}");
        drop(Policy::parse(&changed, "p.toml").map_err(|errors| errors.to_string()));
    }
}
