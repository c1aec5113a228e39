//! The guard as a Python module.

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
fn _portcullis(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
