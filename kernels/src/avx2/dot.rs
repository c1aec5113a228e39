//! The int8 tiles of AVX2, both exact: by 8-bit products for weights within a bound, by 16-bit products for any.
//!
//! `vpmaddubsw` multiplies 32 codes and weights and adds them in pairs to 16 bits, where it saturates. The weights of
//! the layers are bounded so that not even two such sums can: see [`PackedLinear`](crate::PackedLinear). Two groups are
//! therefore added in 16 bits before one `vpmaddwd` by ones takes them to the channel's own i32 lane.
//!
//! For attention, whose keys and values are made as they come, low and high bytes of 16-bit lanes are multiplied apart:
//! the low bytes hold steps 0 and 2 of each channel, the high bytes steps 1 and 3, and sign-extending each in place gives
//! registers whose products with the codes `(k0, k2)` and `(k1, k3)`, added in pairs by `vpmaddwd`, fall into the
//! channel's i32 lane. There is no horizontal addition, and 255 * 128 * 2 is far from the end of an i32.

#![expect(clippy::indexing_slicing, reason = "panel numbers are below the length of the array")]

use std::arch::x86_64::*;

use super::Avx2;
use super::lanes::F32x16;
use crate::isa::{CodeGroup, LANES, WeightGroup};

/// Sixteen i32 sums: channels 0 to 7, and 8 to 15. Made only with an [`Avx2`] in hand, which it therefore proves too.
#[derive(Clone, Copy)]
pub(crate) struct I32x16(__m256i, __m256i);

impl I32x16 {
    #[inline(always)]
    pub(crate) fn new(_: Avx2, low: __m256i, high: __m256i) -> Self {
        Self(low, high)
    }

    #[inline(always)]
    pub(crate) fn zero(_: Avx2) -> Self {
        // SAFETY: the token proves AVX2.
        let nothing = unsafe { _mm256_setzero_si256() };
        Self(nothing, nothing)
    }

    #[inline(always)]
    pub(crate) fn halves(self) -> (__m256i, __m256i) {
        (self.0, self.1)
    }

    /// The sums of both.
    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        unsafe { Self(_mm256_add_epi32(self.0, other.0), _mm256_add_epi32(self.1, other.1)) }
    }
}

#[inline(always)]
pub(crate) fn encode(_: Avx2, scaled: F32x16, zero: i32) -> [CodeGroup; 4] {
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
pub(crate) fn encode_rows(isa: Avx2, scaled: [F32x16; 4], zeros: [i32; 4], to: [&mut [CodeGroup; 4]; 4]) {
    let [a, b, c, d] = scaled;
    let [i, j, k, l] = zeros;
    // SAFETY: the token proves AVX2.
    let code = |scaled: F32x16, zero: i32| unsafe {
        let (whole, zero) = (whole(isa, scaled), _mm256_set1_epi32(zero));
        I32x16(_mm256_add_epi32(whole.0, zero), _mm256_add_epi32(whole.1, zero))
    };
    encode_whole(isa, [code(a, i), code(b, j), code(c, k), code(d, l)], to);
}

/// The codes of four rows of whole numbers, clamped to `0..=255`.
#[inline(always)]
pub(crate) fn encode_whole(_: Avx2, rows: [I32x16; 4], to: [&mut [CodeGroup; 4]; 4]) {
    let [a, b, c, d] = rows;
    // Two groups of four rows. Packing clamps: to 16 bits with sign, then to 0..=255.
    // SAFETY: the token proves AVX2.
    let pack =
        |a, b, c, d| unsafe { _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)) };
    let (low, high) = (pack(a.0, b.0, c.0, d.0), pack(a.1, b.1, c.1, d.1));
    // SAFETY: the token proves AVX2.
    let quarters = unsafe {
        [
            _mm256_castsi256_si128(low),
            _mm256_extracti128_si256::<1>(low),
            _mm256_castsi256_si128(high),
            _mm256_extracti128_si256::<1>(high),
        ]
    };
    for (to, quarter) in to.into_iter().zip(quarters) {
        // SAFETY: the array's 16 bytes are writable; no alignment is needed, and SSE2 is x86-64's base.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), quarter) };
    }
}

#[inline(always)]
pub(crate) fn whole(_: Avx2, x: F32x16) -> I32x16 {
    let (low, high) = x.halves();
    // SAFETY: the token proves AVX2.
    unsafe { I32x16(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high)) }
}

