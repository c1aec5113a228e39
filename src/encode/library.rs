//! Device libraries: an accelerator whose driver this program is not linked to, opened when one is asked for.

use std::path::{Path, PathBuf};

use portcullis_kernels::device::{DeviceInfo, Failure, FailureKind, Precision};
use portcullis_kernels::plugin::{OpenModel, Opening, Plugin};

use super::accelerator::Accelerator;
use super::batched::Answers;
use super::{Batch, DeviceError};
use crate::bundle::{Bundle, MANIFEST_FILE};

/// A library that was opened, and the devices that it can use.
#[derive(Debug)]
pub struct DeviceLibrary {
    plugin: Plugin,
    path: PathBuf,
    devices: Vec<DeviceInfo>,
}

impl DeviceLibrary {
    /// Opens the library at `path`, which runs as part of this process from then on: see [`portcullis_kernels::plugin`].
    ///
    /// # Errors
    /// [`DeviceError`], also where it finds no driver or no device.
    pub fn open(path: &Path) -> Result<Self, DeviceError> {
        let plugin = Plugin::load(path).map_err(DeviceError::from)?;
        let devices = plugin.devices()?;
        if devices.is_empty() {
            return Err(Failure::new(FailureKind::NoDevice, "the device library names none").into());
        }
        Ok(Self { plugin, path: path.to_owned(), devices })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The devices, at least one.
    #[must_use]
    pub fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    /// Loads the bundle's model onto `device`, to average the states after each of `after` layers on the way.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn accelerator(
        &self,
        device: &DeviceInfo,
        precision: Precision,
        bundle: &Bundle,
        after: &[usize],
    ) -> Result<Remote, DeviceError> {
        let weights = bundle.weights().ok_or(DeviceError::NoEncoder)?;
        let file = |name: &str| {
            let found = bundle.files().iter().find(|(file, _)| file.path == name);
            found.map(|(_, bytes)| bytes).ok_or(DeviceError::NoEncoder)
        };
        let manifest = file(MANIFEST_FILE)?.text(MANIFEST_FILE).map_err(|_| DeviceError::NoEncoder)?;
        let after: Vec<u32> = after.iter().filter_map(|layer| u32::try_from(*layer).ok()).collect();
        let model = self.plugin.open(&Opening {
            device: device.device,
            ordinal: device.ordinal,
            precision,
            manifest,
            weights: file(&bundle.manifest().weights)?.as_ref(),
            after: &after,
        })?;
        let shape = weights.shape();
        let fits = model.heads() == bundle.manifest().heads.len()
            && model.hidden() == shape.hidden
            && model.positions() == shape.positions;
        if !fits {
            return Err(Failure::new(FailureKind::Other, "the device library read another model").into());
        }
        Ok(Remote { info: device.clone(), precision, means: after.len() + 1, model })
    }
}

/// A device of a library.
#[derive(Debug)]
pub struct Remote {
    info: DeviceInfo,
    precision: Precision,
    /// Means of states for each sequence.
    means: usize,
    model: OpenModel,
}

impl Accelerator for Remote {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn kernels(&self) -> &str {
        self.model.kernels()
    }

    fn answer(&self, batch: &Batch) -> Result<Answers, Failure> {
        let (logits, means) = self.model.forward(&batch.ids, &batch.bounds)?;
        let rows = |flat: &[f32], width: usize| -> Vec<Vec<f32>> {
            flat.chunks_exact(width.max(1)).map(<[f32]>::to_vec).collect()
        };
        Ok(Answers {
            logits: rows(&logits, self.model.heads()),
            states: rows(&means, self.means * self.model.hidden()),
        })
    }
}
