//! The encoder: one graph on candle tensors, from token ids to pooled states and logits.
//!
//! Two kinds of block fill the graph. The int8 blocks enter as candle custom ops that compute from the bundle's mapped
//! bytes by `portcullis-kernels`; they are what the guard runs on a CPU. The f32 blocks are candle's own f32 on
//! dequantized weights: the oracle of the tests. [`Batched`] is the same graph for accelerators, whole batches at a time.
//!
//! Sequences are packed: the rows of a batch are the tokens of all its sequences, one after another, with no
//! padding, and [`Batch`] says where each begins. A sequence's result does not depend on its neighbours.

#[cfg(all(feature = "metal", not(target_os = "macos")))]
compile_error!("the feature `metal` is for macOS: other systems have no Metal");

mod accelerator;
mod batch;
mod batched;
mod dense;
mod device;
mod float;
mod int8;
#[cfg(feature = "cuda")]
mod library;
#[cfg(all(feature = "metal", target_os = "macos"))]
mod metal;
mod parts;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Mutex;

use candle_core::{Device, Tensor};
use portcullis_kernels::{InputError, Kernels, ShapeError};
use thiserror::Error;

use crate::bundle::Weights;
use parts::Parts;

pub use accelerator::{Accelerator, Local, failure};
pub use batch::Batch;
pub use batched::{Answers, Batched};
pub use device::DeviceError;
#[cfg(feature = "cuda")]
pub use library::{DeviceLibrary, Remote};
#[cfg(all(feature = "metal", target_os = "macos"))]
pub use metal::{metal, metal_device};
pub use portcullis_kernels::device::{
    DeviceInfo, DeviceType, Failure, FailureKind, Precision, UnknownPrecision,
};