#[inline(always)]
pub(crate) fn narrow(_: Avx2, scaled: F32x16) -> [i8; LANES] {
    let mut codes = [0i8; LANES];
    let (low, high) = scaled.halves();
    // SAFETY: the token proves AVX2.
    let narrowed = unsafe {
        // Packing leaves the 64-bit groups in the order 0, 2, 1, 3.
        let packed = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
        let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
        _mm_packs_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256::<1>(ordered))
    };
    // SAFETY: the array's 16 bytes are writable; no alignment is needed, and SSE2 is x86-64's base.
    unsafe { _mm_storeu_si128(codes.as_mut_ptr().cast(), narrowed) };
    codes
}

#[inline(always)]
pub(crate) fn pack(isa: Avx2, scaled: [F32x16; 4]) -> WeightGroup {
    let mut group = [0i8; 64];
    let [(a0, a1), (b0, b1), (c0, c1), (d0, d1)] =
        [scaled[0].halves(), scaled[1].halves(), scaled[2].halves(), scaled[3].halves()];
    let (first, second) = (join(isa, a0, b0, c0, d0), join(isa, a1, b1, c1, d1));
    let to = group.as_mut_ptr();
    // SAFETY: the token proves AVX2, and bytes 0 to 31 of 64 are writable; no alignment is needed.
    unsafe { _mm256_storeu_si256(to.cast(), first) };
    // SAFETY: the token proves AVX2, and bytes 32 to 63 of 64 are writable; no alignment is needed.
    unsafe { _mm256_storeu_si256(to.add(32).cast(), second) };
    group
}

/// Eight lanes of four steps, each rounded to a byte of its lane.
#[inline(always)]
fn join(_: Avx2, a: __m256, b: __m256, c: __m256, d: __m256) -> __m256i {
    // SAFETY: the token proves AVX2.
    unsafe {
        let byte = _mm256_set1_epi32(0xff);
        let (a, c) =
            (_mm256_and_si256(_mm256_cvtps_epi32(a), byte), _mm256_and_si256(_mm256_cvtps_epi32(c), byte));
        let b = _mm256_and_si256(_mm256_cvtps_epi32(b), byte);
        let low = _mm256_or_si256(a, _mm256_slli_epi32::<8>(b));
        // The upper half of a lane is cut by the shift.
        let high = _mm256_or_si256(c, _mm256_slli_epi32::<8>(_mm256_cvtps_epi32(d)));
        _mm256_or_si256(low, _mm256_slli_epi32::<16>(high))
    }
}

#[inline(always)]
pub(crate) fn floats(isa: Avx2, sums: I32x16) -> F32x16 {
    // SAFETY: the token proves AVX2.
    unsafe { F32x16::new(isa, _mm256_cvtepi32_ps(sums.0), _mm256_cvtepi32_ps(sums.1)) }
}

/// The tile for any weights.
#[inline(always)]
pub(super) fn dot<const R: usize, const P: usize>(
    isa: Avx2,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    let mut sums = [[I32x16::zero(isa); P]; R];
    for (p, panel) in panels.iter().enumerate() {
        for (weights, group) in panel.iter().zip(rows) {
            let [first_even, first_odd, second_even, second_odd] = extend(isa, weights);
            for (sums, codes) in sums.iter_mut().zip(group) {
                let sum = &mut sums[p];
                let codes = broadcast(isa, codes);
                // SAFETY: the token proves AVX2.
                unsafe {
                    let even = _mm256_and_si256(codes, _mm256_set1_epi16(0xff));
                    sum.0 = _mm256_add_epi32(sum.0, _mm256_madd_epi16(first_even, even));
                    sum.1 = _mm256_add_epi32(sum.1, _mm256_madd_epi16(second_even, even));
                    let odd = _mm256_srli_epi16::<8>(codes);
                    sum.0 = _mm256_add_epi32(sum.0, _mm256_madd_epi16(first_odd, odd));
                    sum.1 = _mm256_add_epi32(sum.1, _mm256_madd_epi16(second_odd, odd));
                }
            }
        }
    }
    sums
}

