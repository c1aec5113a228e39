//! What a guard is opened with: kept, so that a pickled guard can be opened again elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use portcullis::{DeviceKind, GuardBuilder, Level};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Most threads that may be asked for.
const MOST_THREADS: i64 = 1024;

/// The keyword arguments of `Guard`.
pub(crate) struct Arguments {
    pub(crate) policy: Option<PathBuf>,
    pub(crate) models: Option<PathBuf>,
    pub(crate) model: Option<String>,
    pub(crate) calibration: Option<PathBuf>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) threads: Option<usize>,
    pub(crate) deadline: Option<u64>,
    pub(crate) level: Option<Level>,
    pub(crate) device: DeviceKind,
    pub(crate) device_library: Option<PathBuf>,
    pub(crate) cascade: bool,
    pub(crate) attribution: bool,
    pub(crate) hash_key: Option<PathBuf>,
    pub(crate) require_signed_policy: bool,
}

impl Arguments {
    /// The Rust library's builder with all of them set.
    pub(crate) fn builder(&self) -> GuardBuilder {
        let mut builder = portcullis::Guard::builder()
            .device(self.device)
            .cascade(self.cascade)
            .attribution(self.attribution)
            .require_signed_policy(self.require_signed_policy);
        if let Some(path) = &self.policy {
            builder = builder.policy_file(path);
        }
        if let Some(path) = &self.models {
            builder = builder.models_dir(path);
        }
        if let Some(id) = &self.model {
            builder = builder.model(id);
        }
        if let Some(path) = &self.calibration {
            builder = builder.calibration_file(path);
        }
        if let Some(path) = &self.state {
            builder = builder.state_dir(path);
        }
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if let Some(milliseconds) = self.deadline {
            builder = builder.deadline(Duration::from_millis(milliseconds));
        }
        if let Some(level) = self.level {
            builder = builder.level(level);
        }
        if let Some(path) = &self.device_library {
            builder = builder.device_library(path);
        }
        if let Some(path) = &self.hash_key {
            builder = builder.hash_key_file(path);
        }
        builder
    }

    /// The arguments as Python gave them.
    pub(crate) fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let arguments = PyDict::new(py);
        arguments.set_item("policy", &self.policy)?;
        arguments.set_item("models", &self.models)?;
        arguments.set_item("model", &self.model)?;
        arguments.set_item("calibration", &self.calibration)?;
        arguments.set_item("state", &self.state)?;
        arguments.set_item("threads", self.threads)?;
        arguments.set_item("deadline_ms", self.deadline)?;
        arguments.set_item("level", self.level.map(|level| level.to_string()))?;
        arguments.set_item("device", self.device.as_str())?;
        arguments.set_item("device_library", &self.device_library)?;
        arguments.set_item("cascade", self.cascade)?;
        arguments.set_item("attribution", self.attribution)?;
        arguments.set_item("hash_key", &self.hash_key)?;
        arguments.set_item("require_signed_policy", self.require_signed_policy)?;
        Ok(arguments)
    }
}

/// A number of threads.
pub(crate) fn threads(number: i64) -> PyResult<usize> {
    match usize::try_from(number) {
        Ok(threads) if (1..=MOST_THREADS).contains(&number) => Ok(threads),
        _ => Err(PyValueError::new_err(format!("threads: found {number}, expected 1 to {MOST_THREADS}"))),
    }
}

/// A number of milliseconds.
pub(crate) fn milliseconds(number: i64) -> PyResult<u64> {
    u64::try_from(number)
        .map_err(|_| PyValueError::new_err(format!("deadline_ms: found {number}, expected 0 or more")))
}

/// A level or a device by its name.
pub(crate) fn named<T: std::str::FromStr<Err: std::fmt::Display>>(word: &str) -> PyResult<T> {
    word.parse().map_err(|error: T::Err| PyValueError::new_err(error.to_string()))
}
