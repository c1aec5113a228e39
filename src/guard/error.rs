//! Why a guard cannot be made or used.

use std::path::PathBuf;

use thiserror::Error;

use super::device::DeviceKind;
use crate::act::LEAST_KEY_BYTES;
use crate::bundle::BundleError;
use crate::encode::DeviceError;
use crate::image::ImageError;
use crate::installation::InstallationError;
use crate::log::LogError;
use crate::monitor::MonitorError;
use crate::policy::{PolicyErrors, PolicyOpenError};
use crate::rails::host::RailNameError;
use crate::rails::list::ListError;
use crate::record::RecordError;
use crate::samples::SamplesError;
use crate::store::StoreError;
use crate::tokenize::TokenizeError;
use crate::trust::TrustError;

/// Why a guard cannot be made or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GuardError {
    /// The bundle.
    #[error("cannot open the model bundle")]
    Bundle(#[from] BundleError),
    /// The packed program.
    #[error(transparent)]
    Image(ImageError),
    /// The key that has to have signed a packed program.
    #[error("cannot read the key that has to have signed the packed program")]
    ImageKey(#[source] TrustError),
    /// The policy file cannot be read.
    #[error("cannot read the policy {}", path.display())]
    PolicyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The policy in force cannot be told, or nobody vouches for the policy.
    #[error(transparent)]
    Store(StoreError),
    /// The policy is not valid.
    #[error("the policy is not valid")]
    Policy(#[from] PolicyErrors),
    /// The policy's word lists.
    #[error("cannot compile the policy's word lists")]
    Lists(#[from] ListError),
    /// A rail of the host's without a name of its own.
    #[error("cannot take a rail of the host")]
    Rail(#[from] RailNameError),
    /// The bundle's windows are impossible.
    #[error("the bundle's windows are not valid")]
    Windows(#[source] TokenizeError),
    /// The decision record.
    #[error("cannot open the decision record")]
    Record(#[from] RecordError),
    /// The settings of the state directory.
    #[error("cannot use the settings of the state directory")]
    Installation(#[from] InstallationError),
    /// The decision log.
    #[error("cannot open the decision log")]
    Log(#[from] LogError),
    /// The store of samples.
    #[error("cannot keep samples")]
    Samples(#[from] SamplesError),
    /// The monitor's folder.
    #[error("cannot open the monitor")]
    Monitor(#[from] MonitorError),
    /// This build or machine has no such device.
    #[error("the device {device} is not available")]
    Device {
        /// The device asked for.
        device: DeviceKind,
        /// Why not.
        source: DeviceError,
    },
    /// This CPU has none of the instructions that the kernels are written in.
    #[error("there are no kernels for this CPU")]
    NoKernels,
    /// A cascade without calibrated exits.
    #[error("the bundle {bundle} has no calibrated exits, which a cascade needs")]
    NoExits {
        /// The bundle.
        bundle: String,
    },
    /// The file with the key for hashes cannot be read.
    #[error("cannot read the hash key {}", path.display())]
    HashKeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key that anybody could guess.
    #[error("the hash key {} has {found} bytes, expected at least {LEAST_KEY_BYTES}", path.display())]
    HashKeyShort {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: usize,
    },
    /// A rule hashes, and there is no key.
    #[error("the rule `{rule}` has the mode hash, expected a key for it: none was given")]
    NoHashKey {
        /// The rule.
        rule: String,
    },
    /// States of a model that has none.
    #[error("the bundle {bundle} has no states that a head could be taught on, expected one with an encoder")]
    NoStates {
        /// The bundle.
        bundle: String,
    },
    /// The encoder failed.
    #[error("the encoder failed: {0}")]
    Encode(String),
}

impl From<StoreError> for GuardError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Policy(PolicyOpenError::File { path, source }) => Self::PolicyFile { path, source },
            StoreError::Policy(PolicyOpenError::Invalid(errors)) => Self::Policy(errors),
            error => Self::Store(error),
        }
    }
}

impl From<ImageError> for GuardError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Bundle(error) => Self::Bundle(error),
            ImageError::Policy(error) => error.into(),
            error => Self::Image(error),
        }
    }
}

impl GuardError {
    /// The error and what it comes from, in one line.
    #[must_use]
    pub fn in_full(&self) -> String {
        full_message(self)
    }
}

/// An error with the chain of its sources, in one line.
pub(crate) fn full_message(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message
}
