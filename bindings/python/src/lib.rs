//! The guard as a Python module: what is fast or shared is here, what is Python's own is in `python/portcullis`.

mod arguments;
mod arrow;
mod columns;
mod error;
mod exchange;
mod finding;
mod guard;
mod json;
mod opened;
mod rows;
mod stream;
mod vault;
mod verdict;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
fn _portcullis(module: &Bound<'_, PyModule>) -> PyResult<()> {
    opened::remember_process();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<guard::Guard>()?;
    module.add_class::<verdict::Verdict>()?;
    module.add_class::<finding::Finding>()?;
    module.add_class::<finding::Edit>()?;
    module.add_class::<stream::Stream>()?;
    module.add_class::<stream::Piece>()?;
    module.add_class::<vault::Vault>()?;
    module.add_class::<vault::Restorer>()?;
    module.add_function(wrap_pyfunction!(exchange::openai_moderation, module)?)
}
