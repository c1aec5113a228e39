//! The feed-forward block: `x ← norm(x + output(gelu(input(x))))`.

use super::linear::{Multiply, linear};
use super::norm::AddNorm;
use super::quantize::GeluQuantize;
use crate::isa::{Isa, LANES};
use crate::scratch::{Scratch, take_blocks};
use crate::weights::layer::FeedForwardWeights;

/// Rows that go through the block together, so that the inner activations stay in the second cache.
const GROUP_ROWS: usize = 96;

/// Runs the block on whole rows.
pub(crate) fn feed_forward_block<I: Isa>(
    isa: I,
    weights: &FeedForwardWeights<'_>,
    x: &mut [f32],
    scratch: &mut Scratch,
) {
    let (hidden, inner) = (weights.hidden(), weights.inner());
    for x in x.chunks_mut(GROUP_ROWS * hidden) {
        let wide = take_blocks(&mut scratch.wide, x.len() / hidden * inner / LANES).as_flattened_mut();
        let out = take_blocks(&mut scratch.rows, x.len() / LANES).as_flattened_mut();
        let codes = I::codes(&mut scratch.codes);
        linear(isa, &weights.input, x, wide, codes);
        isa.run(GeluQuantize { x: wide, k: inner, codes });
        isa.run(Multiply { linear: &weights.output, codes, out });
        isa.run(AddNorm { x, y: out, norm: &weights.norm });
    }
}
