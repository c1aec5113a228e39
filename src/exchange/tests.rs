//! What each interface asks and is told.

use serde_json::{Value, json};

use super::{ExchangeError, fms, openai};
use crate::bundle::Manifest;
use crate::request::{Request, RequestError, Role};
use crate::verdict::{Coverage, CoverageReason, Decision, Finding, Source, Verdict};
use crate::{Guard, Span};

/// A verdict of the guard on a text, with these findings and this decision in place of its own.
fn verdict(decision: Decision, findings: Vec<Finding>) -> Verdict {
    use std::sync::LazyLock;
    static OF_HELLO: LazyLock<Verdict> = LazyLock::new(|| {
        Guard::embedded().unwrap().check(&Request::new("Hello there, how are you?", Role::User).unwrap())
    });
    Verdict { decision, findings, ..OF_HELLO.clone() }
}

fn finding(rule: &str, category: &str, action: Decision, spans: &[(usize, usize)]) -> Finding {
    Finding {
        rule: rule.to_owned(),
        category: category.to_owned(),
        score: 0.75,
        threshold: 0.5,
        spans: spans.iter().map(|span| Span::from(*span)).collect(),
        source: if category == "pii" { Source::Pattern } else { Source::Classifier },
        action,
        via: Vec::new(),
        place: None,
    }
}

fn texts(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.text.as_str()).collect()
}

#[test]
fn every_head_of_a_category_is_one_of_the_bundle() {
    let guard = Guard::embedded().unwrap();
    let manifest: &Manifest = guard.bundle().manifest();
    for head in openai::CATEGORIES.iter().flat_map(|category| category.heads) {
        assert!(manifest.heads.iter().any(|known| known.name == *head), "{head}");
    }
}

