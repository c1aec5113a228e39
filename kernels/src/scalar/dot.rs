//! The int8 tile, one multiplication at a time.

#![expect(
    clippy::indexing_slicing,
    reason = "lane, row and panel numbers are below the lengths of their arrays"
)]

use std::array::from_fn;

use super::lanes::F32x16;
use crate::isa::{CodeGroup, LANES, WeightGroup};

#[inline(always)]
pub(super) fn encode(scaled: F32x16, zero: i32) -> [CodeGroup; 4] {
    let codes =
        scaled.lanes().map(|value| (value.round_ties_even() as i32).saturating_add(zero).clamp(0, 255) as u8);
    from_fn(|g| from_fn(|j| codes[4 * g + j]))
}

#[inline(always)]
pub(super) fn narrow(scaled: F32x16) -> [i8; LANES] {
    scaled.lanes().map(|value| value.round_ties_even() as i8)
}

#[inline(always)]
pub(super) fn pack(scaled: [F32x16; 4]) -> WeightGroup {
    let steps = scaled.map(narrow);
    from_fn(|i| steps[i % 4][i / 4])
}

#[inline(always)]
pub(super) fn whole(x: F32x16) -> [i32; LANES] {
    x.lanes().map(|x| x.round_ties_even() as i32)
}

#[inline(always)]
pub(super) fn plus(a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
    from_fn(|i| a[i].wrapping_add(b[i]))
}

#[inline(always)]
pub(super) fn floats(sums: [i32; LANES]) -> F32x16 {
    F32x16::load(&sums.map(|sum| sum as f32))
}

#[inline(always)]
pub(super) fn dot<const R: usize, const P: usize>(
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[[i32; LANES]; P]; R] {
    let mut sums = [[[0i32; LANES]; P]; R];
    for (p, panel) in panels.iter().enumerate() {
        for (weights, group) in panel.iter().zip(rows) {
            for (r, codes) in group.iter().enumerate() {
                for (sum, weights) in sums[r][p].iter_mut().zip(weights.as_chunks::<4>().0) {
                    for (&code, &weight) in codes.iter().zip(weights) {
                        *sum = sum.wrapping_add(i32::from(code) * i32::from(weight));
                    }
                }
            }
        }
    }
    sums
}

#[inline(always)]
pub(super) fn centre(sums: [i32; LANES], zero: i32, column: &[i32; LANES]) -> F32x16 {
    F32x16::load(&from_fn(|i| sums[i].wrapping_sub(zero.wrapping_mul(column[i])) as f32))
}
