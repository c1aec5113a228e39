//! Where the classifiers run: on the CPU, on a device that was asked for, or on one from the size on that it was measured to win from.

mod crossover;

pub use crossover::{CROSSOVER_FILE, Crossover, CrossoverError};

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use super::{Guard, GuardError, Inner, full_message};
use crate::bundle::Bundle;
use crate::encode::{Accelerator, DeviceError, DeviceInfo, DeviceType, Precision};
use crate::log::Event;
use crate::rails::classifier::{ClassifierRail, DeviceTrouble, RailDevice};
use crate::threads::Threads;

/// Where the classifiers run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceKind {
    /// The CPU, and a device for batches of the size from which it was measured to be faster: see [`Crossover`].
    #[default]
    Auto,
    /// The CPU, by the int8 kernels.
    Cpu,
    /// An NVIDIA GPU, by a device library.
    Cuda,
    /// An Apple GPU.
    Metal,
    /// The processor in floating point, by a device library: to test everything around a device where there is none.
    CpuFloat,
}

impl DeviceKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Cpu, Self::Cuda, Self::Metal, Self::CpuFloat];

    /// The word used in flags.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
            Self::CpuFloat => "cpu-float",
        }
    }

    /// The device that it asks for; none where that is the CPU, or is not said.
    #[must_use]
    pub const fn device(self) -> Option<DeviceType> {
        match self {
            Self::Auto | Self::Cpu => None,
            Self::Cuda => Some(DeviceType::Cuda),
            Self::Metal => Some(DeviceType::Metal),
            Self::CpuFloat => Some(DeviceType::CpuFloat),
        }
    }
}

impl std::fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no device.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown device: expected auto, cpu, cuda, metal or cpu-float")]
pub struct UnknownDevice;

impl FromStr for DeviceKind {
    type Err = UnknownDevice;

    fn from_str(word: &str) -> Result<Self, UnknownDevice> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownDevice)
    }
}

/// The settings of a guard about devices.
#[derive(Clone, Debug, Default)]
pub(super) struct DeviceSettings {
    pub(super) kind: DeviceKind,
    pub(super) library: Option<PathBuf>,
    pub(super) precision: Precision,
    pub(super) on_trouble: Option<fn(&DeviceTrouble)>,
}

/// What a guard runs on beside the CPU.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    pub(super) device: Option<RailDevice>,
    /// Why there is none.
    pub(super) unused: Option<String>,
    pub(super) on_trouble: Option<fn(&DeviceTrouble)>,
}

/// A device that classifiers run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceReport {
    /// `cuda`, `metal` or `cpu-float`.
    pub device: String,
    /// Its name.
    pub name: String,
    /// Bytes of its memory; 0 where that is not known.
    pub memory: u64,
    /// The version of its driver; empty where it has none.
    pub driver: String,
    /// The numbers that it computes in: `f16`, `bf16` or `f32`.
    pub precision: String,
    /// Which kernels compute, where the device has a choice; empty where it has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kernels: String,
    /// Tokens from which a batch is judged there.
    pub from_tokens: usize,
    /// What has gone wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl From<&RailDevice> for DeviceReport {
    fn from(device: &RailDevice) -> Self {
        let DeviceInfo { device: of, name, memory, driver, .. } = device.info();
        Self {
            device: of.to_string(),
            name: name.clone(),
            memory: *memory,
            driver: driver.clone(),
            precision: device.precision().to_string(),
            kernels: device.kernels().to_owned(),
            from_tokens: device.from_tokens(),
            trouble: device.trouble().map(|trouble| trouble.to_string()),
        }
    }
}

impl DeviceSettings {
    /// Opens what is asked for. Where that is left to what was measured, nothing that is missing is an error.
    ///
    /// # Errors
    /// [`GuardError::Device`] for a device that was asked for and is not there.
    pub(super) fn open(
        &self,
        bundle: &Bundle,
        state: Option<&Path>,
        threads: &Threads,
    ) -> Result<Beside, GuardError> {
        let beside = |device, unused| Beside { device, unused, on_trouble: self.on_trouble };
        Ok(match (self.kind, self.kind.device()) {
            (DeviceKind::Auto, _) => match self.measured(bundle, state, threads) {
                Ok(device) => beside(Some(device), None),
                Err(why) => beside(None, Some(why)),
            },
            (_, None) => beside(None, None),
            (kind, Some(device)) => {
                let opened = open(device, None, self.library.as_deref(), self.precision, bundle);
                let opened = opened.map_err(|source| GuardError::Device { device: kind, source })?;
                beside(Some(RailDevice::new(opened, 0)), None)
            }
        })
    }

    /// The device that was measured to be faster from some size on, or why there is none.
    fn measured(
        &self,
        bundle: &Bundle,
        state: Option<&Path>,
        threads: &Threads,
    ) -> Result<RailDevice, String> {
        let nothing = || "no crossover was measured: see `bench --device`".to_owned();
        let state = state.ok_or_else(nothing)?;
        let crossover = Crossover::read(state).map_err(|error| full_message(&error))?.ok_or_else(nothing)?;
        let (device, library) = (crossover.device()?, self.library.as_deref());
        let maker = maker(device, library, threads).map_err(|error| full_message(&error))?;
        crossover.fits(&maker, &bundle.entry().digest(), self.precision)?;
        let from = crossover.from_tokens.ok_or_else(|| {
            format!("the CPU was measured to be faster than {} at every size", crossover.name)
        })?;
        let opened = open(device, Some(&crossover), library, self.precision, bundle)
            .map_err(|error| full_message(&error))?;
        Ok(RailDevice::new(opened, from))
    }
}

