//! The feed-forward block: `x ← norm(x + output(gelu(input(x))))`.

#![expect(clippy::indexing_slicing, reason = "blocks are within the rows")]

use super::activation::{GeluRanges, Range};
use super::linear::{Multiply, Plain};
use super::norm::AddNorm;
use super::quantize::{Quantize, QuantizeTiled};
use super::tiles::blocks;
use crate::isa::{Isa, LANES};
use crate::scratch::{Scratch, take, take_lanes};
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
    let next = weights.output.input().as_chunks().0;
    for group in blocks(x.len() / hidden, GROUP_ROWS) {
        let rows = group.len();
        let x = &mut x[group.start * hidden..group.end * hidden];
        let wide = take_lanes(&mut scratch.wide, rows * inner / LANES);
        let out = take_lanes(&mut scratch.rows, rows * hidden / LANES);
        let ranges = take(&mut scratch.ranges, rows);
        let codes = &mut scratch.codes;
        ranges.fill(Range::default());
        isa.run(Quantize { x, input: weights.input.input(), codes });
        isa.run(Multiply {
            linear: &weights.input,
            codes,
            out: wide,
            epilogue: GeluRanges { input: next, ranges },
        });
        isa.run(QuantizeTiled { x: wide, ranges, k: inner, codes });
        isa.run(Multiply { linear: &weights.output, codes, out, epilogue: Plain });
        isa.run(AddNorm { x, y: out, norm: &weights.norm });
    }
}
