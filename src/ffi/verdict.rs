//! What a C program reads of a verdict.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use super::boundary::{free, text, value};
use super::bytes::Str;
use super::finding::Finding;
use super::role::{Coverage, Decision};

/// A verdict on one text. It is the caller's, who frees it with `portcullis_verdict_free`, and may be read from many threads. What its
/// functions point to lives as long as the verdict.
pub struct Verdict {
    verdict: crate::Verdict,
    findings: Vec<Finding>,
    json: OnceLock<String>,
}

impl Verdict {
    pub(super) fn boxed(verdict: crate::Verdict) -> Option<Box<Self>> {
        let findings = verdict.findings.iter().cloned().map(Finding).collect();
        Some(Box::new(Self { verdict, findings, json: OnceLock::new() }))
    }

    fn json(&self) -> &str {
        // A verdict is nothing but what JSON has: it cannot fail.
        self.json.get_or_init(|| serde_json::to_string(&self.verdict).unwrap_or_default())
    }
}

/// One replacement in the caller's text. Edits are sorted and do not overlap; offsets are in bytes of the text as it was.
#[repr(C)]
pub struct Edit {
    /// The first byte replaced.
    pub start: usize,
    /// One past the last byte replaced.
    pub end: usize,
    /// What takes its place; it lives as long as the verdict.
    pub replacement: Str,
}

/// The strongest action that any finding, limit or fault earned; a veto for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_decision(verdict: Option<&Verdict>) -> Decision {
    value(Decision::Veto, || Some(verdict?.verdict.decision.into()))
}

/// What may be released: the text with the edits applied. `data` is NULL where the text is held or vetoed, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_text(verdict: Option<&Verdict>) -> Str {
    value(Str::NONE, || Some(verdict?.verdict.text.as_deref()?.into()))
}

/// How much of the text was judged; none for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_coverage(verdict: Option<&Verdict>) -> Coverage {
    value(Coverage::None, || Some(verdict?.verdict.coverage.into()))
}

/// What went wrong while the text was judged; none where nothing did, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_fault(verdict: Option<&Verdict>) -> Str {
    value(Str::NONE, || Some(verdict?.verdict.fault.as_deref()?.into()))
}

/// The name of the decision in records, 32 hexadecimal digits; none for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_decision_id(verdict: Option<&Verdict>) -> Str {
    value(Str::NONE, || Some(verdict?.verdict.decision_id.as_str().into()))
}

/// The whole verdict as JSON: one line of `portcullis pipe`, without the line's end. None for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_json(verdict: Option<&Verdict>) -> Str {
    value(Str::NONE, || Some(verdict?.json().into()))
}

/// The calibrated score in 0..=1 of the head `name`, such as `toxicity`, which is `len` bytes read during the call.
///
/// Answers whether there is one, and leaves `*score` as it is where there is none: for an unknown head, where the classifiers did
/// not read all of the text, and where `verdict`, `name` or `score` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_verdict_score(
    verdict: Option<&Verdict>,
    name: *const c_char,
    len: usize,
    score: Option<&mut MaybeUninit<f32>>,
) -> bool {
    value(false, || {
        // SAFETY: the caller's promise: `name` may be read for `len` bytes.
        let name = unsafe { text(name, len, "name") }.ok()?;
        let (_, found) = verdict?.verdict.scores.iter().find(|(head, _)| head == name)?;
        score?.write(*found);
        Some(true)
    })
}

/// How many rules applied; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_finding_count(verdict: Option<&Verdict>) -> usize {
    value(0, || Some(verdict?.findings.len()))
}

/// The finding with the number `index`, from 0; NULL where there is none, and for NULL. It is the verdict's and lives as long.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_finding(verdict: Option<&Verdict>, index: usize) -> Option<&Finding> {
    value(None, || Some(verdict?.findings.get(index)))
}

/// How many edits make the text that may be released; 0 unless the decision is to rewrite, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_edit_count(verdict: Option<&Verdict>) -> usize {
    value(0, || Some(verdict?.verdict.edits.len()))
}

/// Writes the edit with the number `index`, from 0, to `*edit`. Answers whether there is one, and leaves `*edit` as it is where
/// there is none, and where either pointer is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_edit(
    verdict: Option<&Verdict>,
    index: usize,
    edit: Option<&mut MaybeUninit<Edit>>,
) -> bool {
    value(false, || {
        let found = verdict?.verdict.edits.get(index)?;
        let replacement = found.replacement.as_str().into();
        edit?.write(Edit { start: found.start, end: found.end, replacement });
        Some(true)
    })
}

/// Frees a verdict; NULL is passed over. What was got from it may not be used any more.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_verdict_free(verdict: Option<Box<Verdict>>) {
    free(verdict);
}
