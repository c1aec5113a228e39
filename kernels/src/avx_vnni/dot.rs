//! The int8 tile by 256-bit `vpdpbusd`: four products of a u8 code and an i8 weight straight into the channel's i32
//! lane.
//!
//! It is the wrapping form; `vpdpbusds` would saturate. The sums are those of AVX2, and centred as there.

#![expect(clippy::indexing_slicing, reason = "panel numbers are below the length of the array")]

use std::arch::x86_64::*;

use super::AvxVnni;
use crate::avx2::{Avx2, F32x16, I32x16};
pub(super) use crate::avx2::{centre, floats, narrow, pack};
use crate::isa::WeightGroup;

#[inline(always)]
pub(super) fn encode(_: Avx2, scaled: F32x16, zero: i32) -> [[u8; 4]; 4] {
    let mut groups = [[0u8; 4]; 4];
    let (low, high) = scaled.halves();
    // SAFETY: the token proves AVX2.
    let codes = unsafe {
        let zero = _mm256_set1_epi32(zero);
        let low = _mm256_add_epi32(_mm256_cvtps_epi32(low), zero);
        let high = _mm256_add_epi32(_mm256_cvtps_epi32(high), zero);
        // Packing clamps: to 16 bits with sign, then to 0..=255. It leaves groups 0 and 2 low, 1 and 3 high.
        let words = _mm256_packs_epi32(low, high);
        let bytes = _mm256_packus_epi16(words, words);
        _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes))
    };
    // SAFETY: the array's 16 bytes are writable; no alignment is needed, and SSE2 is x86-64's base.
    unsafe { _mm_storeu_si128(groups.as_mut_ptr().cast(), codes) };
    groups
}

#[inline(always)]
pub(super) fn dot<const R: usize, const P: usize>(
    isa: AvxVnni,
    panels: [&[WeightGroup]; P],
    rows: &[[[u8; 4]; R]],
) -> [[I32x16; P]; R] {
    let mut sums = [[I32x16::zero(isa.into()); P]; R];
    for (p, panel) in panels.iter().enumerate() {
        for (weights, group) in panel.iter().zip(rows) {
            let (first, second) = load(isa, weights);
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

/// The weights of channels 0 to 7, and of 8 to 15.
#[inline(always)]
fn load(_: AvxVnni, weights: &WeightGroup) -> (__m256i, __m256i) {
    let weights = weights.as_ptr();
    // SAFETY: the token proves AVX2, and bytes 0 to 31 of 64 are readable; no alignment is needed.
    let first = unsafe { _mm256_loadu_si256(weights.cast()) };
    // SAFETY: the token proves AVX2, and bytes 32 to 63 of 64 are readable; no alignment is needed.
    let second = unsafe { _mm256_loadu_si256(weights.add(32).cast()) };
    (first, second)
}
