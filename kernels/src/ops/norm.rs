//! Layer normalisation of a row (Ba, Kiros and Hinton, 2016), in two passes over the values.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use super::tiles::blocks;
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
        let (width, chunks) = (self.norm.width(), self.norm.width() / LANES);
        for block in blocks(self.x.len() / width, I::TILE_ROWS) {
            let y = &self.y[block.start * chunks..block.end * chunks];
            let mut fours = self.x[block.start * width..block.end * width].chunks_exact_mut(4 * width);
            let mut r = 0;
            for rows in &mut fours {
                add_norm::<I, 4>(isa, rows, y, block.len(), r, self.norm);
                r += 4;
            }
            for row in fours.into_remainder().chunks_exact_mut(width) {
                add_norm::<I, 1>(isa, row, y, block.len(), r, self.norm);
                r += 1;
            }
        }
    }
}

/// [`AddNorm`] for `N` rows, those from row `r` on of a block of `count`. Several at once, or each sum waits for the one
/// before.
#[inline(always)]
fn add_norm<I: Isa, const N: usize>(
    isa: I,
    x: &mut [f32],
    y: &[[f32; LANES]],
    count: usize,
    r: usize,
    norm: &Norm<'_>,
) {
    let x = x.as_chunks_mut().0;
    let mut sums = [isa.splat(0.0); N];
    let mut rows = split::<N>(x);
    for (c, y) in y.chunks_exact(count).enumerate().take(rows[0].len()) {
        if let Some(y) = y[r..].first_chunk::<N>() {
            for ((sum, row), y) in sums.iter_mut().zip(&mut rows).zip(y) {
                let both = isa.load(&row[c]).add(isa.load(y));
                both.store(&mut row[c]);
                *sum = sum.add(both);
            }
        }
    }
    normalize(isa, x, sums, norm);
}

/// The `N` rows that make up `rows`, all of one length.
#[inline(always)]
fn split<const N: usize>(rows: &mut [[f32; LANES]]) -> [&mut [[f32; LANES]]; N] {
    let chunks = rows.len() / N;
    let mut rows = rows.chunks_exact_mut(chunks);
    std::array::from_fn(|_| &mut rows.next().unwrap_or_default()[..chunks])
}

/// Normalises `N` rows of the norm's width, given the sums of their lanes. A row whose variance overflows, or with a
/// non-finite value, becomes NaN.
#[inline(always)]
pub(super) fn normalize<I: Isa, const N: usize>(
    isa: I,
    rows: &mut [[f32; LANES]],
    sums: [I::Lanes; N],
    norm: &Norm<'_>,
) {
    let chunks = rows.len() / N;
    let mut rows = split::<N>(rows);
    let count = norm.width() as f32;
    let (mut means, mut squares) = (sums, [isa.splat(0.0); N]);
    for mean in &mut means {
        *mean = isa.splat(mean.sum() / count);
    }
    for c in 0..chunks {
        for ((squares, mean), row) in squares.iter_mut().zip(means).zip(&rows) {
            let distance = isa.load(&row[c]).sub(mean);
            *squares = distance.mul_add(distance, *squares);
        }
    }
    let mut inverses = squares;
    for inverse in &mut inverses {
        let variance = inverse.sum() / count;
        let finite = variance.is_finite();
        *inverse = isa.splat(if finite { 1.0 / (variance + norm.eps()).sqrt() } else { f32::NAN });
    }
    for (c, (weight, bias)) in norm.weight().iter().zip(norm.bias()).enumerate().take(chunks) {
        let (weight, bias) = (isa.load(weight), isa.load(bias));
        for ((row, mean), inverse) in rows.iter_mut().zip(means).zip(inverses) {
            let unit = isa.load(&row[c]).sub(mean).mul(inverse);
            unit.mul_add(weight, bias).store(&mut row[c]);
        }
    }
}
