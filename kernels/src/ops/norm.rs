//! Layer normalisation of a row (Ba, Kiros and Hinton, 2016), in two passes over the values.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use super::tiles::places;
use crate::isa::{Isa, LANES, Lanes, Task};
use crate::weights::norm::Norm;

/// `x ← norm(x + y)`, row by row; `y` is a tiled matrix.
pub(super) struct AddNorm<'a> {
    pub(super) x: &'a mut [f32],
    pub(super) y: &'a [[f32; LANES]],
    pub(super) norm: &'a Norm<'a>,
}

impl<I: Isa> Task<I> for AddNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, isa: I) {
        let width = self.norm.width();
        let places = places(self.x.len() / width, I::TILE_ROWS, width / LANES);
        for (x, place) in self.x.chunks_exact_mut(width).zip(places) {
            let x = x.as_chunks_mut().0;
            for (c, x) in x.iter_mut().enumerate() {
                isa.load(x).add(isa.load(&self.y[place.chunk(c)])).store(x);
            }
            normalize(isa, x, self.norm);
        }
    }
}

/// Normalises one row of the norm's width. A row whose variance overflows, or with a non-finite value, becomes NaN.
#[inline(always)]
pub(super) fn normalize<I: Isa>(isa: I, row: &mut [[f32; LANES]], norm: &Norm<'_>) {
    let count = norm.width() as f32;
    let mut sum = isa.splat(0.0);
    for chunk in row.iter() {
        sum = sum.add(isa.load(chunk));
    }
    let mean = isa.splat(sum.sum() / count);
    let mut squares = isa.splat(0.0);
    for chunk in row.iter() {
        let distance = isa.load(chunk).sub(mean);
        squares = distance.mul_add(distance, squares);
    }
    let variance = squares.sum() / count;
    let inverse = if variance.is_finite() { 1.0 / (variance + norm.eps()).sqrt() } else { f32::NAN };
    let inverse = isa.splat(inverse);
    for ((chunk, weight), bias) in row.iter_mut().zip(norm.weight()).zip(norm.bias()) {
        let unit = isa.load(chunk).sub(mean).mul(inverse);
        unit.mul_add(isa.load(weight), isa.load(bias)).store(chunk);
    }
}
