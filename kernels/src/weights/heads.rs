//! The classifier heads, in f32.

use std::fmt;

use crate::error::ShapeError;
use crate::isa::LANES;

/// Heads over the final rows `x` of a sequence: each attends to the tokens with its own query, and sees the mean.
///
/// For head `h`: `a[t] = softmax over t of (x[t] · query[h])`, and
/// `logit[h] = (Σ a[t] x[t]) · weight[h] + (mean of x) · mean_weight[h] + bias[h]`.
#[derive(Clone, Copy)]
pub struct HeadWeights<'a> {
    query: &'a [[f32; LANES]],
    weight: &'a [[f32; LANES]],
    mean_weight: &'a [[f32; LANES]],
    bias: &'a [f32],
    chunks: usize,
}

/// One head's parameters.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) query: &'a [[f32; LANES]],
    pub(crate) weight: &'a [[f32; LANES]],
    pub(crate) mean_weight: &'a [[f32; LANES]],
    pub(crate) bias: f32,
}

impl<'a> HeadWeights<'a> {
    /// A view of `bias.len()` heads over rows of width `hidden`, a positive multiple of 16; the other slices have
    /// `bias.len() * hidden` elements, head by head. Any scale of the queries is already in them.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] when there is no head, the width is no such multiple, or a slice's length does not fit.
    pub fn new(
        query: &'a [f32],
        weight: &'a [f32],
        mean_weight: &'a [f32],
        bias: &'a [f32],
        hidden: usize,
    ) -> Result<Self, ShapeError> {
        ShapeError::multiple("heads", bias.len(), 1)?;
        ShapeError::multiple("hidden width", hidden, LANES)?;
        let expected = bias.len().saturating_mul(hidden);
        ShapeError::length("head query", query.len(), expected)?;
        ShapeError::length("head weight", weight.len(), expected)?;
        ShapeError::length("head mean weight", mean_weight.len(), expected)?;
        Ok(Self {
            query: query.as_chunks().0,
            weight: weight.as_chunks().0,
            mean_weight: mean_weight.as_chunks().0,
            bias,
            chunks: hidden / LANES,
        })
    }

    /// The number of heads.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bias.len()
    }

    /// Whether there is no head: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bias.is_empty()
    }

    /// The hidden width.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.chunks * LANES
    }

    /// The heads in order.
    #[inline(always)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Head<'a>> {
        self.query
            .chunks_exact(self.chunks)
            .zip(self.weight.chunks_exact(self.chunks))
            .zip(self.mean_weight.chunks_exact(self.chunks))
            .zip(self.bias)
            .map(|(((query, weight), mean_weight), &bias)| Head { query, weight, mean_weight, bias })
    }
}

impl fmt::Debug for HeadWeights<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadWeights").field("heads", &self.len()).field("hidden", &self.hidden()).finish()
    }
}
