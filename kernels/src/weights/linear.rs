//! A quantized linear layer in the packed layout that every level multiplies from.

use std::fmt;

use crate::error::ShapeError;
use crate::isa::{LANES, WeightGroup};

/// Most steps along `k` for which the exact sum of u8 by i8 products fits an i32.
const LARGEST_K: usize = 65_536;

/// An int8 linear layer `y = W x + b` of `n` outputs and `k` inputs, in the layout `n16k4`.
///
/// `W[n][k]` is approximately `q[n][k] * scale[n] * input[k]`: an input is multiplied by its `input[k]` before it is
/// quantized, which brings inputs of unlike sizes to one (SmoothQuant: Xiao et al. 2023, arXiv 2211.10438). The codes are stored in panels of 16 outputs and groups of four
/// inputs, `packed[n / 16][k / 4][16][4]`: 64 bytes are one 512-bit, two 256-bit or four 128-bit vectors, and every
/// level computes from them as they lie. No alignment is needed; 64 bytes is fastest.
///
/// # The bound
///
/// In each output's run of eight inputs `k = 8j..8j + 8`, the four with `k % 4 < 2` are one quad and the other four are
/// one; at the end of an uneven number of groups, two inputs are. The positive codes of a quad sum to at most 128, and
/// the negative ones to at least -128. A quad's product with u8 codes then fits 16 bits, 255 * 128 = 32,640, and AVX2
/// multiplies with half the instructions. [`Kernels::keeps_bound`](crate::Kernels::keeps_bound)
/// says whether codes do.
#[derive(Clone, Copy)]
pub struct PackedLinear<'a> {
    q: &'a [WeightGroup],
    scale: &'a [[f32; LANES]],
    bias: &'a [[f32; LANES]],
    sum: &'a [[i32; LANES]],
    input: &'a [f32],
    n: usize,
    k: usize,
}

/// One panel of a linear layer: 16 output channels.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'a> {
    pub(crate) groups: &'a [WeightGroup],
    pub(crate) scale: &'a [f32; LANES],
    pub(crate) bias: &'a [f32; LANES],
    pub(crate) sum: &'a [i32; LANES],
}

impl<'a> PackedLinear<'a> {
    /// A view of a layer's parts: `q` has `n * k` codes in the packed layout; `scale`, `bias` and `sum` have `n`
    /// elements, where `sum[n]` is the sum of `q[n][k]` over `k`; `input` has `k` elements.
    ///
    /// `sum` and the bound are taken as given. Wrong sums give wrong outputs, the same on every level, codes beyond the
    /// bound give wrong outputs at some levels, and nothing worse.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] when `n` is no positive multiple of 16, `k` no positive multiple of 4 or above 65,536 (where
    /// an i32 sum could overflow), or a slice's length does not fit.
    pub fn new(
        q: &'a [i8],
        scale: &'a [f32],
        bias: &'a [f32],
        sum: &'a [i32],
        input: &'a [f32],
        n: usize,
        k: usize,
    ) -> Result<Self, ShapeError> {
        ShapeError::multiple("linear n", n, LANES)?;
        ShapeError::multiple("linear k", k, 4)?;
        if k > LARGEST_K {
            return Err(ShapeError::TooLarge { what: "linear k", found: k, limit: LARGEST_K });
        }
        ShapeError::length("linear q", q.len(), n.saturating_mul(k))?;
        ShapeError::length("linear scale", scale.len(), n)?;
        ShapeError::length("linear bias", bias.len(), n)?;
        ShapeError::length("linear sum", sum.len(), n)?;
        ShapeError::length("linear input", input.len(), k)?;
        Ok(Self {
            q: q.as_chunks().0,
            scale: scale.as_chunks().0,
            bias: bias.as_chunks().0,
            sum: sum.as_chunks().0,
            input,
            n,
            k,
        })
    }

    /// The number of outputs.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// The number of inputs.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// The input scales, one for each of `k` inputs.
    pub(crate) fn input(&self) -> &'a [f32] {
        self.input
    }

    /// The weights of at most `count` panels from number `panel` on, as they lie; none where there are none.
    #[inline(always)]
    pub(crate) fn weights_from(&self, panel: usize, count: usize) -> &'a [WeightGroup] {
        let groups = self.k / 4;
        let rest = self.q.get(panel * groups..).unwrap_or(&[]);
        rest.get(..count * groups).unwrap_or(rest)
    }

    /// The panels in order.
    #[inline(always)]
    pub(crate) fn panels(&self) -> impl ExactSizeIterator<Item = Panel<'a>> + Clone {
        self.q
            .chunks_exact(self.k / 4)
            .zip(self.scale)
            .zip(self.bias)
            .zip(self.sum)
            .map(|(((groups, scale), bias), sum)| Panel { groups, scale, bias, sum })
    }
}

impl fmt::Debug for PackedLinear<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedLinear").field("n", &self.n).field("k", &self.k).finish()
    }
}

/// Where the code of output `n` and input `k` lies in the packed layout of a layer with `inputs` inputs.
///
/// For exporters and tests; `inputs` must be a multiple of 4 for the positions to be distinct.
#[must_use]
pub fn packed_position(n: usize, k: usize, inputs: usize) -> usize {
    (n / LANES) * LANES * inputs + (k / 4) * (4 * LANES) + (n % LANES) * 4 + k % 4
}
