//! The int8 tile by `sdot`: four products of a code less 128 and a weight straight into the channel's i32 lane.
//!
//! Codes and sums are those of plain NEON. The sums of a tile begin at 128 times those of the weights, which a pass of
//! the same instruction over the panel gives.

#![expect(clippy::indexing_slicing, reason = "panel numbers are below the length of the array")]

use std::arch::aarch64::*;
use std::arch::asm;

use super::NeonDotprod;
use crate::isa::{CodeGroup, WeightGroup};
use crate::neon::{I32x16, load};
pub(super) use crate::neon::{centre, encode, floats, narrow, pack, whole};

#[inline(always)]
pub(super) fn dot<const R: usize, const P: usize>(
    isa: NeonDotprod,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    let mut sums = [[[nothing(isa); 4]; P]; R];
    for (p, panel) in panels.iter().enumerate() {
        let offset = offset(isa, panel);
        sums.iter_mut().for_each(|sums| sums[p] = offset);
        for (weights, group) in panel.iter().zip(rows) {
            let weights = load(isa.into(), weights);
            for (sums, codes) in sums.iter_mut().zip(group) {
                for (sum, weights) in sums[p].iter_mut().zip(weights) {
                    // SAFETY: the token proves `dotprod`.
                    *sum = unsafe { sdot(*sum, weights, *codes) };
                }
            }
        }
    }
    sums.map(|sums| sums.map(|sums| I32x16::new(isa.into(), sums)))
}

/// 128 times the sum of each channel's weights.
#[inline(always)]
fn offset(isa: NeonDotprod, panel: &[WeightGroup]) -> [int32x4_t; 4] {
    let mut sums = [nothing(isa); 4];
    for weights in panel {
        for (sum, weights) in sums.iter_mut().zip(load(isa.into(), weights)) {
            // SAFETY: the token proves `dotprod`. Read as i8, the codes are -128.
            *sum = unsafe { sdot(*sum, weights, [0x80; 4]) };
        }
    }
    // SAFETY: the token proves NEON.
    sums.map(|sum| unsafe { vnegq_s32(sum) })
}

#[inline(always)]
fn nothing(_: NeonDotprod) -> int32x4_t {
    // SAFETY: the token proves NEON.
    unsafe { vdupq_n_s32(0) }
}

/// Adds to each lane of `sum` the dot product of its four weights and the four codes.
///
/// Stands for `vdotq_laneq_s32`, which is not stable. The codes come as the lowest lane of a register, which one plain
/// load fills, and not as copies in all lanes.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot(sum: int32x4_t, weights: int8x16_t, codes: [u8; 4]) -> int32x4_t {
    let mut sum = sum;
    // SAFETY: the function's features hold `sdot`, which reads and writes its registers only.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {weights:v}.16b, {codes:v}.4b[0]",
            sum = inout(vreg) sum,
            weights = in(vreg) weights,
            codes = in(vreg) f32::from_bits(u32::from_le_bytes(codes)),
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}
