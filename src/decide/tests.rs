//! What holds for every decision: more evidence is never milder, order does not matter, nothing broken is allowed.

use proptest::prelude::*;

use super::{Decided, Evidence, Replace, Rewrite, decide};
use crate::policy::{BoundPolicy, KnownDetector, Policy};
use crate::request::Role;
use crate::span::Span;
use crate::verdict::{Coverage, CoverageReason, Decision, Detection, Disguise, Edit, Finding, Source};

const POLICY: &str = r#"
schema = 1
id = "test"
version = "1.0.0"
on_unsupported = "allow"

[[rule]]
id = "hold"
detector = "classifier.insult"
threshold = 0.3
action = "escalate"

[[rule]]
id = "block"
detector = "classifier.insult"
category = "abuse"
threshold = 0.8
action = "veto"

[[rule]]
id = "soften"
detector = "classifier.obscenity"
roles = ["assistant"]
threshold = 0.5
action = "rewrite"
mode = "template"
template = "sorry"

[[rule]]
id = "redact"
detector = "pii.*"
threshold = 0.5
action = "rewrite"

[[json_schema]]
id = "order"
inline = "true"

[[rule]]
id = "mend"
detector = "schema.order"
threshold = 1.0
action = "rewrite"
mode = "repair"

[templates]
sorry = "Withheld."
"#;

const DETECTORS: [&str; 6] = [
    "classifier.insult",
    "classifier.obscenity",
    "classifier.threat",
    "pii.email",
    "pii.phone",
    "schema.order",
];

fn policy() -> BoundPolicy {
    let known = DETECTORS.map(|name| KnownDetector { name, experimental: false });
    Policy::parse(POLICY, "test.toml").unwrap().bind(|_, _| unreachable!(), &known).unwrap()
}

fn detection(detector: &str, score: f32, spans: &[(usize, usize)]) -> Detection {
    Detection {
        detector: detector.to_owned(),
        category: detector.split('.').next().unwrap().to_owned(),
        score,
        spans: spans.iter().copied().map(Span::from).collect(),
        source: if detector.starts_with("pii") { Source::Pattern } else { Source::Classifier },
        via: Vec::new(),
        place: None,
        repair: None,
    }
}

fn judge(role: Role, detections: &[Detection]) -> Decided {
    judge_with(role, detections, Coverage::Full, &[], false)
}

fn judge_with(
    role: Role,
    detections: &[Detection],
    coverage: Coverage,
    reasons: &[CoverageReason],
    fault: bool,
) -> Decided {
    decide(
        &policy(),
        &Evidence { role, slice: None, locale: None, detections, coverage, reasons, early: false, fault },
    )
}

