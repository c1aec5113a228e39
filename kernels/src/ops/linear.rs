//! The int8 linear layer: exact i32 sums, then one f32 step.
//!
//! `y = (Σ code * q - zero * sum) * (scale_of_row * scale_of_channel) + bias`, the last two operations fused.
//!
//! A panel of 16 channels (or two) stays in the first cache while all rows pass it, block by block.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use super::quantize::Quantize;
use super::tiles::{blocks, with_rows};
use crate::isa::{Isa, LANES, Lanes, Task};
use crate::scratch::{Codes, Step};
use crate::weights::linear::{PackedLinear, Panel};

/// `out ← linear(x)`, row by row; `x` has `k` and `out` has `n` elements a row.
pub(crate) fn linear<I: Isa>(
    isa: I,
    linear: &PackedLinear<'_>,
    x: &[f32],
    out: &mut [f32],
    codes: &mut Codes<I::Group>,
) {
    isa.run(Quantize { x, k: linear.k(), codes });
    isa.run(Multiply { linear, codes, out });
}

/// Multiplies as many quantized rows as `out` has.
pub(crate) struct Multiply<'a, I: Isa> {
    pub(crate) linear: &'a PackedLinear<'a>,
    pub(crate) codes: &'a Codes<I::Group>,
    pub(crate) out: &'a mut [f32],
}

impl<I: Isa> Task<I> for Multiply<'_, I> {
    type Output = ();

    #[inline(always)]
    fn run(mut self, isa: I) {
        let mut panels = self.linear.panels();
        let mut column = 0;
        if I::TILE_PANELS == 2 {
            while panels.len() >= 2 {
                if let (Some(first), Some(second)) = (panels.next(), panels.next()) {
                    self.columns(isa, [first, second], column);
                }
                column += 2 * LANES;
            }
        }
        for panel in panels {
            self.columns(isa, [panel], column);
            column += LANES;
        }
    }
}

impl<I: Isa> Multiply<'_, I> {
    /// All rows of the panels' columns, which begin at `column`.
    #[inline(always)]
    fn columns<const P: usize>(&mut self, isa: I, panels: [Panel<'_>; P], column: usize) {
        let n = self.linear.n();
        let groups = self.linear.k() / 4;
        let rows = self.out.len() / n;
        for block in blocks(rows, I::TILE_ROWS) {
            let codes = &self.codes.groups[block.start * groups..block.end * groups];
            let steps = &self.codes.steps[block.clone()];
            let out = &mut self.out[block.start * n..block.end * n];
            with_rows!(block.len(), I::TILE_ROWS, R => {
                let sums = isa.dot::<R, P>(panels.map(|panel| panel.groups), codes.as_chunks().0);
                finish(isa, sums, panels, steps, out, n, column);
            });
        }
    }
}

/// From the exact sums of `R` rows by `P` panels to their outputs.
#[inline(always)]
fn finish<I: Isa, const R: usize, const P: usize>(
    isa: I,
    sums: [[I::Sums; P]; R],
    panels: [Panel<'_>; P],
    steps: &[Step],
    out: &mut [f32],
    n: usize,
    column: usize,
) {
    for ((sums, step), out) in sums.into_iter().zip(steps).zip(out.chunks_exact_mut(n)) {
        let out = out[column..][..P * LANES].as_chunks_mut().0;
        for ((sums, panel), out) in sums.into_iter().zip(panels).zip(out) {
            let scale = isa.splat(step.scale).mul(isa.load(panel.scale));
            let centred = isa.centre(sums, step.zero, panel.sum);
            centred.mul_add(scale, isa.load(panel.bias)).store(out);
        }
    }
}
