//! The Rust library's errors as the exceptions of `portcullis._errors`.

use portcullis::GuardError;
use pyo3::prelude::*;

/// The classes themselves, which are Python's: one of them has two bases.
mod python {
    pyo3::import_exception!(portcullis._errors, OpenError);
    pyo3::import_exception!(portcullis._errors, PortcullisError);
    pyo3::import_exception!(portcullis._errors, RequestError);
}

/// A guard that cannot be opened, or a part of it that fails.
pub(crate) fn open(error: &GuardError) -> PyErr {
    OpenError::new_err(error.in_full())
}

/// The same in words.
pub(crate) fn open_message(message: String) -> PyErr {
    OpenError::new_err(message)
}

/// A text that cannot be judged, and its place where it is one of many.
pub(crate) fn request(error: &portcullis::RequestError, index: Option<usize>) -> PyErr {
    RequestError::new_err((error.to_string(), error.kind(), index))
}

/// The same, with the traceback that says where it was raised left to whoever keeps it.
pub(crate) fn request_object<'py>(
    py: Python<'py>,
    error: &portcullis::RequestError,
    index: usize,
) -> Bound<'py, PyAny> {
    request(error, Some(index)).into_value(py).into_bound(py).into_any()
}

/// Anything else that cannot go on.
pub(crate) fn other(message: &'static str) -> PyErr {
    PortcullisError::new_err(message)
}

use python::{OpenError, PortcullisError, RequestError};
