//! What a scan reports: a finding in a file, or a part of one that could not be judged.

use portcullis::{Decision, Disguise, Finding, Source, Span, Verdict};
use serde::{Serialize, Serializer};
use std::sync::Arc;

use super::page::{Place, Text};
use crate::cli::check;

/// The rule of what could not be judged.
pub(super) const FAULT: &str = "fault";
/// The rule of a text whose coverage is not full, where the policy holds it for that.
pub(super) const COVERAGE: &str = "coverage";

/// A finding with its place. It never holds the text.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Found {
    #[serde(serialize_with = "shared")]
    pub(super) path: Arc<str>,
    #[serde(flatten)]
    pub(super) place: Option<Place>,
    /// The string of the file's JSON that it is in.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_shared")]
    pub(super) pointer: Option<Arc<str>>,
    pub(super) rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threshold: Option<f32>,
    pub(super) action: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) via: Vec<Disguise>,
    /// What went wrong, or was not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// Names path, rule and the text of the line, or of all that was judged; nothing where there is no text that could be named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fingerprint: Option<String>,
    /// Whether the baseline holds it.
    pub(super) known: bool,
}

impl Found {
    /// Something that cannot be judged, and why.
    pub(super) fn fault(path: Arc<str>, place: Option<Place>, action: Decision, message: String) -> Self {
        Self {
            path,
            place,
            pointer: None,
            rule: FAULT.to_owned(),
            category: None,
            score: None,
            threshold: None,
            action,
            source: None,
            via: Vec::new(),
            message: Some(message),
            fingerprint: None,
            known: false,
        }
    }

    /// The same, known by these bytes.
    pub(super) fn known_by(self, context: &[u8]) -> Self {
        let fingerprint = fingerprint(&self.path, self.pointer.as_deref(), &self.rule, context);
        Self { fingerprint: Some(fingerprint), ..self }
    }

    /// One line for a person, without the path and place.
    pub(super) fn reason(&self) -> String {
        match (&self.message, self.score) {
            (Some(message), _) => message.clone(),
            (None, Some(score)) => format!("score {score:.3}"),
            (None, None) => self.action.to_string(),
        }
    }
}

fn shared<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn maybe_shared<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}

/// What the verdict on a text finds, each where it is.
pub(super) fn of_verdict(text: &Text, verdict: &Verdict) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for finding in &verdict.findings {
        // A pattern's matches stand for themselves; the words behind a classifier's score belong together.
        match (finding.source, finding.spans.as_slice()) {
            (Source::Pattern, spans @ [_, _, ..]) => {
                found.extend(spans.iter().map(|span| of_finding(text, finding, Some(*span))));
            }
            (_, spans) => found.push(of_finding(text, finding, spans.first().copied())),
        }
    }
    let strongest = verdict.findings.iter().map(|finding| finding.action).max().unwrap_or(Decision::Allow);
    let (rule, message) = match &verdict.fault {
        Some(fault) => (FAULT, Some(fault.clone())),
        None => (COVERAGE, check::coverage(verdict)),
    };
    if verdict.decision > strongest || verdict.fault.is_some() {
        let message = message.unwrap_or_else(|| format!("held back: {}", verdict.decision));
        let fault = Found::fault(Arc::clone(&text.page.path), Some(text.whole()), verdict.decision, message);
        let fault = Found { rule: rule.to_owned(), pointer: text.pointer.clone(), ..fault };
        found.push(fault.known_by(text.request.text.as_bytes()));
    }
    found
}

fn of_finding(text: &Text, finding: &Finding, span: Option<Span>) -> Found {
    let path = Arc::clone(&text.page.path);
    let judged = text.request.text.as_str();
    // What judges a whole text is known by the whole text: beside a known line there may be a worse one by now.
    let context = match (finding.source, span) {
        (Source::Pattern, Some(span)) => neighbourhood(judged, span),
        _ => judged.trim(),
    };
    let place = span.map_or_else(|| text.whole(), |span| text.place(span));
    Found {
        pointer: text.pointer.clone(),
        rule: finding.rule.clone(),
        category: Some(finding.category.clone()),
        score: Some(finding.score),
        threshold: Some(finding.threshold),
        source: Some(finding.source),
        via: finding.via.clone(),
        message: None,
        ..Found::fault(path, Some(place), finding.action, String::new())
    }
    .known_by(context.as_bytes())
}

/// Bytes on either side of a finding in a very long line that name it.
const NEAR: usize = 128;
/// The length from which a line is very long.
const LONG_LINE: usize = 1024;

/// The lines that a span is in, without the space around them, so that an indentation or a move changes nothing.
fn neighbourhood(text: &str, span: Span) -> &str {
    let before = text.get(..span.start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let after = text.get(span.end..).unwrap_or_default();
    let end = span.end + after.find('\n').unwrap_or(after.len());
    let (start, end) = match end - start > LONG_LINE.max(span.len()) {
        true => (
            text.floor_char_boundary(span.start.saturating_sub(NEAR)).max(start),
            text.ceil_char_boundary(span.end + NEAR).min(end),
        ),
        false => (start, end),
    };
    text.get(start..end).unwrap_or_default().trim()
}

/// BLAKE3 of what names a finding: 32 hexadecimal digits.
fn fingerprint(path: &str, pointer: Option<&str>, rule: &str, context: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("portcullis 1 scan finding");
    for part in [path.as_bytes(), pointer.unwrap_or_default().as_bytes(), rule.as_bytes(), context] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_finding_wherever_it_stands() {
        let near = |text: &str, word: &str| {
            let at = text.find(word).unwrap();
            neighbourhood(text, Span::new(at, at + word.len())).to_owned()
        };
        assert_eq!(near("one\n  two three\nfour", "three"), "two three");
        assert_eq!(near("\ttwo three", "three"), "two three");
        assert_eq!(near("one\ntwo", "one\ntwo"), "one\ntwo");
        let long = format!("{}é needle é{}", "a".repeat(5000), "b".repeat(5000));
        assert!(near(&long, "needle").len() < 2 * NEAR + 20);
        assert_eq!(near(&long, "needle"), near(&format!("x{long}"), "needle"));
    }

    #[test]
    fn parts_of_a_fingerprint_are_kept_apart() {
        assert_ne!(fingerprint("a", Some("b"), "c", b"d"), fingerprint("ab", None, "c", b"d"));
        assert_eq!(fingerprint("a", None, "c", b"d").len(), 32);
    }
}
