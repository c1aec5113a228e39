//! The int8 tile by 256-bit `vpdpbusd`: four products of a u8 code and an i8 weight straight into the channel's i32
//! lane.
//!
//! It is the wrapping form; `vpdpbusds` would saturate. The sums are those of AVX2, and centred as there.

#![expect(clippy::indexing_slicing, reason = "panel numbers are below the length of the array")]

use std::arch::x86_64::*;

use super::AvxVnni;
use crate::avx2::{I32x16, load};
pub(super) use crate::avx2::{centre, encode, encode_rows, encode_whole, floats, narrow, pack, whole};
use crate::isa::{CodeGroup, WeightGroup};

#[inline(always)]
pub(super) fn dot<const R: usize, const P: usize>(
    isa: AvxVnni,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    let mut sums = [[I32x16::zero(isa.into()); P]; R];
    for (p, panel) in panels.iter().enumerate() {
        for (weights, group) in panel.iter().zip(rows) {
            let (first, second) = load(isa.into(), weights);
            for (sums, codes) in sums.iter_mut().zip(group) {
                let (low, high) = sums[p].halves();
                // SAFETY: the token proves AVX-VNNI. The unsigned operand comes before the signed one.
                let (low, high) = unsafe {
                    let codes = _mm256_set1_epi32(i32::from_le_bytes(*codes));
                    let low = _mm256_dpbusd_avx_epi32(low, codes, first);
                    (low, _mm256_dpbusd_avx_epi32(high, codes, second))
                };
                sums[p] = I32x16::new(isa.into(), low, high);
            }
        }
    }
    sums
}
