//! A text on its way to a verdict, and what the rails without a model find in it.

use std::borrow::Cow;

use super::Guard;
use super::forms::Forms;
use crate::policy::Policy;
use crate::rails::classifier::Length;
use crate::rails::text::TextRails;
use crate::request::Request;
use crate::span::Span;
use crate::verdict::Detection;

/// One text on its way to a verdict.
pub(super) struct Subject<'a> {
    pub(super) request: &'a Request,
    pub(super) passage: Passage<'a>,
    /// What was found in its places, where a stream has looked already.
    pub(super) found: Option<Vec<Detection>>,
    /// Whether it is a string of a tool call's arguments.
    pub(super) argument: bool,
    /// The request as it came, where this one is what a rewrite made of it.
    pub(super) origin: Option<&'a Request>,
}

/// What stands around a text that is a part of a longer one; nothing in it is reported.
#[derive(Clone, Copy, Default)]
pub(crate) struct Passage<'a> {
    /// Text before it that the classifiers read with it.
    pub(crate) before: &'a str,
    /// Text before it that patterns may look back to.
    pub(crate) behind: &'a str,
    /// Text after it that patterns may look ahead to.
    pub(crate) ahead: &'a str,
    /// Whether the end of the longer text is not known.
    pub(crate) is_open: bool,
}

impl<'a> Passage<'a> {
    /// What the classifiers read of `text`.
    pub(super) fn read(&self, text: &'a str) -> Cow<'a, str> {
        match self.before {
            "" => Cow::Borrowed(text),
            before => Cow::Owned([before, text].concat()),
        }
    }

    /// How long a text is of which the classifiers read `form`.
    pub(super) fn length(&self, form: &str) -> Length {
        if self.is_open { Length::Unbounded } else { Length::of(form) }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.before.is_empty() && self.behind.is_empty() && self.ahead.is_empty()
    }
}

impl<'a> Subject<'a> {
    /// A part of a longer text, whose matches are known.
    pub(super) const fn part(request: &'a Request, passage: Passage<'a>, found: Vec<Detection>) -> Self {
        Self { request, passage, found: Some(found), argument: false, origin: None }
    }

    /// A string of a tool call's arguments.
    pub(super) fn argument(request: &'a Request) -> Self {
        Self { argument: true, ..request.into() }
    }

    /// Whether it is one word that stands for something, such as an order's number: it is in no language.
    pub(super) fn is_name(&self) -> bool {
        self.argument && !self.request.text.trim().contains(char::is_whitespace)
    }

    /// What the classifiers read.
    pub(super) fn read(&self) -> Cow<'a, str> {
        self.passage.read(&self.request.text)
    }

    /// What exceptions know the text by: what is read, as it came.
    pub(super) fn named_by(&self) -> Cow<'a, str> {
        Self { request: self.origin.unwrap_or(self.request), found: None, ..*self }.read()
    }

    /// What the guard's patterns find in the text, or over its edges, and in its other forms, by its own offsets.
    pub(super) fn scan(
        &self,
        known: Option<Vec<Detection>>,
        forms: &Forms<'_>,
        guard: &Guard,
    ) -> Vec<Detection> {
        let patterns = &guard.0.patterns;
        let mut found = match known {
            Some(mut known) => {
                TextRails::scan_whole(&self.request.text, &mut known);
                known
            }
            None => self.scan_text(patterns),
        };
        if forms.is_plain() {
            return found;
        }
        let Passage { behind, ahead, .. } = self.passage;
        if self.passage.is_empty() {
            forms.scan(patterns, &mut found);
            return found;
        }
        // The forms that the classifiers read lack what patterns look back and ahead to.
        let text = [behind, &self.request.text, ahead].concat();
        for span in found.iter_mut().flat_map(|detection| &mut detection.spans) {
            *span = Span::new(span.start + behind.len(), span.end + behind.len());
        }
        guard.forms(&text).scan(patterns, &mut found);
        within(&mut found, behind.len(), self.request.text.len());
        found
    }

    /// Holds the text against the policy's JSON Schemas, and a call against its tools.
    pub(super) fn check(&self, policy: &Policy, found: &mut Vec<Detection>) {
        let Request { text, role, tool_call, .. } = self.request;
        // Of a call without a text there is no text to fit.
        let is_missing = text.is_empty() && tool_call.is_some();
        for schema in policy.schemas_for(*role).filter(|_| !self.argument && !is_missing) {
            schema.scan(text, found);
        }
        if let Some(call) = tool_call {
            policy.tools().scan(call, found);
        }
    }

    fn scan_text(&self, patterns: &TextRails) -> Vec<Detection> {
        let text = &self.request.text;
        let Passage { behind, ahead, .. } = self.passage;
        let mut found = Vec::new();
        if behind.is_empty() && ahead.is_empty() {
            patterns.scan(text, &mut found);
            return found;
        }
        patterns.scan(&[behind, text, ahead].concat(), &mut found);
        within(&mut found, behind.len(), text.len());
        found
    }
}

impl<'a> From<&'a Request> for Subject<'a> {
    fn from(request: &'a Request) -> Self {
        Self { request, passage: Passage::default(), found: None, argument: false, origin: None }
    }
}

/// Keeps what lies in the `len` bytes from `from` on, by offsets of that part, and what is said of the whole.
pub(super) fn within(found: &mut Vec<Detection>, from: usize, len: usize) {
    found.retain_mut(|detection| {
        let is_of_whole = detection.spans.is_empty();
        detection.spans.retain(|span| span.start < from + len && from < span.end);
        for span in &mut detection.spans {
            *span = Span::new(span.start.saturating_sub(from), (span.end - from).min(len));
        }
        is_of_whole || !detection.spans.is_empty()
    });
}
