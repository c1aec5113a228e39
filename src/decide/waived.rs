//! What holds of exemptions: they touch the rules that they name and nothing else, and never make a decision stronger.

use proptest::prelude::*;

use super::tests::{any_detection, detection, policy};
use super::{Decided, Evidence, decide};
use crate::exception::{Exemption, Reach};
use crate::request::Role;
use crate::span::Span;
use crate::verdict::{Coverage, CoverageReason, Decision, Detection, Part, Place, Source};

const RULES: [&str; 5] = ["hold", "block", "soften", "redact", "mend"];

fn judge(detections: &[Detection], exemptions: &[Exemption], fault: bool) -> Decided {
    let evidence = Evidence {
        role: Role::Assistant,
        slice: None,
        locale: None,
        detections,
        exemptions,
        coverage: Coverage::Full,
        reasons: &[],
        early: false,
        fault,
    };
    decide(&policy(), &evidence)
}

fn exemption(id: &str, rule: &str, reach: Reach) -> Exemption {
    Exemption { id: id.to_owned(), approved_by: "ana".to_owned(), rule: rule.to_owned(), reach }
}

fn pattern(detector: &str, spans: &[(usize, usize)]) -> Detection {
    Detection { source: Source::Pattern, ..detection(detector, 1.0, spans) }
}

#[test]
fn a_place_that_is_taken_out_leaves_the_others() {
    let found = pattern("pii.email", &[(0, 5), (9, 14)]);
    let places = Reach::Places { whole: false, spans: vec![Span::new(0, 5)] };
    let decided = judge(std::slice::from_ref(&found), &[exemption("press", "redact", places)], false);
    assert_eq!(decided.decision, Decision::Rewrite);
    assert_eq!(decided.findings[0].spans, [Span::new(9, 14)]);
    assert_eq!(decided.rewrites[0].spans, [Span::new(9, 14)]);
    let used = &decided.exceptions;
    assert_eq!((used.len(), used[0].id.as_str(), used[0].rule.as_str()), (1, "press", "redact"));
    assert_eq!(used[0].spans, [Span::new(0, 5)]);

    let all = judge(&[found], &[exemption("press", "redact", Reach::Text)], false);
    assert_eq!((all.decision, all.findings.len(), all.rewrites.len()), (Decision::Allow, 0, 0));
    assert_eq!(all.exceptions.len(), 2);
}

#[test]
fn one_rule_of_two_is_taken_out() {
    let insult = detection("classifier.insult", 0.9, &[]);
    let decided = judge(&[insult], &[exemption("a", "block", Reach::Everything)], false);
    assert_eq!((decided.decision, decided.findings[0].rule.as_str()), (Decision::Escalate, "hold"));
}

#[test]
fn a_text_says_nothing_of_earlier_turns() {
    let insult = detection("classifier.insult", 0.9, &[]);
    let before = Detection { place: Some(Place::whole(Part::Messages)), ..insult.clone() };
    let places = Reach::Places { whole: true, spans: Vec::new() };
    for reach in [Reach::Text, places] {
        let exemptions = ["hold", "block"].map(|rule| exemption("a", rule, reach.clone()));
        assert_eq!(judge(std::slice::from_ref(&insult), &exemptions, false).decision, Decision::Allow);
        assert_eq!(judge(std::slice::from_ref(&before), &exemptions, false).decision, Decision::Veto);
    }
    let everything = ["hold", "block"].map(|rule| exemption("a", rule, Reach::Everything));
    assert_eq!(judge(&[before], &everything, false).decision, Decision::Allow);
}

#[test]
fn faults_and_coverage_are_never_taken_out() {
    let everything = RULES.map(|rule| exemption("a", rule, Reach::Everything));
    let broken = judge(&[detection("classifier.insult", f32::NAN, &[])], &everything, false);
    assert_eq!((broken.decision, broken.fault), (Decision::Veto, true));
    assert_eq!(judge(&[], &everything, true).decision, Decision::Veto);
    let evidence = Evidence {
        role: Role::User,
        slice: None,
        locale: None,
        detections: &[],
        exemptions: &everything,
        coverage: Coverage::None,
        reasons: &[CoverageReason::SizeLimit],
        early: false,
        fault: false,
    };
    assert_eq!(decide(&policy(), &evidence).decision, Decision::Veto);
}

fn any_exemption() -> impl Strategy<Value = Exemption> {
    let spans = prop::collection::vec((0_usize..40, 1_usize..9), 0..4).prop_map(|spans| {
        spans.into_iter().map(|(start, len)| Span::new(start, start + len)).collect::<Vec<_>>()
    });
    let reach = prop_oneof![
        Just(Reach::Everything),
        Just(Reach::Text),
        (any::<bool>(), spans.clone()).prop_map(|(whole, spans)| Reach::Places { whole, spans }),
        spans.prop_map(|spans| Reach::Exactly { spans, place: None }),
    ];
    (prop::sample::select(vec!["a", "b", "c"]), prop::sample::select(RULES.to_vec()), reach)
        .prop_map(|(id, rule, reach)| exemption(id, rule, reach))
}

proptest! {
    #[test]
    fn rules_that_no_exemption_names_find_as_ever(
        detections in prop::collection::vec(any_detection(), 0..8),
        exemptions in prop::collection::vec(any_exemption(), 0..5),
        fault: bool,
    ) {
        let (without, with) = (judge(&detections, &[], fault), judge(&detections, &exemptions, fault));
        let of_others = |decided: &Decided| -> Vec<_> {
            let named = |rule: &str| exemptions.iter().any(|exemption| exemption.rule == rule);
            decided.findings.iter().filter(|finding| !named(&finding.rule)).cloned().collect()
        };
        prop_assert_eq!(of_others(&without), of_others(&with));
        prop_assert_eq!(without.fault, with.fault);
    }

    #[test]
    fn to_remove_exemptions_never_makes_a_decision_milder(
        detections in prop::collection::vec(any_detection(), 0..8),
        exemptions in prop::collection::vec(any_exemption(), 0..5),
        keep in 0_usize..5,
        fault: bool,
    ) {
        let all = judge(&detections, &exemptions, fault);
        let some = judge(&detections, exemptions.get(..keep).unwrap_or(&exemptions), fault);
        let none = judge(&detections, &[], fault);
        prop_assert!(all.decision <= some.decision && some.decision <= none.decision);
        prop_assert_eq!(none.exceptions.len(), 0);
    }

    #[test]
    fn the_order_of_exemptions_does_not_matter(
        detections in prop::collection::vec(any_detection(), 0..8),
        (exemptions, shuffled) in prop::collection::vec(any_exemption(), 0..5)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        prop_assert_eq!(judge(&detections, &exemptions, false), judge(&detections, &shuffled, false));
    }

    #[test]
    fn what_was_used_decides_the_same_again(
        detections in prop::collection::vec(any_detection(), 0..8),
        exemptions in prop::collection::vec(any_exemption(), 0..5),
    ) {
        let first = judge(&detections, &exemptions, false);
        let recorded: Vec<Exemption> = first.exceptions.iter().map(Exemption::from).collect();
        prop_assert_eq!(first, judge(&detections, &recorded, false));
    }
}
