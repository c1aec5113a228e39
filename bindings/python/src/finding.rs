//! `Finding` and `Edit`: the parts of verdicts and pieces that say where.

use portcullis::Span;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::json;

/// A detection that reached a rule's threshold.
#[pyclass(frozen, module = "portcullis")]
pub(crate) struct Finding(portcullis::Finding);

/// One replacement in the caller's text.
#[pyclass(frozen, module = "portcullis")]
pub(crate) struct Edit(portcullis::Edit);

/// Findings as Python's.
pub(crate) fn findings(findings: &[portcullis::Finding]) -> Vec<Finding> {
    findings.iter().cloned().map(Finding).collect()
}

/// Edits as Python's.
pub(crate) fn edits(edits: &[portcullis::Edit]) -> Vec<Edit> {
    edits.iter().cloned().map(Edit).collect()
}

#[pymethods]
impl Finding {
    /// Identifier of the policy's rule.
    #[getter]
    fn rule(&self) -> &str {
        &self.0.rule
    }

    /// Kind of harm.
    #[getter]
    fn category(&self) -> &str {
        &self.0.category
    }

    /// Calibrated score, from 0 to 1.
    #[getter]
    fn score(&self) -> f64 {
        json::decimal(self.0.score)
    }

    /// The score from which the rule applies.
    #[getter]
    fn threshold(&self) -> f64 {
        json::decimal(self.0.threshold)
    }

    /// Where in the text, as UTF-8 bytes; empty when the whole text is meant.
    #[getter]
    fn spans(&self) -> Vec<(usize, usize)> {
        self.0.spans.iter().map(|span| (span.start, span.end)).collect()
    }

    /// What kind of rail saw it: `classifier`, `pattern`, `schema`, `tool` or `grounding`.
    #[getter]
    fn source<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        json::word(py, &self.0.source)
    }

    /// What the rule asks for: `rewrite`, `escalate` or `veto`.
    #[getter]
    fn action(&self) -> &'static str {
        self.0.action.as_str()
    }

    /// The disguises that the rail saw through.
    #[getter]
    fn via(&self) -> Vec<&'static str> {
        self.0.via.iter().map(|disguise| disguise.as_str()).collect()
    }

    /// Where, when spans of the text do not say it.
    #[getter]
    fn place<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.place)
    }

    /// The spans as indices of the `str` that was judged.
    fn char_spans(&self, text: &str) -> PyResult<Vec<(usize, usize)>> {
        let characters = |span: &Span| {
            let before = text.get(..span.start)?.chars().count();
            Some((before, before + text.get(span.start..span.end)?.chars().count()))
        };
        let spans: Option<_> = self.0.spans.iter().map(characters).collect();
        spans.ok_or_else(|| {
            PyValueError::new_err("the spans do not lie in this text: expected the one judged")
        })
    }

    /// The finding as it stands in a line of JSON.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0)
    }

    fn __repr__(&self) -> String {
        let Self(finding) = self;
        format!(
            "<Finding {} {} score={} action={}>",
            finding.rule, finding.category, finding.score, finding.action
        )
    }
}

#[pymethods]
impl Edit {
    /// First byte replaced.
    #[getter]
    fn start(&self) -> usize {
        self.0.start
    }

    /// One past the last byte replaced.
    #[getter]
    fn end(&self) -> usize {
        self.0.end
    }

    /// What takes its place.
    #[getter]
    fn replacement(&self) -> &str {
        &self.0.replacement
    }

    /// The edit as it stands in a line of JSON.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0)
    }

    fn __repr__(&self) -> String {
        format!("<Edit {}..{}>", self.0.start, self.0.end)
    }
}
