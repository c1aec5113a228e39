//! The graph's int8 blocks: candle custom ops whose CPU side computes from the mapped weights.

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp1, InplaceOp1, Layout, Shape, Tensor};
use portcullis_kernels::{
    AttentionWeights, Embeddings, FeedForwardWeights, HeadWeights, Kernels, ShapeError,
};

use super::parts::Parts;
use super::{EncodeError, Encoded, Pass};

/// Ids `[tokens]` (u32) to hidden states `[tokens, hidden]`.
struct Embed<'a> {
    kernels: Kernels,
    weights: Embeddings<'a>,
    bounds: &'a [usize],
}

impl CustomOp1 for Embed<'_> {
    fn name(&self) -> &'static str {
        "portcullis-embed"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let ids = rows(storage.as_slice::<u32>()?, layout)?;
        let hidden = self.weights.hidden();
        let mut out = vec![0.0; ids.len() * hidden];
        self.kernels.embed(&self.weights, ids, self.bounds, &mut out).map_err(candle_core::Error::wrap)?;
        Ok((CpuStorage::F32(out), Shape::from((ids.len(), hidden))))
    }
}

/// Attention, projection, residual and normalization, in place on `[tokens, hidden]`.
struct Attention<'a> {
    kernels: Kernels,
    weights: AttentionWeights<'a>,
    bounds: &'a [usize],
    parts: &'a RefCell<Parts>,
}

impl InplaceOp1 for Attention<'_> {
    fn name(&self) -> &'static str {
        "portcullis-attention"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let x = rows_mut(storage, layout)?;
        self.parts
            .borrow_mut()
            .attention_block(self.kernels, &self.weights, self.bounds, x)
            .map_err(candle_core::Error::wrap)
    }
}

/// Feed-forward, residual and normalization, in place on `[tokens, hidden]`.
struct FeedForward<'a> {
    kernels: Kernels,
    weights: FeedForwardWeights<'a>,
    parts: &'a RefCell<Parts>,
}

impl InplaceOp1 for FeedForward<'_> {
    fn name(&self) -> &'static str {
        "portcullis-feed-forward"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let x = rows_mut(storage, layout)?;
        self.parts
            .borrow_mut()
            .feed_forward_block(self.kernels, &self.weights, x)
            .map_err(candle_core::Error::wrap)
    }
}

/// Hidden states `[tokens, hidden]` to one flat tensor: all pooled states, then all logits.
struct Pool<'a> {
    kernels: Kernels,
    weights: HeadWeights<'a>,
    bounds: &'a [usize],
    parts: &'a RefCell<Parts>,
}

impl CustomOp1 for Pool<'_> {
    fn name(&self) -> &'static str {
        "portcullis-pool"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let x = rows(storage.as_slice::<f32>()?, layout)?;
        let (hidden, heads) = (self.weights.hidden(), self.weights.len());
        let sequences = self.bounds.len().saturating_sub(1);
        let mut out = vec![0.0; sequences * (hidden + heads)];
        let (pooled, logits) = out.split_at_mut(sequences * hidden);
        let mut parts = self.parts.borrow_mut();
        self.kernels
            .pool_heads(&self.weights, self.bounds, x, pooled, logits, None, parts.scratch())
            .map_err(candle_core::Error::wrap)?;
        let width = out.len();
        Ok((CpuStorage::F32(out), Shape::from(width)))
    }
}

pub(super) fn embed(kernels: Kernels, pass: &Pass<'_>, ids: &Tensor) -> Result<Tensor, EncodeError> {
    let weights = pass.weights.embeddings()?;
    Ok(ids.apply_op1_no_bwd(&Embed { kernels, weights, bounds: pass.bounds })?)
}

pub(super) fn attention(
    kernels: Kernels,
    pass: &Pass<'_>,
    layer: usize,
    x: Tensor,
) -> Result<Tensor, EncodeError> {
    let weights = layer_weights(pass.weights.attention(layer), layer)?;
    x.inplace_op1(&Attention { kernels, weights, bounds: pass.bounds, parts: pass.parts })?;
    Ok(x)
}

pub(super) fn feed_forward(
    kernels: Kernels,
    pass: &Pass<'_>,
    layer: usize,
    x: Tensor,
) -> Result<Tensor, EncodeError> {
    let weights = layer_weights(pass.weights.feed_forward(layer), layer)?;
    x.inplace_op1(&FeedForward { kernels, weights, parts: pass.parts })?;
    Ok(x)
}

/// What the exit after `layers` layers says, or without `layers` the model's own heads.
pub(super) fn pool(
    kernels: Kernels,
    pass: &Pass<'_>,
    x: &Tensor,
    layers: Option<usize>,
) -> Result<Option<Encoded>, EncodeError> {
    let weights = match layers {
        None => pass.weights.heads()?,
        Some(layers) => match pass.weights.exit(layers) {
            Some(weights) => weights?,
            None => return Ok(None),
        },
    };
    let (hidden, heads) = (weights.hidden(), weights.len());
    let sequences = pass.bounds.len().saturating_sub(1);
    let both = x.apply_op1_no_bwd(&Pool { kernels, weights, bounds: pass.bounds, parts: pass.parts })?;
    Ok(Some(Encoded {
        pooled: both.narrow(0, 0, sequences * hidden)?.reshape((sequences, hidden))?,
        logits: both.narrow(0, sequences * hidden, sequences * heads)?.reshape((sequences, heads))?,
    }))
}

fn layer_weights<T>(weights: Option<Result<T, ShapeError>>, layer: usize) -> Result<T, EncodeError> {
    match weights {
        Some(weights) => Ok(weights?),
        None => Err(candle_core::Error::Msg(format!("no layer {layer}")).into()),
    }
}

fn rows<'s, T>(data: &'s [T], layout: &Layout) -> candle_core::Result<&'s [T]> {
    layout.contiguous_offsets().and_then(|(start, end)| data.get(start..end)).ok_or_else(not_contiguous)
}

fn rows_mut<'s>(storage: &'s mut CpuStorage, layout: &Layout) -> candle_core::Result<&'s mut [f32]> {
    let CpuStorage::F32(data) = storage else {
        return Err(candle_core::Error::Msg("hidden states must be f32".to_owned()));
    };
    layout.contiguous_offsets().and_then(|(start, end)| data.get_mut(start..end)).ok_or_else(not_contiguous)
}

fn not_contiguous() -> candle_core::Error {
    candle_core::Error::Msg("an int8 block needs contiguous rows".to_owned())
}