/// The tile for bounded weights.
#[inline(always)]
pub(super) fn dot_bounded<const R: usize, const P: usize>(
    isa: Avx2,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    let mut sums = [[I32x16::zero(isa); P]; R];
    let (runs, last) = rows.as_chunks::<2>();
    for (p, panel) in panels.iter().enumerate() {
        let (panel, last_weights) = panel.as_chunks::<2>();
        for ([first, second], [codes, more]) in panel.iter().zip(runs) {
            let (weights, others) = (load(isa, first), load(isa, second));
            for (sums, (codes, more)) in sums.iter_mut().zip(codes.iter().zip(more)) {
                let (codes, more) = (broadcast(isa, codes), broadcast(isa, more));
                let low = pairs(isa, codes, weights.0, more, others.0);
                sums[p].0 = accumulate(isa, sums[p].0, low);
                let high = pairs(isa, codes, weights.1, more, others.1);
                sums[p].1 = accumulate(isa, sums[p].1, high);
            }
        }
        for (weights, codes) in last_weights.iter().zip(last) {
            let weights = load(isa, weights);
            for (sums, codes) in sums.iter_mut().zip(codes) {
                let codes = broadcast(isa, codes);
                // SAFETY: the token proves AVX2.
                let (low, high) = unsafe {
                    (_mm256_maddubs_epi16(codes, weights.0), _mm256_maddubs_epi16(codes, weights.1))
                };
                sums[p].0 = accumulate(isa, sums[p].0, low);
                sums[p].1 = accumulate(isa, sums[p].1, high);
            }
        }
    }
    sums
}

/// The products of two groups, added in fours to 16 bits: two of each group.
#[inline(always)]
fn pairs(_: Avx2, codes: __m256i, weights: __m256i, more: __m256i, others: __m256i) -> __m256i {
    // SAFETY: the token proves AVX2. The unsigned operand comes before the signed one.
    unsafe { _mm256_add_epi16(_mm256_maddubs_epi16(codes, weights), _mm256_maddubs_epi16(more, others)) }
}

/// Adds 16-bit sums, two to a lane.
#[inline(always)]
fn accumulate(_: Avx2, sum: __m256i, words: __m256i) -> __m256i {
    // SAFETY: the token proves AVX2.
    unsafe { _mm256_add_epi32(sum, _mm256_madd_epi16(words, _mm256_set1_epi16(1))) }
}

#[inline(always)]
fn broadcast(_: Avx2, codes: &CodeGroup) -> __m256i {
    // SAFETY: the token proves AVX2.
    unsafe { _mm256_set1_epi32(i32::from_le_bytes(*codes)) }
}

#[inline(always)]
pub(crate) fn centre(isa: Avx2, sums: I32x16, zero: i32, column: &[i32; LANES]) -> F32x16 {
    let column = column.as_ptr();
    // SAFETY: the token proves AVX2, and elements 0 to 7 of 16 are readable; no alignment is needed.
    let first = unsafe { _mm256_loadu_si256(column.cast()) };
    // SAFETY: the token proves AVX2, and elements 8 to 15 of 16 are readable; no alignment is needed.
    let second = unsafe { _mm256_loadu_si256(column.add(8).cast()) };
    // SAFETY: the token proves AVX2.
    unsafe {
        let zero = _mm256_set1_epi32(zero);
        let first = _mm256_sub_epi32(sums.0, _mm256_mullo_epi32(zero, first));
        let second = _mm256_sub_epi32(sums.1, _mm256_mullo_epi32(zero, second));
        F32x16::new(isa, _mm256_cvtepi32_ps(first), _mm256_cvtepi32_ps(second))
    }
}

/// The weights of channels 0 to 7, and of 8 to 15.
#[inline(always)]
pub(crate) fn load(_: Avx2, weights: &WeightGroup) -> (__m256i, __m256i) {
    let weights = weights.as_ptr();
    // SAFETY: the token proves AVX2, and bytes 0 to 31 of 64 are readable; no alignment is needed.
    let first = unsafe { _mm256_loadu_si256(weights.cast()) };
    // SAFETY: the token proves AVX2, and bytes 32 to 63 of 64 are readable; no alignment is needed.
    let second = unsafe { _mm256_loadu_si256(weights.add(32).cast()) };
    (first, second)
}

/// A group of weights as four registers of 16-bit values: channels 0 to 7 at the even steps and at the odd ones, then
/// channels 8 to 15.
#[inline(always)]
fn extend(isa: Avx2, weights: &WeightGroup) -> [__m256i; 4] {
    let (first, second) = load(isa, weights);
    // SAFETY: the token proves AVX2.
    unsafe {
        [
            _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(first)),
            _mm256_srai_epi16::<8>(first),
            _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(second)),
            _mm256_srai_epi16::<8>(second),
        ]
    }
}
