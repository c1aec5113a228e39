//! The two blocks of a transformer layer.

use crate::error::ShapeError;
use crate::isa::LANES;
use crate::weights::linear::PackedLinear;
use crate::weights::norm::Norm;

/// Most elements of an attention head.
pub(crate) const WIDEST_HEAD: usize = 256;

/// Self-attention with its projections and the normalisation after it: `x ← norm(x + output(attention(qkv(x))))`.
#[derive(Debug, Clone, Copy)]
pub struct AttentionWeights<'a> {
    pub(crate) qkv: PackedLinear<'a>,
    pub(crate) output: PackedLinear<'a>,
    pub(crate) norm: Norm<'a>,
    pub(crate) heads: usize,
}

impl<'a> AttentionWeights<'a> {
    /// A block of `heads` heads. `qkv` maps the hidden width to queries, keys and values, stacked, each of the
    /// hidden width; the factor `1 / sqrt(hidden / heads)` is already in the queries' rows.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] when the parts disagree about the hidden width, or a head's width (`hidden / heads`) is no
    /// positive multiple of 16 or above 256.
    pub fn new(
        qkv: PackedLinear<'a>,
        output: PackedLinear<'a>,
        norm: Norm<'a>,
        heads: usize,
    ) -> Result<Self, ShapeError> {
        let hidden = norm.width();
        ShapeError::equal("qkv n", qkv.n(), hidden.saturating_mul(3))?;
        ShapeError::equal("qkv k", qkv.k(), hidden)?;
        ShapeError::equal("attention output n", output.n(), hidden)?;
        ShapeError::equal("attention output k", output.k(), hidden)?;
        ShapeError::multiple("heads", heads, 1)?;
        ShapeError::multiple("hidden width", hidden, heads)?;
        ShapeError::multiple("head width", hidden / heads, LANES)?;
        if hidden / heads > WIDEST_HEAD {
            return Err(ShapeError::TooLarge {
                what: "head width",
                found: hidden / heads,
                limit: WIDEST_HEAD,
            });
        }
        Ok(Self { qkv, output, norm, heads })
    }

    /// The hidden width.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.norm.width()
    }

    /// The number of attention heads.
    #[must_use]
    pub fn heads(&self) -> usize {
        self.heads
    }
}

/// The feed-forward block with the normalisation after it: `x ← norm(x + output(gelu(input(x))))`.
#[derive(Debug, Clone, Copy)]
pub struct FeedForwardWeights<'a> {
    pub(crate) input: PackedLinear<'a>,
    pub(crate) output: PackedLinear<'a>,
    pub(crate) norm: Norm<'a>,
}

impl<'a> FeedForwardWeights<'a> {
    /// A block whose `input` maps the hidden width to an inner width and whose `output` maps it back.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] when the parts disagree about the hidden or the inner width.
    pub fn new(
        input: PackedLinear<'a>,
        output: PackedLinear<'a>,
        norm: Norm<'a>,
    ) -> Result<Self, ShapeError> {
        ShapeError::equal("feed-forward input k", input.k(), norm.width())?;
        ShapeError::equal("feed-forward output k", output.k(), input.n())?;
        ShapeError::equal("feed-forward output n", output.n(), norm.width())?;
        Ok(Self { input, output, norm })
    }

    /// The hidden width.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.norm.width()
    }

    /// The inner width.
    #[must_use]
    pub fn inner(&self) -> usize {
        self.input.n()
    }
}
