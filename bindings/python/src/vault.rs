//! `Vault` and `Restorer`: what was redacted in one conversation, put back into the answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

/// The originals of one conversation.
#[pyclass(frozen, module = "portcullis")]
pub(crate) struct Vault(Mutex<portcullis::Vault>);

/// Restores a text that comes in parts.
#[pyclass(frozen, module = "portcullis")]
pub(crate) struct Restorer {
    vault: Py<Vault>,
    /// What may be the beginning of a placeholder.
    held: Mutex<String>,
}

impl Vault {
    /// Does something with the vault; to be called detached from the interpreter, as it may have to wait.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut portcullis::Vault) -> T) -> T {
        act(&mut locked(&self.0))
    }
}

#[pymethods]
impl Vault {
    #[new]
    fn new() -> Self {
        Self(Mutex::default())
    }

    /// The text with every placeholder of this vault replaced by its original.
    fn restore(&self, py: Python<'_>, text: &str) -> String {
        py.detach(|| self.with(|vault| vault.restore(text)))
    }

    /// A restorer for a text that comes in parts.
    fn restorer(vault: Py<Self>) -> Restorer {
        Restorer { vault, held: Mutex::default() }
    }

    /// Forgets and overwrites everything.
    fn clear(&self, py: Python<'_>) {
        py.detach(|| self.with(portcullis::Vault::clear));
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        py.detach(|| self.with(|vault| vault.len()))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<Vault entries={}>", self.__len__(py))
    }
}

#[pymethods]
impl Restorer {
    /// Takes the next part and answers what can be shown.
    fn push(&self, py: Python<'_>, text: &str) -> String {
        let vault = self.vault.get();
        py.detach(|| {
            let mut held = locked(&self.held);
            vault.with(|vault| {
                let mut restorer = vault.restorer();
                let shown = restorer.push(&(std::mem::take(&mut *held) + text));
                *held = restorer.finish();
                shown
            })
        })
    }

    /// What was held back, when nothing more will come.
    fn finish(&self, py: Python<'_>) -> String {
        py.detach(|| std::mem::take(&mut *locked(&self.held)))
    }
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
