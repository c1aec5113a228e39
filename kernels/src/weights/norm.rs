//! The parameters of a layer normalisation.

use std::fmt;

use crate::error::ShapeError;
use crate::isa::LANES;

/// A layer normalisation over the hidden width: `y = (x - mean) / sqrt(variance + eps) * weight + bias`.
#[derive(Clone, Copy)]
pub struct Norm<'a> {
    weight: &'a [[f32; LANES]],
    bias: &'a [[f32; LANES]],
    eps: f32,
}

impl<'a> Norm<'a> {
    /// A view of the parameters; both slices have the hidden width, a positive multiple of 16.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] when the width is no such multiple, the lengths differ, or `eps` is negative or not finite.
    pub fn new(weight: &'a [f32], bias: &'a [f32], eps: f32) -> Result<Self, ShapeError> {
        ShapeError::multiple("norm width", weight.len(), LANES)?;
        ShapeError::length("norm bias", bias.len(), weight.len())?;
        if !(eps.is_finite() && eps >= 0.0) {
            return Err(ShapeError::Epsilon { found: eps });
        }
        Ok(Self { weight: weight.as_chunks().0, bias: bias.as_chunks().0, eps })
    }

    /// The width of the rows that are normalised.
    #[must_use]
    pub fn width(&self) -> usize {
        self.weight.len() * LANES
    }

    /// What is added to the variance.
    #[must_use]
    pub fn eps(&self) -> f32 {
        self.eps
    }

    #[inline(always)]
    pub(crate) fn weight(&self) -> &'a [[f32; LANES]] {
        self.weight
    }

    #[inline(always)]
    pub(crate) fn bias(&self) -> &'a [[f32; LANES]] {
        self.bias
    }
}

impl fmt::Debug for Norm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Norm").field("width", &self.width()).field("eps", &self.eps).finish()
    }
}
