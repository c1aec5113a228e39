//! A model on a device, from the bytes of a bundle.

use portcullis::bundle::{Bytes, Manifest, ModelShape, Weights};
use portcullis::encode::{Accelerator, Batch, Local};
use portcullis_kernels::device::{DeviceType, Failure, FailureKind, Precision};

use crate::devices;

/// Bytes whose multiple the weights have to begin at.
const ALIGNMENT: usize = 8;

/// A model on a device.
pub(crate) struct LoadedModel {
    accelerator: Local,
    hidden: usize,
    heads: usize,
    positions: usize,
    /// Means of states for each sequence.
    means: usize,
}

impl LoadedModel {
    /// Loads the model of a `manifest` and its `weights` onto the device, to average the states after each of `after` layers.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn open(
        device: u32,
        ordinal: u32,
        precision: u32,
        manifest: &[u8],
        weights: &[u8],
        after: &[u32],
    ) -> Result<Self, Failure> {
        let refused = |what: String| Failure::new(FailureKind::Other, what);
        let precision =
            Precision::of(precision).ok_or_else(|| refused(format!("no precision {precision}")))?;
        let device = DeviceType::of(device).ok_or_else(|| refused(format!("no device type {device}")))?;
        let manifest = std::str::from_utf8(manifest).map_err(|error| refused(error.to_string()))?;
        let manifest = Manifest::parse(manifest).map_err(|error| refused(error.to_string()))?;
        let ModelShape::Encoder { shape, .. } = manifest.model else {
            return Err(refused("the model has no encoder".to_owned()));
        };
        if !weights.as_ptr().addr().is_multiple_of(ALIGNMENT) {
            return Err(refused(format!("the weights do not begin at a multiple of {ALIGNMENT} bytes")));
        }
        // SAFETY: the bytes live for the call that this is part of, and `open`, whose answer holds them, ends before it: what is
        // kept of them is what was copied to the device.
        let bytes: &'static [u8] = unsafe { std::mem::transmute::<&[u8], &'static [u8]>(weights) };
        let weights = Weights::open(Bytes::from_static(bytes), &manifest, shape)
            .map_err(|error| refused(error.to_string()))?;
        let after: Vec<usize> = after.iter().filter_map(|layer| usize::try_from(*layer).ok()).collect();
        if !after.is_sorted_by(|a, b| a < b) || after.iter().any(|layer| !(1..shape.layers).contains(layer)) {
            return Err(refused(format!("states after the layers {after:?} of {}", shape.layers)));
        }
        let (info, opened) = devices::open(device, ordinal)?;
        Ok(Self {
            accelerator: Local::new(info, &opened, precision, &weights, &after)?,
            hidden: shape.hidden,
            heads: manifest.heads.len(),
            positions: shape.positions,
            means: after.len() + 1,
        })
    }

    /// Width of a state.
    pub(crate) const fn hidden(&self) -> usize {
        self.hidden
    }

    /// Logits of a sequence.
    pub(crate) const fn heads(&self) -> usize {
        self.heads
    }

    /// Most tokens of a sequence.
    pub(crate) const fn positions(&self) -> usize {
        self.positions
    }

    /// Writes the logits and the means of the states of each sequence.
    ///
    /// # Errors
    /// [`Failure`], also for bounds that are none and room for another number of answers.
    pub(crate) fn forward(
        &self,
        ids: &[u32],
        bounds: &[usize],
        logits: &mut [f32],
        means: &mut [f32],
    ) -> Result<(), Failure> {
        let refused =
            |what: &str| Failure::new(FailureKind::Other, format!("the device library was given {what}"));
        let batch =
            Batch::of(ids.to_vec(), bounds.to_vec()).ok_or_else(|| refused("bounds that are none"))?;
        let width = self.means * self.hidden;
        if logits.len() != batch.len() * self.heads || means.len() != batch.len() * width {
            return Err(refused("room for another number of answers"));
        }
        let answers = self.accelerator.answer(&batch)?;
        let rows = answers.logits.iter().zip(logits.chunks_exact_mut(self.heads.max(1)));
        for (row, room) in rows.chain(answers.states.iter().zip(means.chunks_exact_mut(width.max(1)))) {
            if row.len() != room.len() {
                return Err(Failure::new(FailureKind::Other, "the graph gave another number of answers"));
            }
            room.copy_from_slice(row);
        }
        Ok(())
    }
}
