//! The int8 linear layer: exact i32 sums, then one f32 step.
//!
//! `y = (Σ code * q - zero * sum) * (scale_of_row * scale_of_channel) + bias`, the last two operations fused.
//!
//! A panel of 16 channels (or two) stays in the first cache while all rows pass it, block by block.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use std::ops::Range;

use super::quantize::Quantize;
use super::tiles::{MOST_ROWS, blocks, each_row, largest_block, with_rows};
use crate::isa::{Isa, LANES, Lanes, MatrixUnit, Task, WeightGroup};
use crate::scratch::{Codes, Step};
use crate::weights::linear::{PackedLinear, Panel};

/// What becomes of outputs while they are near.
pub(crate) trait Epilogue<I: Isa> {
    /// A finished tile: some chunks, from number `chunk` on, of the rows from `row` on, `rows` of them, as in a tiled
    /// matrix.
    fn finish(&mut self, isa: I, chunk: usize, row: usize, rows: usize, tile: &mut [[f32; LANES]]);
}

/// Outputs as they are.
pub(crate) struct Plain;

impl<I: Isa> Epilogue<I> for Plain {
    #[inline(always)]
    fn finish(&mut self, _: I, _: usize, _: usize, _: usize, _: &mut [[f32; LANES]]) {}
}

/// `out ← linear(x)`: rows of `k` elements to a tiled matrix.
pub(crate) fn linear<I: Isa>(
    isa: I,
    linear: &PackedLinear<'_>,
    x: &[f32],
    out: &mut [[f32; LANES]],
    codes: &mut Codes,
) {
    isa.run(Quantize { x, input: linear.input(), codes });
    isa.run(Multiply { linear, codes, out, epilogue: Plain });
}

/// Multiplies as many quantized rows as `out`, a tiled matrix, has.
pub(crate) struct Multiply<'a, E> {
    pub(crate) linear: &'a PackedLinear<'a>,
    pub(crate) codes: &'a Codes,
    pub(crate) out: &'a mut [[f32; LANES]],
    pub(crate) epilogue: E,
}

impl<I: Isa, E: Epilogue<I>> Task<I> for Multiply<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run(mut self, isa: I) {
        let rows = self.out.len() / (self.linear.n() / LANES);
        if let Some(unit) = isa.unit(largest_block(rows, I::TILE_ROWS)) {
            return self.by_unit(isa, &unit);
        }
        let mut panels = self.linear.panels();
        let mut chunk = 0;
        if I::TILE_PANELS == 2 {
            while panels.len() >= 2 {
                if let (Some(first), Some(second)) = (panels.next(), panels.next()) {
                    let next = match (panels.clone().next(), panels.clone().nth(1)) {
                        (Some(first), Some(second)) => [first.groups, second.groups],
                        _ => [first.groups, second.groups],
                    };
                    self.columns(isa, [first, second], next, chunk);
                }
                chunk += 2;
            }
        }
        while let Some(panel) = panels.next() {
            let next = panels.clone().next().unwrap_or(panel);
            self.columns(isa, [panel], [next.groups], chunk);
            chunk += 1;
        }
    }
}

