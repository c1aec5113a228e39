//! A model on a device, from the bytes of a bundle.

use candle_core::Device;
use portcullis::bundle::{Bytes, Manifest, ModelShape, Weights};
use portcullis::encode::{Accelerator, Batch, Local};
use portcullis_kernels::device::{DeviceInfo, DeviceType, Failure, FailureKind, Precision};

use crate::devices;
#[cfg(feature = "cuda")]
use crate::own::Own;

/// Bytes whose multiple the weights have to begin at.
const ALIGNMENT: usize = 8;

/// A model on a device.
pub(crate) struct LoadedModel {
    engine: Engine,
    /// Which kernels compute, in words; empty where there is no choice.
    kernels: String,
    hidden: usize,
    heads: usize,
    positions: usize,
    /// Means of states for each sequence.
    means: usize,
}

/// What computes.
enum Engine {
    /// Kernels of our own.
    #[cfg(feature = "cuda")]
    Own(Box<Own>),
    /// candle's graph.
    Candle(Box<Local>),
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
        let heads = manifest.heads.len();
        let (engine, kernels) = Engine::open(info, opened, precision, &weights, &after, heads)?;
        Ok(Self {
            engine,
            kernels,
            hidden: shape.hidden,
            heads,
            positions: shape.positions,
            means: after.len() + 1,
        })
    }

    /// Which kernels compute, in words; empty where there is no choice.
    pub(crate) fn kernels(&self) -> &str {
        &self.kernels
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
        let answers = match &self.engine {
            #[cfg(feature = "cuda")]
            Engine::Own(own) => return own.answer(&batch, logits, means),
            Engine::Candle(graph) => graph.answer(&batch)?,
        };
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

impl Engine {
    /// Our own kernels where they are for the model and are found to be right, or else candle's graph; and which of them it is, in words.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(unused_variables, reason = "kernels of our own are for CUDA alone")
    )]
    fn open(
        info: DeviceInfo,
        device: Device,
        precision: Precision,
        weights: &Weights,
        after: &[usize],
        heads: usize,
    ) -> Result<(Self, String), Failure> {
        #[cfg(not(feature = "cuda"))]
        let kernels = String::new();
        #[cfg(feature = "cuda")]
        let kernels = match Self::own(&info, &device, precision, weights, after, heads) {
            Ok(own) => {
                let kernels = own.kernels().to_owned();
                return Ok((Self::Own(Box::new(own)), kernels));
            }
            Err(why) => format!("candle's kernels ({why})"),
        };
        let graph = Local::new(info, &device, precision, weights, after)?;
        Ok((Self::Candle(Box::new(graph)), kernels))
    }

    /// Our own kernels, or why not.
    #[cfg(feature = "cuda")]
    fn own(
        info: &DeviceInfo,
        device: &Device,
        precision: Precision,
        weights: &Weights,
        after: &[usize],
        heads: usize,
    ) -> Result<Own, String> {
        if precision != Precision::F16 {
            return Err("those of our own are for f16".to_owned());
        }
        if !Own::fits(&weights.shape(), heads) {
            return Err("those of our own are for another shape".to_owned());
        }
        let ordinal = usize::try_from(info.ordinal).unwrap_or(usize::MAX);
        // In 32 bits, so that what is compared is one error and not two.
        Local::new(info.clone(), device, Precision::F32, weights, after)
            .and_then(|reference| Own::open(ordinal, weights, after, &reference))
            .map_err(|failure| failure.to_string())
    }
}
