//! The int8 tile by `usmmla`: two rows of eight u8 codes by two channels of eight i8 weights, straight into four i32.
//!
//! Eight steps are two groups, so two groups of weights, and of codes, are interleaved first; that costs the weights
//! eight instructions for all rows of the tile. A group without a partner gets zeros for one.

#![expect(
    clippy::indexing_slicing,
    reason = "row and register numbers are below the lengths of their arrays"
)]

use std::arch::aarch64::*;
use std::arch::asm;
use std::array::from_fn;

use super::NeonI8mm;
use crate::isa::{CodeGroup, WeightGroup};
use crate::neon::{F32x16, I32x16, Neon, encode_flipped};
pub(super) use crate::neon::{centre, floats, narrow, pack, whole};

#[inline(always)]
pub(super) fn encode(isa: Neon, scaled: F32x16, zero: i32) -> [CodeGroup; 4] {
    encode_flipped(isa, scaled, zero, 0)
}

#[inline(always)]
pub(super) fn dot<const R: usize, const P: usize>(
    isa: NeonI8mm,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    let mut sums = [[I32x16::zero(isa.into()); P]; R];
    // Loops, where closures would read better: one as large as a tile is not inlined into the instruction set.
    for (p, panel) in panels.iter().enumerate() {
        let tile = tile(isa, panel, rows);
        for (r, sums) in sums.iter_mut().enumerate() {
            sums[p] = row(isa, &tile[r / 2], r % 2);
        }
    }
    sums
}

/// Two rows by two channels of sums, for each pair of channels.
type RowPair = [int32x4_t; 8];

/// The sums of `R` rows by one panel, two rows in each element from the first one on.
#[inline(always)]
fn tile<const R: usize>(isa: NeonI8mm, panel: &[WeightGroup], rows: &[[CodeGroup; R]]) -> [RowPair; R] {
    // SAFETY: the token proves NEON.
    let nothing = unsafe { vdupq_n_s32(0) };
    let mut sums = [[nothing; 8]; R];
    let (weights, last_weights) = panel.as_chunks();
    let (codes, last_codes) = rows.as_chunks();
    for ([first, second], codes) in weights.iter().zip(codes) {
        step(isa, &mut sums, [first, second], codes);
    }
    if let ([weights], [codes]) = (last_weights, last_codes) {
        step(isa, &mut sums, [weights, &[0; 64]], &[*codes, [[0; 4]; R]]);
    }
    sums
}

/// One row of a pair.
#[inline(always)]
fn row(isa: NeonI8mm, pair: &RowPair, which: usize) -> I32x16 {
    // SAFETY: the token proves NEON.
    let join = |first: int32x4_t, second: int32x4_t| unsafe {
        let (first, second) = (vreinterpretq_s64_s32(first), vreinterpretq_s64_s32(second));
        let joined = if which == 0 { vzip1q_s64(first, second) } else { vzip2q_s64(first, second) };
        vreinterpretq_s32_s64(joined)
    };
    I32x16::new(isa.into(), from_fn(|i| join(pair[2 * i], pair[2 * i + 1])))
}

/// Adds the products of two groups.
#[inline(always)]
fn step<const R: usize>(
    isa: NeonI8mm,
    sums: &mut [RowPair; R],
    weights: [&WeightGroup; 2],
    codes: &[[[u8; 4]; R]; 2],
) {
    let [first, second] = weights.map(|weights| weights.as_chunks::<16>().0);
    for (q, (first, second)) in first.iter().zip(second).enumerate() {
        // SAFETY: the token proves NEON, and the array's 16 bytes are readable; no alignment is needed.
        let first = unsafe { vld1q_s8(first.as_ptr()) };
        // SAFETY: the token proves NEON, and the array's 16 bytes are readable; no alignment is needed.
        let second = unsafe { vld1q_s8(second.as_ptr()) };
        // SAFETY: the token proves NEON.
        let (low, high) = unsafe {
            let (first, second) = (vreinterpretq_s32_s8(first), vreinterpretq_s32_s8(second));
            let (low, high) = (vzip1q_s32(first, second), vzip2q_s32(first, second));
            (vreinterpretq_s8_s32(low), vreinterpretq_s8_s32(high))
        };
        for (pair, sums) in sums.iter_mut().enumerate().take(R.div_ceil(2)) {
            let codes = two_rows(isa, codes, pair);
            // SAFETY: the token proves `i8mm`.
            sums[2 * q] = unsafe { usmmla(sums[2 * q], codes, low) };
            // SAFETY: the token proves `i8mm`.
            sums[2 * q + 1] = unsafe { usmmla(sums[2 * q + 1], codes, high) };
        }
    }
}

/// Eight codes of row `2 * pair`, then eight of the next row, which are zeros after the last one.
#[inline(always)]
fn two_rows<const R: usize>(_: NeonI8mm, codes: &[[[u8; 4]; R]; 2], pair: usize) -> uint8x16_t {
    let [first, second] = codes;
    let (first, second) = (eight_bytes(first, 2 * pair), eight_bytes(second, 2 * pair));
    // SAFETY: the token proves NEON.
    unsafe {
        let (first, second) = (vcreate_u32(first), vcreate_u32(second));
        let (first, second) = (vcombine_u32(first, first), vcombine_u32(second, second));
        vreinterpretq_u8_u32(vzip1q_u32(first, second))
    }
}

/// A group's codes of row `r` and, where there is one, the next row.
#[inline(always)]
fn eight_bytes<const R: usize>(group: &[[u8; 4]; R], r: usize) -> u64 {
    let next = if r + 1 < R { u32::from_le_bytes(group[r + 1]) } else { 0 };
    u64::from(u32::from_le_bytes(group[r])) | u64::from(next) << 32
}

/// Adds to lane `2 r + c` of `sum` the dot product of row `r`'s eight codes and channel `c`'s eight weights.
///
/// Stands for `vusmmlaq_s32`, which is not stable. Not `pure`: the loads of the weights then stay between the products
/// that they are for, where a tile of six rows leaves registers for them.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn usmmla(sum: int32x4_t, codes: uint8x16_t, weights: int8x16_t) -> int32x4_t {
    let mut sum = sum;
    // SAFETY: the function's features hold `usmmla`, which reads and writes its registers only.
    unsafe {
        asm!(
            "usmmla {sum:v}.4s, {codes:v}.16b, {weights:v}.16b",
            sum = inout(vreg) sum,
            codes = in(vreg) codes,
            weights = in(vreg) weights,
            options(nomem, nostack, preserves_flags),
        );
    }
    sum
}