fn rules(decided: &Decided) -> Vec<&str> {
    decided.findings.iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn what_cannot_be_mended_is_a_veto() {
    let broken = detection("schema.order", 1.0, &[(0, 1)]);
    let held = judge(Role::Assistant, std::slice::from_ref(&broken));
    assert_eq!((held.decision, held.rewrites.len()), (Decision::Veto, 0));
    assert_eq!(held.findings[0].action, Decision::Veto);
    let edit = |start, end, replacement: &str| Edit { start, end, replacement: replacement.to_owned() };
    let repair = Some(vec![edit(0, 3, ""), edit(8, 9, "\"")]);
    let mended = judge(Role::Assistant, &[Detection { repair, ..broken }]);
    assert_eq!((mended.decision, mended.findings[0].action), (Decision::Rewrite, Decision::Rewrite));
    let rewrite = |start, end, text: &str| Rewrite {
        rule: 4,
        spans: vec![Span::new(start, end)],
        replacement: Replace::Text(text.to_owned()),
    };
    assert_eq!(mended.rewrites, [rewrite(0, 3, ""), rewrite(8, 9, "\"")]);
}

#[test]
fn a_score_at_the_threshold_is_a_finding_and_below_it_none() {
    let at = judge(Role::User, &[detection("pii.email", 0.5, &[(0, 3)])]);
    assert_eq!((at.decision, rules(&at)), (Decision::Rewrite, vec!["redact"]));
    let below = judge(Role::User, &[detection("pii.email", 0.499_999, &[(0, 3)])]);
    assert_eq!((below.decision, below.findings.len()), (Decision::Allow, 0));
}

#[test]
fn one_detection_answers_to_each_of_its_rules() {
    let decided = judge(Role::Tool, &[detection("classifier.insult", 0.9, &[])]);
    assert_eq!(decided.decision, Decision::Veto);
    assert_eq!(rules(&decided), ["hold", "block"]);
    assert_eq!(decided.findings[0].category, "classifier");
    assert_eq!(decided.findings[1].category, "abuse");
    assert_eq!(decided.findings[1].threshold, 0.8);
}

#[test]
fn a_finding_says_what_was_seen_through() {
    let plain = detection("pii.email", 1.0, &[(0, 3)]);
    let seen = Detection { via: vec![Disguise::Leetspeak, Disguise::Base64], ..plain.clone() };
    let decided = judge(Role::User, &[seen, plain]);
    let via: Vec<&[Disguise]> = decided.findings.iter().map(|finding| finding.via.as_slice()).collect();
    assert_eq!(via, [&[] as &[Disguise], &[Disguise::Leetspeak, Disguise::Base64]]);
    let json: Vec<String> =
        decided.findings.iter().map(|finding| serde_json::to_string(finding).unwrap()).collect();
    assert!(!json[0].contains("via"), "{}", json[0]);
    assert!(json[1].ends_with(r#""via":["leetspeak","base64"]}"#), "{}", json[1]);
    let read: Vec<Finding> = json.iter().map(|json| serde_json::from_str(json).unwrap()).collect();
    assert_eq!(read, decided.findings);
}

#[test]
fn a_rule_applies_to_its_roles_only() {
    let swearing = [detection("classifier.obscenity", 0.9, &[])];
    assert_eq!(judge(Role::User, &swearing).decision, Decision::Allow);
    let decided = judge(Role::Assistant, &swearing);
    assert_eq!(decided.decision, Decision::Rewrite);
    let replacement = Replace::Text("Withheld.".to_owned());
    let expected = Rewrite { rule: 2, spans: Vec::new(), replacement };
    assert_eq!(decided.rewrites, [expected]);
}

#[test]
fn findings_are_in_text_order_then_in_rule_order() {
    let decided = judge(
        Role::Assistant,
        &[
            detection("pii.phone", 0.9, &[(40, 50), (5, 9)]),
            detection("pii.email", 0.9, &[(7, 20)]),
            detection("classifier.obscenity", 0.9, &[]),
            detection("classifier.insult", 0.9, &[]),
        ],
    );
    assert_eq!(rules(&decided), ["hold", "block", "soften", "redact", "redact"]);
    assert_eq!(decided.rewrites[1].replacement, Replace::Placeholder("[PHONE]".to_owned()));
    assert_eq!(decided.rewrites[2].replacement, Replace::Placeholder("[EMAIL]".to_owned()));
}

#[test]
fn a_broken_score_is_a_fault_even_where_no_rule_looks() {
    for score in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.1, 1.1] {
        for detector in DETECTORS {
            let decided = judge(Role::User, &[detection(detector, score, &[])]);
            assert_eq!((decided.decision, decided.fault), (Decision::Veto, true), "{detector} {score}");
            assert_eq!(decided.findings, []);
        }
    }
}

#[test]
fn missing_coverage_is_a_fault_unless_the_language_is_unsupported() {
    use CoverageReason::{Deadline, Fault, SizeLimit, UnsupportedLanguage};
    let decision =
        |reasons: &[CoverageReason]| judge_with(Role::User, &[], Coverage::Partial, reasons, false).decision;
    assert_eq!(decision(&[UnsupportedLanguage]), Decision::Allow);
    for reasons in [&[][..], &[Deadline], &[Fault], &[SizeLimit], &[UnsupportedLanguage, Deadline]] {
        assert_eq!(decision(reasons), Decision::Veto, "{reasons:?}");
    }
    assert_eq!(judge_with(Role::User, &[], Coverage::Full, &[], true).decision, Decision::Veto);
}

fn any_detection() -> impl Strategy<Value = Detection> {
    let score = prop_oneof![8 => 0.0_f32..=1.0, 1 => Just(0.5), 1 => Just(f32::NAN), 1 => -1.0_f32..2.0];
    let spans = prop::collection::vec((0_usize..40, 1_usize..9), 0..3);
    (prop::sample::select(DETECTORS.to_vec()), score, spans).prop_map(|(detector, score, spans)| {
        let spans: Vec<_> = spans.into_iter().map(|(start, len)| (start, start + len)).collect();
        detection(detector, score, &spans)
    })
}

proptest! {
    #[test]
    fn another_detection_never_makes_a_decision_milder(
        detections in prop::collection::vec(any_detection(), 0..8),
        more in any_detection(),
        role in prop::sample::select(Role::ALL.to_vec()),
    ) {
        let before = judge(role, &detections);
        let after = judge(role, &[detections, vec![more]].concat());
        prop_assert!(after.decision >= before.decision);
        prop_assert!(after.findings.len() >= before.findings.len());
        prop_assert!(after.fault >= before.fault);
    }

    #[test]
    fn the_order_of_detections_does_not_matter(
        (detections, shuffled) in prop::collection::vec(any_detection(), 0..8)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        role in prop::sample::select(Role::ALL.to_vec()),
    ) {
        prop_assert_eq!(judge(role, &detections), judge(role, &shuffled));
    }

    #[test]
    fn the_decision_is_what_its_parts_call_for(
        detections in prop::collection::vec(any_detection(), 0..8),
        fault: bool,
    ) {
        let decided = judge_with(Role::Assistant, &detections, Coverage::Full, &[], fault);
        let strongest = decided.findings.iter().map(|f| f.action).max().unwrap_or(Decision::Allow);
        let expected = if decided.fault { Decision::Veto } else { strongest };
        prop_assert_eq!(decided.decision, expected);
        prop_assert!(decided.findings.iter().all(|f| f.score >= f.threshold));
        let rewrites = decided.findings.iter().filter(|f| f.action == Decision::Rewrite).count();
        prop_assert_eq!(decided.rewrites.len(), rewrites);
    }
}

#[test]
fn an_answer_before_the_deadline_decides_where_the_policy_says_so() {
    let source = "schema = 1\nid = \"a\"\nversion = \"1.0.0\"\non_deadline = \"exit\"\n[[rule]]\nid = \"hold\"\n\
                  detector = \"classifier.insult\"\nthreshold = 0.5\naction = \"escalate\"\n";
    let known = [KnownDetector { name: "classifier.insult", experimental: false }];
    let bind = |source: &str| {
        Policy::parse(source, "test").unwrap().bind(|_, _| Err("none".to_owned()), &known).unwrap()
    };
    let (exit, fault) = (bind(source), bind(&source.replace("\"exit\"", "\"fault\"")));
    let decide = |policy: &BoundPolicy, score: f32, early: bool, reasons: &[CoverageReason]| {
        let detections = [detection("classifier.insult", score, &[])];
        let coverage = Coverage::Partial;
        let decided = decide(
            policy,
            &Evidence {
                role: Role::User,
                slice: None,
                locale: None,
                detections: &detections,
                coverage,
                reasons,
                early,
                fault: false,
            },
        );
        (decided.decision, decided.fault)
    };
    let late = [CoverageReason::Deadline];
    assert_eq!(decide(&exit, 0.1, true, &late), (Decision::Allow, false));
    assert_eq!(decide(&exit, 0.9, true, &late), (Decision::Escalate, false));
    // Without an answer for all of the text, and under the other setting, late is a fault.
    assert_eq!(decide(&exit, 0.1, false, &late), (Decision::Veto, true));
    assert_eq!(decide(&fault, 0.1, true, &late), (Decision::Veto, true));
    // What else is missing still counts.
    assert_eq!(
        decide(&exit, 0.1, true, &[CoverageReason::Deadline, CoverageReason::Unreadable]),
        (Decision::Escalate, false)
    );
    assert_eq!(
        decide(&exit, 0.1, true, &[CoverageReason::Deadline, CoverageReason::Fault]),
        (Decision::Veto, true)
    );
}