/// Why a batch could not be encoded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// candle refused an operation, or a kernel did inside one.
    #[error("the encoder failed")]
    Candle(#[from] candle_core::Error),
    /// A kernel refused its input.
    #[error("the encoder's kernels refused the batch")]
    Kernel(#[from] InputError),
    /// Weights of the wrong shape.
    #[error("the encoder's weights have the wrong shape")]
    Shape(#[from] ShapeError),
    /// A device did not do what it was asked.
    #[error(transparent)]
    Device(#[from] Failure),
    /// Token ids for a model that reads none.
    #[error("the bundle's model reads words, not token ids")]
    NoIds,
    /// A token id outside the vocabulary.
    #[error("a token id is outside the vocabulary of {limit}")]
    Id {
        /// The model's vocabulary.
        limit: usize,
    },
    /// A sequence of no token, or more than the model has positions for.
    #[error("a sequence has {found} tokens, expected 1 to {limit}")]
    Length {
        /// Its length.
        found: usize,
        /// The model's positions.
        limit: usize,
    },
}

/// What the encoder says of a batch.
#[derive(Debug)]
pub struct Encoded {
    /// Logits, shape `[sequences, heads]`.
    pub logits: Tensor,
    /// Mean of the final hidden states, shape `[sequences, hidden]`.
    pub pooled: Tensor,
}

/// The encoder with its heads.
#[derive(Debug)]
pub struct Encoder {
    kind: Kind,
    layers: usize,
    positions: usize,
    device: Device,
    /// Arenas of past forward passes, so that a warm encoder does not allocate them again.
    arenas: Mutex<Vec<Parts>>,
}

#[derive(Debug)]
enum Kind {
    Int8(Kernels),
    Float(float::Parts),
}

impl Encoder {
    /// The int8 encoder on the CPU, by `kernels`.
    #[must_use]
    pub fn int8(weights: &Weights, kernels: Kernels) -> Self {
        Self::new(Kind::Int8(kernels), weights, Device::Cpu)
    }

    /// The f32 encoder on `device`, from dequantized weights.
    ///
    /// # Errors
    /// [`EncodeError`] when the weights do not fit or the device refuses them.
    pub fn float(weights: &Weights, device: &Device) -> Result<Self, EncodeError> {
        Ok(Self::new(Kind::Float(float::Parts::new(weights, device)?), weights, device.clone()))
    }

    fn new(kind: Kind, weights: &Weights, device: Device) -> Self {
        let shape = weights.shape();
        Self { kind, layers: shape.layers, positions: shape.positions, device, arenas: Mutex::default() }
    }

    /// Runs the graph over `batch`.
    ///
    /// `weights` are those the encoder was made for; the int8 blocks compute from their bytes.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn forward(&self, weights: &Weights, batch: &Batch) -> Result<Encoded, EncodeError> {
        self.forward_in(weights, batch, 1)
    }

    /// As [`Encoder::forward`], with the tokens of the batch split into at most `parts` parts that the int8 blocks
    /// compute on the threads of the rayon pool that calls. The result does not depend on it.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn forward_in(&self, weights: &Weights, batch: &Batch, parts: usize) -> Result<Encoded, EncodeError> {
        let encoded = self.forward_visiting(weights, batch, parts, |_| Ok(Next::All))?;
        encoded.ok_or_else(|| candle_core::Error::msg("the pass was not finished").into())
    }

    /// As [`Encoder::forward_in`], showing `visit` every layer but the last and doing as it says.
    ///
    /// `None` when no sequence was left to go on with; otherwise what the model says of those that were.
    ///
    /// # Errors
    /// [`EncodeError`], also that of `visit`.
    pub fn forward_visiting(
        &self,
        weights: &Weights,
        batch: &Batch,
        parts: usize,
        mut visit: impl FnMut(&Visit<'_>) -> Result<Next, EncodeError>,
    ) -> Result<Option<Encoded>, EncodeError> {
        for found in batch.lengths() {
            if !(1..=self.positions).contains(&found) {
                return Err(EncodeError::Length { found, limit: self.positions });
            }
        }
        let mut arena = self.arenas.lock().ok().and_then(|mut arenas| arenas.pop()).unwrap_or_default();
        arena.split(batch.tokens(), parts);
        let arena = RefCell::new(arena);
        let mut bounds = Cow::Borrowed(batch.bounds());
        let ids = Tensor::from_slice(&batch.ids, batch.tokens(), &self.device)?;

        let mut x = self.embed(&Pass { weights, bounds: &bounds, parts: &arena }, &ids)?;
        for layer in 0..self.layers {
            let pass = Pass { weights, bounds: &bounds, parts: &arena };
            x = self.attention(&pass, layer, x)?;
            x = self.feed_forward(&pass, layer, x)?;
            if layer + 1 == self.layers {
                break;
            }
            let next = visit(&Visit { encoder: self, pass: &pass, layers: layer + 1, states: &x })?;
            let staying = match next {
                Next::All => continue,
                Next::Only(staying) => staying,
            };
            match kept(&x, &bounds, &staying)? {
                Some((rows, new_bounds)) => (x, bounds) = (rows, Cow::Owned(new_bounds)),
                None => {
                    self.keep(arena);
                    return Ok(None);
                }
            }
            arena.borrow_mut().split(bounds.last().copied().unwrap_or_default(), parts);
        }
        let encoded = self.pool(&Pass { weights, bounds: &bounds, parts: &arena }, &x, None)?;
        self.keep(arena);
        Ok(encoded)
    }

    /// Keeps the working memory of a pass for the next one.
    fn keep(&self, arena: RefCell<Parts>) {
        if let Ok(mut arenas) = self.arenas.lock() {
            arenas.push(arena.into_inner());
        }
    }

    fn embed(&self, pass: &Pass<'_>, ids: &Tensor) -> Result<Tensor, EncodeError> {
        match &self.kind {
            Kind::Int8(kernels) => int8::embed(*kernels, pass, ids),
            Kind::Float(parts) => parts.embed(pass, ids),
        }
    }

    fn attention(&self, pass: &Pass<'_>, layer: usize, x: Tensor) -> Result<Tensor, EncodeError> {
        match &self.kind {
            Kind::Int8(kernels) => int8::attention(*kernels, pass, layer, x),
            Kind::Float(parts) => parts.attention(pass, layer, &x),
        }
    }

    fn feed_forward(&self, pass: &Pass<'_>, layer: usize, x: Tensor) -> Result<Tensor, EncodeError> {
        match &self.kind {
            Kind::Int8(kernels) => int8::feed_forward(*kernels, pass, layer, x),
            Kind::Float(parts) => parts.feed_forward(layer, &x),
        }
    }

    /// What the exit after `layers` layers says of the states `x`, or without `layers` the model's own heads; `None`
    /// where there is no exit.
    fn pool(
        &self,
        pass: &Pass<'_>,
        x: &Tensor,
        layers: Option<usize>,
    ) -> Result<Option<Encoded>, EncodeError> {
        match &self.kind {
            Kind::Int8(kernels) => int8::pool(*kernels, pass, x, layers),
            Kind::Float(parts) => parts.pool(pass, x, layers),
        }
    }
}

/// What a pass shows after one of its layers.
pub struct Visit<'a> {
    encoder: &'a Encoder,
    pass: &'a Pass<'a>,
    layers: usize,
    states: &'a Tensor,
}

impl Visit<'_> {
    /// Layers done.
    #[must_use]
    pub const fn layers(&self) -> usize {
        self.layers
    }

    /// Hidden states of the sequences that are left, one after another, shape `[tokens, hidden]`.
    #[must_use]
    pub const fn states(&self) -> &Tensor {
        self.states
    }

    /// The mean of the hidden states of each sequence that is left, `hidden` numbers each, added up in the order of the tokens.
    ///
    /// # Errors
    /// [`EncodeError`] when candle refuses to read the states.
    pub fn means(&self) -> Result<Vec<Vec<f32>>, EncodeError> {
        let states: Vec<f32> = self.states.flatten_all()?.to_vec1()?;
        let hidden = self.states.dim(1)?.max(1);
        let mut rows = states.chunks_exact(hidden);
        let mut means = Vec::new();
        for pair in self.pass.bounds.windows(2) {
            let &[start, end] = pair else { continue };
            let mut mean = vec![0.0_f32; hidden];
            for row in rows.by_ref().take(end - start) {
                mean.iter_mut().zip(row).for_each(|(sum, state)| *sum += state);
            }
            let count = (end - start) as f32;
            mean.iter_mut().for_each(|sum| *sum /= count);
            means.push(mean);
        }
        Ok(means)
    }

    /// What the exit here says of the sequences that are left; `None` where there is no exit.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn exit(&self) -> Result<Option<Encoded>, EncodeError> {
        self.encoder.pool(self.pass, self.states, Some(self.layers))
    }
}

// Hidden states say much of the text.
impl std::fmt::Debug for Visit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visit").field("layers", &self.layers).finish_non_exhaustive()
    }
}

/// Which sequences a pass goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// All that are left.
    All,
    /// Those for which this says `true`, one entry for each that is left; a missing one counts as `true`.
    Only(Vec<bool>),
}

/// The rows of the sequences that are `staying`, and their bounds; `None` when there are none.
fn kept(x: &Tensor, bounds: &[usize], staying: &[bool]) -> Result<Option<(Tensor, Vec<usize>)>, EncodeError> {
    let mut rows = Vec::new();
    let mut new_bounds = vec![0];
    let mut end = 0;
    for (number, pair) in bounds.windows(2).enumerate() {
        let &[from, to] = pair else { continue };
        if staying.get(number).copied().unwrap_or(true) {
            rows.push(x.narrow(0, from, to - from)?);
            end += to - from;
            new_bounds.push(end);
        }
    }
    if rows.is_empty() { Ok(None) } else { Ok(Some((Tensor::cat(&rows, 0)?, new_bounds))) }
}

/// What the blocks of one forward pass share.
struct Pass<'a> {
    weights: &'a Weights,
    bounds: &'a [usize],
    parts: &'a RefCell<Parts>,
}
