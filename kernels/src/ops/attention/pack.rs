//! One head's keys and values as int8 weights, and the symmetric scales of queries, keys and values.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use crate::isa::{Isa, LANES, Lanes, WeightGroup};
use crate::ops::quantize::SMALLEST_RANGE;
use crate::weights::layer::WIDEST_HEAD;

/// The code of 0 in a query.
pub(super) const QUERY_ZERO: i32 = 128;

/// The scale that takes `-largest..=largest` to `-127..=127`, and its inverse. Values that are not all finite get
/// a scale of NaN, which everything made of them inherits.
#[inline(always)]
fn symmetric(largest: f32, finite: bool) -> (f32, f32) {
    if !finite || !largest.is_finite() {
        (f32::NAN, 0.0)
    } else if largest < SMALLEST_RANGE {
        (0.0, 0.0)
    } else {
        (largest / 127.0, 127.0 / largest)
    }
}

/// The largest size in each lane, and in each 0 or, when a value was not finite, NaN.
#[inline(always)]
fn sizes<'a, I: Isa>(isa: I, chunks: impl Iterator<Item = &'a [f32; LANES]>) -> (I::Lanes, I::Lanes) {
    let nothing = isa.splat(0.0);
    let (mut largest, mut finite) = (nothing, nothing);
    for chunk in chunks {
        let x = isa.load(chunk);
        largest = largest.max(x).max(nothing.sub(x));
        // 0 times a NaN or an infinity is NaN, and stays.
        finite = x.mul_add(nothing, finite);
    }
    (largest, finite)
}

/// [`symmetric`] of a row.
#[inline(always)]
pub(super) fn symmetric_of<'a, I: Isa>(isa: I, row: impl Iterator<Item = &'a [f32; LANES]>) -> (f32, f32) {
    let (largest, finite) = sizes(isa, row);
    symmetric(largest.largest(), finite.sum() == 0.0)
}

/// Quantizes the keys of one head as the weights of a linear layer with one channel a token.
#[inline(always)]
pub(super) fn pack_keys<'a, I: Isa>(
    isa: I,
    rows: impl Iterator<Item = impl Iterator<Item = &'a [f32; LANES]> + Clone>,
    keys: &mut [WeightGroup],
    scales: &mut [[f32; LANES]],
) {
    let groups = keys.len() / scales.len();
    if let (Some(keys), Some(scales)) = (keys.chunks_exact_mut(groups).next_back(), scales.last_mut()) {
        keys.fill([0; 64]);
        *scales = [0.0; LANES];
    }
    for (token, row) in rows.enumerate() {
        let (block, lane) = (token / LANES, token % LANES);
        let (scale, inverse) = symmetric_of(isa, row.clone());
        scales[block][lane] = scale;
        let inverse = isa.splat(inverse);
        let groups = keys[block * groups..][..groups].chunks_exact_mut(4);
        for (chunk, groups) in row.zip(groups) {
            let codes = isa.narrow(isa.load(chunk).mul(inverse));
            for (group, codes) in groups.iter_mut().zip(codes.as_chunks::<4>().0) {
                group.as_chunks_mut::<4>().0[lane] = *codes;
            }
        }
    }
}

/// What the offset of the queries' codes adds to the products with each key.
#[inline(always)]
pub(super) fn shift_keys<I: Isa>(isa: I, keys: &[WeightGroup], shifts: &mut [[f32; LANES]]) {
    let groups = keys.len() / shifts.len();
    let [one, ..] = isa.encode(isa.splat(1.0), 0);
    let ones = [[one]; WIDEST_HEAD / 4];
    for (keys, shift) in keys.chunks_exact(groups).zip(shifts) {
        let [[sums]] = isa.dot::<1, 1>([keys], &ones[..groups]);
        isa.floats(sums).mul(isa.splat(QUERY_ZERO as f32)).store(shift);
    }
}

/// Quantizes 16 elements of one head's values as the weights of a linear layer with one channel an element.
#[inline(always)]
pub(super) fn pack_values<'a, I: Isa>(
    isa: I,
    rows: impl Iterator<Item = &'a [f32; LANES]> + Clone,
    values: &mut [WeightGroup],
    scales: &mut [f32; LANES],
) {
    let (largest, finite) = sizes(isa, rows.clone());
    let mut inverses = [0.0; LANES];
    let mut sound = [0.0; LANES];
    largest.store(scales);
    finite.store(&mut sound);
    for ((scale, inverse), sound) in scales.iter_mut().zip(&mut inverses).zip(sound) {
        (*scale, *inverse) = symmetric(*scale, sound == 0.0);
    }
    let inverse = isa.load(&inverses);
    let mut rows = rows;
    for group in values {
        let mut steps = [isa.splat(0.0); 4];
        for (step, row) in steps.iter_mut().zip(&mut rows) {
            *step = isa.load(row).mul(inverse);
        }
        *group = isa.pack(steps);
    }
}
