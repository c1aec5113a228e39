//! Findings as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the lines.

use anyhow::Context as _;
use portcullis::{Decision, Guard};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

use super::found::{COVERAGE, FAULT, Found};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";
const HOME: &str = env!("CARGO_PKG_REPOSITORY");

/// Writes the findings; known ones are suppressed.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(path: &Path, guard: &Guard, found: &[Found]) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(&log(guard, found))? + "\n";
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn log(guard: &Guard, found: &[Found]) -> Value {
    let policy = guard.policy().policy();
    let mut named: BTreeMap<&str, usize> = found.iter().map(|found| (found.rule.as_str(), 0)).collect();
    for (place, number) in named.values_mut().enumerate() {
        *number = place;
    }
    let rules: Vec<Value> = named.keys().map(|id| rule(guard, id, found)).collect();
    let results: Vec<Value> =
        found.iter().map(|found| result(found, named.get(found.rule.as_str()).copied())).collect();
    let mut driver =
        json!({ "name": "portcullis", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules });
    if let (false, Value::Object(driver)) = (HOME.is_empty(), &mut driver) {
        driver.insert("informationUri".to_owned(), HOME.into());
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": { "policy": policy.reference(), "model": guard.model() },
        }],
    })
}

/// What a rule of the policy says of itself.
fn rule(guard: &Guard, id: &str, found: &[Found]) -> Value {
    let rule = guard.policy().policy().rules().iter().find(|rule| rule.id == id);
    let what = match (rule, id) {
        (None, FAULT) => "A file, a row or a string that could not be judged.".to_owned(),
        (None, COVERAGE) => "A text that the classifiers do not cover.".to_owned(),
        _ => format!("The policy's rule {id}."),
    };
    let strongest = found.iter().filter(|found| found.rule == id).map(|found| found.action).max();
    let mut told = json!({
        "id": id,
        "shortDescription": { "text": what },
        "defaultConfiguration": { "level": level(strongest.unwrap_or(Decision::Allow)) },
    });
    if let (Some(rationale), Value::Object(told)) = (rule.and_then(|rule| rule.rationale.as_ref()), &mut told)
    {
        told.insert("fullDescription".to_owned(), json!({ "text": rationale }));
    }
    told
}

fn result(found: &Found, rule: Option<usize>) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&found.path) } });
    if let (Some(place), Value::Object(physical)) = (found.place, &mut physical) {
        let region = json!({
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
            "byteOffset": place.start,
            "byteLength": place.end - place.start,
        });
        physical.insert("region".to_owned(), region);
    }
    let mut location = Map::from_iter([("physicalLocation".to_owned(), physical)]);
    if let Some(pointer) = &found.pointer {
        let logical = json!([{ "fullyQualifiedName": &**pointer, "kind": "value" }]);
        location.insert("logicalLocations".to_owned(), logical);
    }
    let mut result = json!({
        "ruleId": found.rule,
        "level": level(found.action),
        "message": { "text": format!("{}: {} ({})", found.rule, found.reason(), found.action) },
        "locations": [location],
        "baselineState": if found.known { "unchanged" } else { "new" },
    });
    if let Value::Object(result) = &mut result {
        if let Some(rule) = rule {
            result.insert("ruleIndex".to_owned(), rule.into());
        }
        if let Some(fingerprint) = &found.fingerprint {
            result.insert("partialFingerprints".to_owned(), json!({ "portcullis/v1": fingerprint }));
        }
        if found.known {
            let known = json!([{ "kind": "external", "justification": "in the baseline" }]);
            result.insert("suppressions".to_owned(), known);
        }
        if let Some(score) = found.score {
            result.insert("properties".to_owned(), json!({ "score": score, "threshold": found.threshold }));
        }
    }
    result
}

fn level(action: Decision) -> &'static str {
    match action {
        Decision::Veto => "error",
        Decision::Escalate => "warning",
        Decision::Rewrite => "note",
        Decision::Allow => "none",
    }
}

/// The path as a reference (RFC 3986), with what may not stand in one escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
