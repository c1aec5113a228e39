//! What becomes of the feed-forward block's inner activations while a tile of them is near.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use super::gelu::gelu;
use super::linear::Epilogue;
use crate::isa::{Isa, LANES, Lanes, Task};

/// Between what a row's values lie, lane by lane: 0 and the values seen so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Range {
    pub(super) lo: [f32; LANES],
    pub(super) hi: [f32; LANES],
    /// 0, or NaN once a value was not finite.
    pub(super) finite: [f32; LANES],
}

/// Applies GELU to a layer's outputs and the next layer's input scales to the result, and notes each row's range.
pub(crate) struct GeluRanges<'a> {
    /// The next layer's input scales.
    pub(crate) input: &'a [[f32; LANES]],
    pub(crate) ranges: &'a mut [Range],
}

impl<I: Isa> Epilogue<I> for GeluRanges<'_> {
    #[inline(always)]
    fn finish(&mut self, isa: I, chunk: usize, row: usize, rows: usize, tile: &mut [[f32; LANES]]) {
        isa.run(GeluTile { tile, input: &self.input[chunk..], ranges: &mut self.ranges[row..row + rows] });
    }
}

/// What [`GeluRanges`] does to one tile, in a function of its own: the coefficients want the registers that the tile's sums
/// take, and would push them out.
struct GeluTile<'a> {
    tile: &'a mut [[f32; LANES]],
    input: &'a [[f32; LANES]],
    /// The ranges of the tile's rows.
    ranges: &'a mut [Range],
}

impl<I: Isa> Task<I> for GeluTile<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, isa: I) {
        let mut chunks = self.tile.chunks_exact_mut(self.ranges.len()).zip(self.input);
        while let Some((x, input)) = chunks.next() {
            match if I::CHAINS == 8 { chunks.next() } else { None } {
                Some((y, next)) => gelu_chunks(isa, [x, y], [input, next], self.ranges),
                None => gelu_chunks(isa, [x], [input], self.ranges),
            }
        }
    }
}

/// GELU and input scales of some chunks of a tile's rows, noting the rows' ranges. Four rows at once, or each step waits
/// for the one before.
#[inline(always)]
fn gelu_chunks<I: Isa, const C: usize>(
    isa: I,
    chunks: [&mut [[f32; LANES]]; C],
    inputs: [&[f32; LANES]; C],
    ranges: &mut [Range],
) {
    let inputs = inputs.map(|input| isa.load(input));
    let mut chunks = chunks.map(|chunk| chunk.as_chunks_mut::<4>());
    let (fours, rest) = ranges.as_chunks_mut::<4>();
    for (i, ranges) in fours.iter_mut().enumerate() {
        gelu_rows(isa, chunks.each_mut().map(|(fours, _)| &mut fours[i]), inputs, ranges);
    }
    for (i, range) in rest.iter_mut().enumerate() {
        let rows = chunks.each_mut().map(|(_, rest)| std::array::from_mut(&mut rest[i]));
        gelu_rows(isa, rows, inputs, std::array::from_mut(range));
    }
}

/// [`gelu_chunks`] for `N` rows.
#[inline(always)]
fn gelu_rows<I: Isa, const N: usize, const C: usize>(
    isa: I,
    mut chunks: [&mut [[f32; LANES]; N]; C],
    inputs: [I::Lanes; C],
    ranges: &mut [Range; N],
) {
    let mut y = [[isa.splat(0.0); N]; C];
    for (y, x) in y.iter_mut().zip(&chunks) {
        for (y, x) in y.iter_mut().zip(x.iter()) {
            *y = isa.load(x);
        }
    }
    let mut y = gelu(isa, y);
    for ((y, input), x) in y.iter_mut().zip(inputs).zip(&mut chunks) {
        for (y, x) in y.iter_mut().zip(x.iter_mut()) {
            *y = y.mul(input);
            y.store(x);
        }
    }
    for (r, range) in ranges.iter_mut().enumerate() {
        let [mut lo, mut hi, mut finite] = [&range.lo, &range.hi, &range.finite].map(|lanes| isa.load(lanes));
        for y in y.iter().map(|y| y[r]) {
            lo = lo.min(y);
            hi = hi.max(y);
            // An infinity or a NaN less itself is NaN, and stays.
            finite = finite.add(y.sub(y));
        }
        lo.store(&mut range.lo);
        hi.store(&mut range.hi);
        finite.store(&mut range.finite);
    }
}
