//! Verdicts in the shapes of other interfaces for moderation.

use portcullis::exchange::openai::Moderation;
use pyo3::prelude::*;

use crate::json;
use crate::verdict::Verdict;

/// The answer of OpenAI's `/v1/moderations` for the verdicts on one request's texts; `None` where there is none.
#[pyfunction]
pub(crate) fn openai_moderation<'py>(
    py: Python<'py>,
    verdicts: Vec<PyRef<'py, Verdict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let verdicts: Vec<_> = verdicts.iter().map(|verdict| verdict.of_library().clone()).collect();
    Moderation::of(&verdicts).map(|moderation| json::to_python(py, &moderation)).transpose()
}