impl<E> Multiply<'_, E> {
    /// [`Multiply`] by a matrix unit, whose sums come by memory. Each tile's sums are finished while the unit makes those
    /// of the next.
    #[inline(always)]
    fn by_unit<I: Isa>(&mut self, isa: I, unit: &I::Unit)
    where
        E: Epilogue<I>,
    {
        let groups = self.linear.k() / 4;
        let rows = self.out.len() / (self.linear.n() / LANES);
        let count = rows.div_ceil(I::TILE_ROWS);
        let (mut made, mut making) = (&mut UnitSums::default(), &mut UnitSums::default());
        let mut last: Option<UnitTile<'_>> = None;
        let mut panels = self.linear.panels();
        let mut chunk = 0;
        while let Some(first) = panels.next() {
            let second = panels.next();
            let next = self.linear.weights_from(chunk + 2, 2);
            for (i, block) in blocks(rows, I::TILE_ROWS).enumerate() {
                let codes = &self.codes.groups()[block.start * groups..];
                let share = next.len() * i / count..next.len() * (i + 1) / count;
                let weights = [first.groups, second.unwrap_or(first).groups];
                unit.multiply(weights, codes, &next[share], &mut making.0, 2);
                if let Some(tile) = last.replace(UnitTile { panels: [Some(first), second], chunk, block }) {
                    self.finish_unit(isa, unit, &made.0, tile);
                }
                (made, making) = (making, made);
            }
            chunk += 2;
        }
        if let Some(tile) = last {
            self.finish_unit(isa, unit, &made.0, tile);
        }
    }

    /// From a tile's exact sums to its outputs, and what becomes of these.
    #[inline(always)]
    fn finish_unit<I: Isa>(&mut self, isa: I, unit: &I::Unit, sums: &[[f32; LANES]], tile: UnitTile<'_>)
    where
        E: Epilogue<I>,
    {
        let UnitTile { panels, chunk, block } = tile;
        let (chunks, rows) = (self.linear.n() / LANES, block.len());
        let steps = &self.codes.steps[block.clone()];
        let count = panels.iter().flatten().count();
        let out = &mut self.out[block.start * chunks + chunk * rows..][..count * rows];
        for ((p, panel), out) in panels.into_iter().flatten().enumerate().zip(out.chunks_exact_mut(rows)) {
            let (channel, bias) = (isa.load(panel.scale), isa.load(panel.bias));
            let rows = sums[p..].iter().step_by(2).zip(steps).zip(out);
            if self.linear.k() <= SMALL_K && panel.sum.iter().all(|sum| sum.unsigned_abs() <= EXACT) {
                // Both are exact as f32, and so the fused difference is rounded once, as the exact one is.
                let column = unit.floats(panel.sum);
                for ((sums, step), out) in rows {
                    let centred = isa.splat(-step.offset).mul_add(column, isa.floats(unit.sums(sums)));
                    centred.mul_add(isa.splat(step.scale).mul(channel), bias).store(out);
                }
            } else {
                for ((sums, step), out) in rows {
                    let centred = isa.centre(unit.sums(sums), step.zero, panel.sum);
                    centred.mul_add(isa.splat(step.scale).mul(channel), bias).store(out);
                }
            }
        }
        self.epilogue.finish(isa, chunk, block.start, rows, out);
    }

    /// All rows of the panels' columns, from chunk `chunk` on; `next` are the panels that follow.
    #[inline(always)]
    fn columns<I: Isa, const P: usize>(
        &mut self,
        isa: I,
        panels: [Panel<'_>; P],
        next: [&[WeightGroup]; P],
        chunk: usize,
    ) where
        E: Epilogue<I>,
    {
        let chunks = self.linear.n() / LANES;
        let groups = self.linear.k() / 4;
        let rows = self.out.len() / chunks;
        let count = rows.div_ceil(I::TILE_ROWS);
        for (i, block) in blocks(rows, I::TILE_ROWS).enumerate() {
            let codes = &self.codes.groups()[block.start * groups..block.end * groups];
            let steps = &self.codes.steps[block.clone()];
            let out = &mut self.out[block.start * chunks + chunk * block.len()..][..P * block.len()];
            // Each block asks for its share of the next panels: all at once would hold up the first.
            let share = groups * i / count..groups * (i + 1) / count;
            let next = next.map(|panel| &panel[share.clone()]);
            with_rows!(block.len(), I::TILE_ROWS, R => {
                let weights = panels.map(|panel| panel.groups);
                let sums = isa.dot_bounded::<R, P>(weights, codes.as_chunks().0, next);
                finish(isa, sums, panels, steps, out);
            });
            self.epilogue.finish(isa, chunk, block.start, block.len(), out);
        }
    }
}

/// The sums of a block of rows and two panels, row by row.
#[repr(align(64))]
pub(super) struct UnitSums(pub(super) [[f32; LANES]; 2 * MOST_ROWS]);

impl Default for UnitSums {
    fn default() -> Self {
        Self([[0.0; LANES]; 2 * MOST_ROWS])
    }
}

/// Whole numbers up to this are exact as f32.
const EXACT: u32 = 1 << 24;
/// Most inputs for which no exact sum is above [`EXACT`]: a quad of four gives at most 255 * 128 in size.
const SMALL_K: usize = 4 * (EXACT as usize / (255 * 128));

/// A tile that a matrix unit makes: one panel or two, and a block of rows.
struct UnitTile<'a> {
    panels: [Option<Panel<'a>>; 2],
    /// The first panel's number.
    chunk: usize,
    block: Range<usize>,
}

/// From the exact sums of `R` rows by `P` panels to their outputs.
#[inline(always)]
fn finish<I: Isa, const R: usize, const P: usize>(
    isa: I,
    sums: [[I::Sums; P]; R],
    panels: [Panel<'_>; P],
    steps: &[Step],
    out: &mut [[f32; LANES]],
) {
    let (steps, out) = (&steps[..R], &mut out[..P * R]);
    each_row!(r, R => {
        let scale = isa.splat(steps[r].scale);
        for p in 0..P {
            let scale = scale.mul(isa.load(panels[p].scale));
            let centred = isa.centre(sums[r][p], steps[r].zero, panels[p].sum);
            centred.mul_add(scale, isa.load(panels[p].bias)).store(&mut out[p * R + r]);
        }
    });
}
