//! `Stream` and `Piece`: a live text and what may be shown of it.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyString;

use crate::finding::{Edit, Finding, edits, findings};
use crate::opened::AtWork;
use crate::{error, json};

/// A live text under judgement.
#[pyclass(frozen, module = "portcullis")]
pub(crate) struct Stream {
    process: u32,
    work: AtWork,
    stream: Mutex<portcullis::Stream>,
}

/// What became of one stretch of a stream.
#[pyclass(frozen, module = "portcullis")]
pub(crate) struct Piece(portcullis::Piece);

/// What comes of a live text.
#[derive(FromPyObject)]
pub(crate) enum Bytes {
    Text(PyBackedStr),
    Bytes(PyBackedBytes),
}

impl Stream {
    /// A stream of the guard that is at work.
    pub(crate) fn new(work: AtWork, stream: portcullis::Stream) -> Self {
        Self { process: std::process::id(), work, stream: Mutex::new(stream) }
    }

    fn with<T: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut portcullis::Stream) -> T + Send,
    ) -> PyResult<T> {
        // Its threads, and perhaps whoever held it, are in the other process.
        if self.process != std::process::id() {
            return Err(error::other("the stream was opened before this process was forked: open another"));
        }
        Ok(py.detach(|| {
            // Locked here and not where the work is done: a thread that waits for others may take up another push meanwhile.
            let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
            let stream = &mut *stream;
            self.work.run(|_| act(stream))
        }))
    }
}

#[pymethods]
impl Stream {
    /// Takes what comes next, cut anywhere, and answers the pieces that it settles.
    fn push(&self, py: Python<'_>, chunk: Bytes) -> PyResult<Vec<Piece>> {
        let bytes: &[u8] = match &chunk {
            Bytes::Text(text) => text.as_bytes(),
            Bytes::Bytes(bytes) => bytes,
        };
        let pieces = self.with(py, |stream| stream.push(bytes))?;
        Ok(pieces.into_iter().map(Piece).collect())
    }

    /// Ends the stream and answers the pieces that were held.
    fn finish(&self, py: Python<'_>) -> PyResult<Vec<Piece>> {
        let pieces = self.with(py, portcullis::Stream::finish)?;
        Ok(pieces.into_iter().map(Piece).collect())
    }

    /// Whether nothing more is released.
    #[getter]
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |stream| stream.is_closed())
    }

    /// The strongest decision so far.
    #[getter]
    fn decision(&self, py: Python<'_>) -> PyResult<&'static str> {
        self.with(py, |stream| stream.decision().as_str())
    }

    /// Bytes that have come and are held.
    #[getter]
    fn held(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |stream| stream.held().len())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |stream| {
            let state = if stream.is_closed() { "closed" } else { "open" };
            format!("<Stream {state} {} held={}>", stream.decision(), stream.held().len())
        })
    }
}

#[pymethods]
impl Piece {
    /// The stretch's first byte, in the stream.
    #[getter]
    fn start(&self) -> usize {
        self.0.start
    }

    /// One past its last byte.
    #[getter]
    fn end(&self) -> usize {
        self.0.end
    }

    /// What was decided about it.
    #[getter]
    fn decision(&self) -> &'static str {
        self.0.decision.as_str()
    }

    /// Whether the stream goes on after it.
    #[getter]
    fn released(&self) -> bool {
        self.0.decision.releases()
    }

    /// What may be shown in its place.
    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    /// Every rule that applied, with spans as bytes of the stream.
    #[getter]
    fn findings(&self) -> Vec<Finding> {
        findings(&self.0.findings)
    }

    /// Changes by a rewrite, as bytes of the stream.
    #[getter]
    fn edits(&self) -> Vec<Edit> {
        edits(&self.0.edits)
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

    /// What went wrong, when something did.
    #[getter]
    fn fault(&self) -> Option<&str> {
        self.0.fault.as_deref()
    }

    /// Names the decision in records.
    #[getter]
    fn decision_id(&self) -> &str {
        &self.0.decision_id
    }

    /// The piece as `portcullis filter --events` writes it, as a dictionary.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0)
    }

    /// The same as JSON.
    fn to_json(&self) -> PyResult<String> {
        json::text(&self.0)
    }

    fn __repr__(&self) -> String {
        format!("<Piece {}..{} {}>", self.0.start, self.0.end, self.0.decision)
    }
}
