//! `Verdict`: the guard's answer for one text.

mod read;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};

use crate::columns::rules;
use crate::finding::{Edit, Finding, edits, findings};
use crate::json;

/// What the guard answers for one text.
#[pyclass(frozen, module = "portcullis")]
pub(crate) struct Verdict(portcullis::Verdict);

impl From<portcullis::Verdict> for Verdict {
    fn from(verdict: portcullis::Verdict) -> Self {
        Self(verdict)
    }
}

impl Verdict {
    /// The verdict as the Rust library has it.
    pub(crate) const fn of_library(&self) -> &portcullis::Verdict {
        &self.0
    }
}

#[pymethods]
impl Verdict {
    /// The request's `id`.
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.id)
    }

    /// `allow`, `rewrite`, `escalate` or `veto`.
    #[getter]
    fn decision(&self) -> &'static str {
        self.0.decision.as_str()
    }

    /// Whether `text` may reach its reader: on `allow` and `rewrite`.
    #[getter]
    fn released(&self) -> bool {
        self.0.decision.releases()
    }

    /// What may be released, or `None` when the text is held or vetoed.
    #[getter]
    fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    /// Every head's calibrated score, from 0 to 1.
    #[getter]
    fn scores<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let scores = PyDict::new(py);
        for (head, score) in &self.0.scores {
            scores.set_item(head, json::decimal(*score))?;
        }
        Ok(scores)
    }

    /// Every rule that applied.
    #[getter]
    fn findings(&self) -> Vec<Finding> {
        findings(&self.0.findings)
    }

    /// The names of the rules that applied, each once.
    #[getter]
    fn rules(&self) -> Vec<&str> {
        rules(&self.0)
    }

    /// Every exception that took a finding out.
    #[getter]
    fn exceptions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.exceptions)
    }

    /// The tool call that may go on.
    #[getter]
    fn tool_call<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.tool_call)
    }

    /// What was replaced, in the bytes of the text that was judged.
    #[getter]
    fn edits(&self) -> Vec<Edit> {
        edits(&self.0.edits)
    }

    /// What each other reading of the text saw through.
    #[getter]
    fn readings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.readings)
    }

    /// How much was judged: `full`, `partial` or `none`.
    #[getter]
    fn coverage<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        json::word(py, &self.0.coverage)
    }

    /// Why that is not all of it.
    #[getter]
    fn coverage_reason<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        self.0.coverage_reason.map(|reason| json::word(py, &reason)).transpose()
    }

    /// The exit that answered for a part of the text, of a cascade.
    #[getter]
    fn exit(&self) -> Option<&str> {
        self.0.exit.as_deref()
    }

    /// The device that ran the classifiers on a part of the text, such as `cuda`; none where the CPU judged all of it.
    #[getter]
    fn device(&self) -> Option<&str> {
        self.0.device.as_deref()
    }

    /// What went wrong, when something did.
    #[getter]
    fn fault(&self) -> Option<&str> {
        self.0.fault.as_deref()
    }

    /// The policy: `id`, `version` and `digest`.
    #[getter]
    fn policy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.policy)
    }

    /// The model: `id` and `digest`.
    #[getter]
    fn model<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.model)
    }

    /// Where the time went, in microseconds.
    #[getter]
    fn timing_us<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.timing)
    }

    /// Names the decision in records.
    #[getter]
    fn decision_id(&self) -> &str {
        &self.0.decision_id
    }

    /// The verdict as `portcullis pipe` writes it, as a dictionary.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0)
    }

    /// The verdict as `portcullis pipe` writes it.
    fn to_json(&self) -> PyResult<String> {
        json::text(&self.0)
    }

    /// The verdict whose `to_json` this is.
    #[classmethod]
    fn from_json(_class: &Bound<'_, PyType>, line: &str) -> PyResult<Self> {
        // What serde_json says may quote the line.
        read::verdict(line)
            .map(Self)
            .map_err(|_| PyValueError::new_err("expected a verdict as one JSON object"))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().getattr("from_json")?, (slf.get().to_json()?,)))
    }

    /// A verdict is neither true nor false.
    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err("a verdict has no truth value: ask for its `released`"))
    }

    fn __repr__(&self) -> String {
        format!("<Verdict {} rules={:?}>", self.0.decision, rules(&self.0))
    }
}