#[test]
fn a_moderation_request_is_one_text_or_many() {
    let one = openai::read(br#"{"input":"a","model":"omni-moderation-latest"}"#, false).unwrap();
    assert_eq!(texts(&one), ["a"]);
    let many = openai::read(br#"{"id":7,"input":["a","b"],"role":"assistant","slice":"s"}"#, false).unwrap();
    assert_eq!(texts(&many), ["a", "b"]);
    assert!(many.iter().all(|request| request.role == Role::Assistant && request.id == Some(json!(7))));
    let own = openai::read(br#"{"text":"a","role":"tool"}"#, false).unwrap();
    assert_eq!((texts(&own), own[0].role), (vec!["a"], Role::Tool));
    let lenient = openai::read(br#"{"input":"a","user":"jo"}"#, true).unwrap();
    assert_eq!(texts(&lenient), ["a"]);
}

#[test]
fn a_detector_request_is_a_list_of_texts() {
    let line = br#"{"contents":["a","b"],"detector_params":{"threshold":0.9,"role":"assistant"}}"#;
    let requests = fms::read(line, false).unwrap();
    assert_eq!((texts(&requests), requests[1].role), (vec!["a", "b"], Role::Assistant));
    assert_eq!(texts(&fms::read(br#"{"text":"a"}"#, false).unwrap()), ["a"]);
}

#[test]
fn a_bad_request_is_told_by_kind_and_key_and_never_by_its_content() {
    let many = format!(r#"{{"input":{}}}"#, json!(vec!["secret"; super::MOST_TEXTS + 1]));
    for (line, kind, key) in [
        (r#"{"input":7}"#, "invalid_json", None),
        (r#"{"input":["secret",7]}"#, "invalid_json", None),
        (r#"{"input":[{"type":"image_url","image_url":{"url":"secret"}}]}"#, "invalid_json", None),
        (r#"{"input":"secret","input":"a"}"#, "invalid_json", None),
        (r#"{"input":"secret","secret":1}"#, "invalid_json", None),
        (r#"{"input":"a","role":"secret"}"#, "unknown_role", None),
        (r#"{"input":[]}"#, "text_count", Some("input")),
        (many.as_str(), "text_count", Some("input")),
        (r#"{"input":""}"#, "empty_text", None),
        (r#"{"input":["secret",""]}"#, "empty_text", Some("input")),
        (r#"{"input":"secret"#, "invalid_json", None),
        (r#"["secret"]"#, "invalid_json", None),
        (r#"{"model":"secret"}"#, "invalid_json", None),
    ] {
        let error = openai::read(line.as_bytes(), false).unwrap_err();
        assert_eq!((error.kind(), error.key()), (kind, key), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
    let error = fms::read(br#"{"contents":["a","b\u0000"]}"#, false).unwrap_err();
    let source = RequestError::NulByte { at: 1 };
    assert_eq!(error, ExchangeError::Item { key: "contents", at: 1, source });
    assert_eq!(fms::read(br#"{"contents":"a"}"#, false).unwrap_err().kind(), "invalid_json");
}

#[test]
fn a_moderation_has_every_category_and_nothing_is_lost() {
    let held = verdict(Decision::Veto, vec![finding("hate", "hate", Decision::Veto, &[])]);
    let other = verdict(Decision::Veto, vec![finding("injection", "prompt_injection", Decision::Veto, &[])]);
    let edited = verdict(Decision::Rewrite, vec![finding("rude", "insult", Decision::Rewrite, &[])]);
    let verdicts = [held, other, edited];
    let moderation = openai::Moderation::of(&verdicts).unwrap();
    let told = serde_json::to_value(&moderation).unwrap();
    assert_eq!(told["id"], format!("modr-{}", verdicts[0].decision_id));
    assert_eq!(told["model"], "portcullis-base");
    let flagged: Vec<&Value> = told["results"].as_array().unwrap().iter().map(|r| &r["flagged"]).collect();
    assert_eq!(flagged, [true, true, false]);
    for (result, verdict) in told["results"].as_array().unwrap().iter().zip(&verdicts) {
        for key in ["categories", "category_scores", "category_applied_input_types"] {
            assert_eq!(result[key].as_object().unwrap().len(), 13, "{key}");
        }
        assert_eq!(result["portcullis"], serde_json::to_value(verdict).unwrap());
        // No head looks for these.
        assert_eq!(result["category_scores"]["sexual/minors"], 0.0);
        assert_eq!(result["category_applied_input_types"]["sexual/minors"], json!([]));
        assert_eq!(result["category_applied_input_types"]["violence"], json!(["text"]));
    }
    let first = &told["results"][0];
    let raised: Vec<&String> = first["categories"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, v)| **v == true)
        .map(|(k, _)| k)
        .collect();
    assert_eq!(raised, ["hate"]);
    let rest = &told["results"].as_array().unwrap()[1..];
    assert!(rest.iter().all(|r| r["categories"].as_object().unwrap().values().all(|v| *v == false)));
    assert!(openai::Moderation::of(&[]).is_none());
}

#[test]
fn a_score_of_a_category_is_the_highest_of_its_heads() {
    let mut verdict = verdict(Decision::Allow, vec![]);
    verdict.scores = vec![("toxicity".to_owned(), 0.25), ("insult".to_owned(), 0.5)];
    let result = openai::Moderated::of(&verdict);
    assert_eq!((result.category_scores[0], result.category_scores[1]), (0.5, 0.0));
    verdict.scores.clear();
    let result = openai::Moderated::of(&verdict);
    assert!(result.category_applied_input_types.iter().all(|types| types.is_empty()));
}

#[test]
fn detections_count_characters() {
    let text = "Grüße 🙂 an jo@example.org, ünd jo@example.org";
    let at: Vec<(usize, usize)> = text.match_indices("jo@").map(|(at, _)| (at, at + 14)).collect();
    let rewritten = verdict(
        Decision::Rewrite,
        vec![
            finding("pii.email", "pii", Decision::Rewrite, &at),
            finding("rude", "insult", Decision::Rewrite, &[]),
        ],
    );
    let found = fms::detections(text, &rewritten);
    let characters: Vec<char> = text.chars().collect();
    for detection in &found {
        let slice: String = characters[detection.start..detection.end].iter().collect();
        assert_eq!(slice, detection.text);
    }
    let places: Vec<(usize, usize)> = found.iter().map(|found| (found.start, found.end)).collect();
    assert_eq!(places, [(0, 45), (11, 25), (31, 45)]);
    let told = serde_json::to_value(&found[1]).unwrap();
    assert_eq!(
        told,
        json!({"start": 11, "end": 25, "text": "jo@example.org", "detection": "pii.email", "detection_type": "pii",
               "score": 0.75, "evidences": [], "metadata": {"decision": "rewrite", "action": "rewrite", "threshold": 0.5,
               "source": "pattern", "decision_id": rewritten.decision_id}})
    );
}

#[test]
fn a_text_that_is_held_is_never_without_a_detection() {
    let held = |reason| Verdict {
        coverage: Coverage::None,
        coverage_reason: reason,
        ..verdict(Decision::Escalate, vec![finding("pii.email", "pii", Decision::Rewrite, &[(0, 1)])])
    };
    for (reason, name) in [
        (Some(CoverageReason::UnsupportedLanguage), "unsupported_language"),
        (Some(CoverageReason::SizeLimit), "size_limit"),
        (None, "fault"),
    ] {
        let held = held(reason);
        let found = fms::detections("größer", &held);
        let last = found.last().unwrap();
        assert_eq!((last.detection, last.detection_type, last.start, last.end), (name, "not_judged", 0, 6));
    }
    assert!(fms::detections("größer", &verdict(Decision::Allow, vec![])).is_empty());
}
