//! The flags that say where classifiers run, and the library beside the program.

use super::{failure, terminal};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use portcullis::encode::{DeviceError, DeviceInfo, Precision};
use portcullis::guard::devices;
use portcullis::rails::classifier::DeviceTrouble;
use portcullis::{DeviceKind, GuardBuilder};
use std::ffi::OsString;
use std::path::PathBuf;

/// The name of the device library beside the program.
const BESIDE: &str = if cfg!(windows) { "portcullis_cuda.dll" } else { "libportcullis_cuda.so" };

/// Where classifiers run. A flag goes before its environment variable.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = super::guard_options::HEADING)]
pub(super) struct DeviceOptions {
    /// Where to compute. Without it `auto`: the processor, and a device for batches of the size from which `bench --device` has
    /// measured it to be faster.
    #[arg(long, global = true, value_name = "DEVICE", env = "PORTCULLIS_DEVICE", value_parser = device_parser())]
    device: Option<DeviceKind>,

    /// The library that computes on a device. Without it, `libportcullis_cuda.so` beside the program.
    #[arg(long, global = true, value_name = "FILE", env = "PORTCULLIS_DEVICE_LIBRARY")]
    device_library: Option<PathBuf>,

    /// The numbers that a device computes in: f16, bf16 or f32. Without it, f16.
    #[arg(long, global = true, value_name = "NUMBERS", env = "PORTCULLIS_DEVICE_PRECISION", value_parser = parse_precision)]
    device_precision: Option<Precision>,
}

impl DeviceOptions {
    /// The builder with these options.
    pub(super) fn apply(&self, builder: GuardBuilder) -> GuardBuilder {
        let kind = self.kind();
        let mut builder = builder.device(kind).on_device_trouble(warn);
        if let Some(library) = self.library().filter(|_| kind != DeviceKind::Cpu) {
            builder = builder.device_library(library);
        }
        match self.device_precision {
            Some(precision) => builder.device_precision(precision),
            None => builder,
        }
    }

    /// The device that is asked for.
    pub(super) fn kind(&self) -> DeviceKind {
        self.device.unwrap_or_default()
    }

    /// The library that was given, or else the one beside the program, where it is wanted or there.
    pub(super) fn library(&self) -> Option<PathBuf> {
        if self.device_library.is_some() {
            return self.device_library.clone();
        }
        let beside = std::env::current_exe().ok()?.with_file_name(BESIDE);
        (self.device == Some(DeviceKind::Cuda) || beside.is_file()).then_some(beside)
    }

    /// The devices that are there.
    ///
    /// # Errors
    /// As [`devices`].
    pub(super) fn devices(&self) -> Result<Vec<DeviceInfo>, DeviceError> {
        devices(self.library().as_deref())
    }

    /// Whether devices are asked for by name, `auto` among them.
    pub(super) fn asks_for_device(&self) -> bool {
        self.device.is_some_and(|device| device != DeviceKind::Cpu)
    }

    /// Whether which device is left open.
    pub(super) fn is_open(&self) -> bool {
        self.kind() == DeviceKind::Auto
    }

    /// The same options for this device.
    pub(super) fn on(&self, kind: DeviceKind) -> Self {
        Self { device: Some(kind), ..self.clone() }
    }

    /// These options as arguments for a child process.
    pub(super) fn to_arguments(&self) -> Vec<(&'static str, Option<OsString>)> {
        vec![
            ("--device", self.device.map(|device| device.as_str().into())),
            ("--device-library", self.device_library.clone().map(Into::into)),
            ("--device-precision", self.device_precision.map(|precision| precision.to_string().into())),
        ]
    }
}

/// Tells that the device has failed.
fn warn(trouble: &DeviceTrouble) {
    failure::warn(terminal::printable(&trouble.first.to_string()));
}

fn device_parser() -> impl TypedValueParser<Value = DeviceKind> {
    let values = DeviceKind::ALL.map(|kind| {
        PossibleValue::new(kind.as_str()).help(match kind {
            DeviceKind::Cpu => "The processor",
            DeviceKind::Cuda => "An NVIDIA GPU",
            DeviceKind::Metal => "An Apple GPU",
            DeviceKind::CpuFloat => "The processor in floating point, by a device library: for tests",
            _ => "The processor, and a device where it was measured to be faster",
        })
    });
    PossibleValuesParser::new(values).try_map(|word| word.parse::<DeviceKind>())
}

fn parse_precision(word: &str) -> Result<Precision, String> {
    word.parse().map_err(|error: portcullis::encode::UnknownPrecision| error.to_string())
}
