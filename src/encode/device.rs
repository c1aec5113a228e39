//! Why a device cannot be used.

use thiserror::Error;

#[cfg(feature = "cuda")]
use portcullis_kernels::plugin::PluginError;

use super::{DeviceType, Failure};

/// Why a device cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// Its library.
    #[cfg(feature = "cuda")]
    #[error(transparent)]
    Library(#[from] PluginError),
    /// Its library cannot be read.
    #[error("cannot read the device library {}: {why}", path.display())]
    Unread {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        why: String,
    },
    /// No library was named.
    #[error("no device library was given")]
    NoLibrary,
    /// This build opens none.
    #[error("this build opens no device library: it has no feature `cuda`")]
    NotBuilt,
    /// Metal is in programs for macOS that were built with it.
    #[error("this build has no Metal: it takes macOS and the feature `metal`")]
    NoMetal,
    /// The library has other devices.
    #[error("the device library offers {found}, not {expected}")]
    OtherDevice {
        /// What it offers, by type.
        found: String,
        /// What was asked for.
        expected: DeviceType,
    },
    /// The library has a device of this type, and not the one that was measured.
    #[error("the device library offers {found}, not the {expected} that was measured")]
    NotMeasured {
        /// What it offers, by type.
        found: String,
        /// The type.
        expected: DeviceType,
    },
    /// The model reads words, not tokens.
    #[error("the bundle's model runs on the CPU alone: it has no encoder")]
    NoEncoder,
    /// The device or its driver.
    #[error(transparent)]
    Failure(#[from] Failure),
}
