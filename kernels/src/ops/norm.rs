//! Layer normalisation of a row (Ba, Kiros and Hinton, 2016), in two passes over the values.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use super::tiles::{Place, places};
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
        let mut places = places(self.x.len() / width, I::TILE_ROWS, width / LANES);
        let mut fours = self.x.chunks_exact_mut(4 * width);
        for rows in &mut fours {
            add_norm::<I, 4>(isa, rows, self.y, &mut places, self.norm);
        }
        for row in fours.into_remainder().chunks_exact_mut(width) {
            add_norm::<I, 1>(isa, row, self.y, &mut places, self.norm);
        }
    }
}

/// [`AddNorm`] for `N` rows, which lie at the next places of `y`. Several at once, or each sum waits for the one before.
#[inline(always)]
fn add_norm<I: Isa, const N: usize>(
    isa: I,
    x: &mut [f32],
    y: &[[f32; LANES]],
    next: &mut impl Iterator<Item = Place>,
    norm: &Norm<'_>,
) {
    let x = x.as_chunks_mut().0;
    let chunks = x.len() / N;
    let mut places = [Place::default(); N];
    for (place, next) in places.iter_mut().zip(next) {
        *place = next;
    }
    let mut sums = [isa.splat(0.0); N];
    for c in 0..chunks {
        for (r, (sum, place)) in sums.iter_mut().zip(places).enumerate() {
            let x = &mut x[r * chunks + c];
            let both = isa.load(x).add(isa.load(&y[place.chunk(c)]));
            both.store(x);
            *sum = sum.add(both);
        }
    }
    normalize(isa, x, sums, norm);
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
    let count = norm.width() as f32;
    let (mut means, mut squares) = (sums, [isa.splat(0.0); N]);
    for mean in &mut means {
        *mean = isa.splat(mean.sum() / count);
    }
    for c in 0..chunks {
        for (r, (squares, mean)) in squares.iter_mut().zip(means).enumerate() {
            let distance = isa.load(&rows[r * chunks + c]).sub(mean);
            *squares = distance.mul_add(distance, *squares);
        }
    }
    let mut inverses = squares;
    for inverse in &mut inverses {
        let variance = inverse.sum() / count;
        let finite = variance.is_finite();
        *inverse = isa.splat(if finite { 1.0 / (variance + norm.eps()).sqrt() } else { f32::NAN });
    }
    for (c, (weight, bias)) in norm.weight().iter().zip(norm.bias()).enumerate() {
        let (weight, bias) = (isa.load(weight), isa.load(bias));
        for (r, (mean, inverse)) in means.into_iter().zip(inverses).enumerate() {
            let chunk = &mut rows[r * chunks + c];
            let unit = isa.load(chunk).sub(mean).mul(inverse);
            unit.mul_add(weight, bias).store(chunk);
        }
    }
}