impl Guard {
    /// The same guard with an accelerator of the host's beside the CPU, for batches of `from_tokens` tokens or more. It runs this
    /// guard's model and gives the states that [`ClassifierRail::states_after`] says; a model without an encoder does not use it.
    #[must_use]
    pub fn with_accelerator(&self, accelerator: Box<dyn Accelerator>, from_tokens: usize) -> Self {
        let device = Some(RailDevice::new(accelerator, from_tokens));
        let classifier = self.0.classifier.clone().with_device(device);
        Self(Arc::new(Inner { classifier, ..(*self.0).clone() }))
    }

    /// Tells once that the device has failed: the log, and who asked to be told.
    pub(super) fn tell_of_device(&self) {
        let inner = &*self.0;
        let Some(device) = inner.classifier.device() else { return };
        let Some(trouble) = device.untold_trouble() else { return };
        if let Some(tell) = inner.beside.on_trouble {
            tell(&trouble);
        }
        // A log that cannot be written is told by the decisions that are to go into it.
        let _ = inner.recorder.event(Event::DeviceFailed {
            device: device.info().device.to_string(),
            name: device.info().name.clone(),
            reason: trouble.first.to_string(),
            lost: trouble.is_lost,
        });
    }
}

/// What runs the device: BLAKE3 of its library in hex, or the version of this one where it is part of it.
///
/// # Errors
/// [`DeviceError`] for a library that cannot be read.
pub fn maker(device: DeviceType, library: Option<&Path>, threads: &Threads) -> Result<String, DeviceError> {
    if device == DeviceType::Metal {
        return Ok(concat!("portcullis ", env!("CARGO_PKG_VERSION")).to_owned());
    }
    let path = library.ok_or(DeviceError::NoLibrary)?;
    let bytes = crate::bundle::Bytes::map(path)
        .map_err(|error| DeviceError::Unread { path: path.to_owned(), why: full_message(&error) })?;
    Ok(threads.blake3(bytes.as_ref()).to_hex().to_string())
}

/// The devices that a library or this build can use.
///
/// # Errors
/// [`DeviceError`]; an Apple GPU is only looked for where no library is given.
pub fn devices(library: Option<&Path>) -> Result<Vec<DeviceInfo>, DeviceError> {
    match library {
        #[cfg(feature = "cuda")]
        Some(path) => Ok(crate::encode::DeviceLibrary::open(path)?.devices().to_vec()),
        #[cfg(not(feature = "cuda"))]
        Some(_) => Err(DeviceError::NotBuilt),
        #[cfg(all(feature = "metal", target_os = "macos"))]
        None => Ok(vec![crate::encode::metal_device()]),
        #[cfg(not(all(feature = "metal", target_os = "macos")))]
        None => Err(DeviceError::NoLibrary),
    }
}

/// Opens a device of this type, the one that was `measured` where one was.
fn open(
    device: DeviceType,
    measured: Option<&Crossover>,
    library: Option<&Path>,
    precision: Precision,
    bundle: &Bundle,
) -> Result<Box<dyn Accelerator>, DeviceError> {
    let after = ClassifierRail::states_after(bundle);
    if device == DeviceType::Metal {
        return metal(precision, bundle, &after);
    }
    from_library(device, measured, library.ok_or(DeviceError::NoLibrary)?, precision, bundle, &after)
}

#[cfg(all(feature = "metal", target_os = "macos"))]
fn metal(
    precision: Precision,
    bundle: &Bundle,
    after: &[usize],
) -> Result<Box<dyn Accelerator>, DeviceError> {
    let weights = bundle.weights().ok_or(DeviceError::NoEncoder)?;
    Ok(Box::new(crate::encode::metal(weights, precision, after)?))
}

#[cfg(not(all(feature = "metal", target_os = "macos")))]
fn metal(_: Precision, _: &Bundle, _: &[usize]) -> Result<Box<dyn Accelerator>, DeviceError> {
    Err(DeviceError::NoMetal)
}

#[cfg(feature = "cuda")]
fn from_library(
    device: DeviceType,
    measured: Option<&Crossover>,
    path: &Path,
    precision: Precision,
    bundle: &Bundle,
    after: &[usize],
) -> Result<Box<dyn Accelerator>, DeviceError> {
    let library = crate::encode::DeviceLibrary::open(path)?;
    let fits =
        |info: &&DeviceInfo| info.device == device && measured.is_none_or(|measured| measured.is_of(info));
    let Some(info) = library.devices().iter().find(fits) else {
        let found: Vec<String> =
            library.devices().iter().map(|info| format!("{} ({})", info.device, info.name)).collect();
        let (found, expected) = (found.join(", "), device);
        return Err(match measured {
            Some(_) => DeviceError::NotMeasured { found, expected },
            None => DeviceError::OtherDevice { found, expected },
        });
    };
    Ok(Box::new(library.accelerator(info, precision, bundle, after)?))
}

#[cfg(not(feature = "cuda"))]
fn from_library(
    _: DeviceType,
    _: Option<&Crossover>,
    _: &Path,
    _: Precision,
    _: &Bundle,
    _: &[usize],
) -> Result<Box<dyn Accelerator>, DeviceError> {
    Err(DeviceError::NotBuilt)
}
