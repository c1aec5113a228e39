//! The devices beside the processor that this program can use, and the one that it uses.

use crate::cli::device_options::DeviceOptions;
use crate::cli::terminal;
use portcullis::encode::DeviceType;
use portcullis::guard::maker;
use portcullis::threads::Threads;
use portcullis::{DeviceReport, Inspection};
use serde::Serialize;
use std::path::PathBuf;

/// What was found.
#[derive(Serialize)]
pub(super) struct Devices {
    /// The device library: the one that was given, or the one beside the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<PathBuf>,
    /// Its BLAKE3 in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    library_blake3: Option<String>,
    found: Vec<Found>,
    /// Why none was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

#[derive(Serialize)]
struct Found {
    device: String,
    name: String,
    memory: u64,
    driver: String,
}

impl Devices {
    /// Looks for them.
    pub(super) fn look(options: &DeviceOptions) -> Self {
        let library = options.library();
        let digest = |path: &PathBuf| maker(DeviceType::Cuda, Some(path), &Threads::new(1)).ok();
        let library_blake3 = library.as_ref().and_then(digest);
        match options.devices() {
            Ok(found) => {
                let found = found.into_iter().map(|info| Found {
                    device: info.device.to_string(),
                    name: info.name,
                    memory: info.memory,
                    driver: info.driver,
                });
                Self { library, library_blake3, found: found.collect(), trouble: None }
            }
            Err(error) => {
                let trouble = format!("{:#}", anyhow::Error::from(error));
                Self { library, library_blake3, found: Vec::new(), trouble: Some(trouble) }
            }
        }
    }
}

/// The device that is used and those that there are, a line each.
pub(super) fn accelerator(guard: &Inspection, devices: &Devices) -> String {
    let mut lines = Vec::new();
    match (&guard.accelerator, &guard.accelerator_unused) {
        (Some(used), _) => lines.push(used_for(used)),
        (None, Some(why)) => lines.push(format!("none: {}", terminal::printable(why))),
        (None, None) => lines.push("none".to_owned()),
    }
    lines.extend(devices.found.iter().map(|found| {
        let driver =
            if found.driver.is_empty() { String::new() } else { format!(", driver {}", found.driver) };
        let memory = if found.memory == 0 {
            String::new()
        } else {
            format!(", {}", terminal::megabytes(found.memory))
        };
        terminal::printable(&format!("found {}: {}{memory}{driver}", found.device, found.name))
    }));
    lines.extend(devices.trouble.iter().map(|trouble| terminal::printable(trouble)));
    lines.join("\n")
}

fn used_for(used: &DeviceReport) -> String {
    let DeviceReport { device, name, precision, kernels, from_tokens, trouble, .. } = used;
    let size =
        if *from_tokens == 0 { String::new() } else { format!(" from {from_tokens} tokens in a batch on") };
    let trouble = trouble.as_ref().map(|trouble| format!("; {trouble}")).unwrap_or_default();
    let kernels = if kernels.is_empty() { String::new() } else { format!(", {kernels}") };
    terminal::printable(&format!("{device}{size}: {name}, {precision}{kernels}{trouble}"))
}
