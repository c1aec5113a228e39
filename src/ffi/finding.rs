//! What a C program reads of a finding.

use super::boundary::value;
use super::bytes::Str;
use super::role::Decision;

/// A rule that applied to the text. It is a part of its verdict, and lives as long.
pub struct Finding(pub(super) crate::Finding);

/// A range of bytes of the caller's text.
#[repr(C)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// The rule, such as `pii.email`; none for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_finding_rule(finding: Option<&Finding>) -> Str {
    value(Str::NONE, || Some(finding?.0.rule.as_str().into()))
}

/// The kind of harm, such as `pii`; none for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_finding_category(finding: Option<&Finding>) -> Str {
    value(Str::NONE, || Some(finding?.0.category.as_str().into()))
}

/// The calibrated score in 0..=1; 1 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_finding_score(finding: Option<&Finding>) -> f32 {
    value(1.0, || Some(finding?.0.score))
}

/// The score from which the rule applies; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_finding_threshold(finding: Option<&Finding>) -> f32 {
    value(0.0, || Some(finding?.0.threshold))
}

/// What the rule asks for; a veto for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_finding_action(finding: Option<&Finding>) -> Decision {
    value(Decision::Veto, || Some(finding?.0.action.into()))
}

/// How many ranges of the text the finding names; 0 where the whole text is meant, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_finding_span_count(finding: Option<&Finding>) -> usize {
    value(0, || Some(finding?.0.spans.len()))
}

/// The range with the number `index`, from 0; empty, at 0, where there is none, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_finding_span(finding: Option<&Finding>, index: usize) -> Span {
    value(Span { start: 0, end: 0 }, || {
        let span = finding?.0.spans.get(index)?;
        Some(Span { start: span.start, end: span.end })
    })
}
