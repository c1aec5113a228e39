//! Values between Rust and Python by way of JSON: for what is small or seldom asked for.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde::Serialize;

/// A value as JSON, in one line.
pub(crate) fn text(value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| PyRuntimeError::new_err(error.to_string()))
}

/// A value as Python's dictionaries, lists, strings and numbers.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (text(value)?,))
}

/// A Python object as JSON. What JSON does not have is a `TypeError` or a `ValueError`.
pub(crate) fn from_python(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = value.py();
    let options = PyDict::new(py);
    options.set_item("allow_nan", false)?;
    py.import("json")?.call_method("dumps", (value,), Some(&options))?.extract()
}

/// The word that stands for a value in JSON, such as a decision's.
pub(crate) fn word<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyString>> {
    let quoted = text(value)?;
    Ok(PyString::new(py, quoted.trim_matches('"')))
}

/// The number that JSON shows for a score: the shortest decimal that names it.
pub(crate) fn decimal(score: f32) -> f64 {
    score.to_string().parse().unwrap_or_else(|_| f64::from(score))
}
