//! The int8 tile by `vpdpbusd`: four products of a u8 code and an i8 weight straight into the channel's i32 lane.
//!
//! It is the wrapping form; `vpdpbusds` would saturate.

#![expect(clippy::indexing_slicing, reason = "the lengths are made equal before the loop")]

use std::arch::x86_64::*;

use super::Avx512Vnni;
use super::lanes::F32x16;
use crate::isa::{CodeGroup, LANES, WeightGroup};

/// Sixteen i32 sums. Made only with an [`Avx512Vnni`] in hand, which it therefore proves too.
#[derive(Clone, Copy)]
pub(crate) struct I32x16(__m512i);

impl I32x16 {
    /// The sums whose bits lie in memory.
    #[inline(always)]
    pub(crate) fn load(_: Avx512Vnni, from: &[f32; LANES]) -> Self {
        // SAFETY: the token proves AVX-512 F, and the array's 64 bytes are readable; no alignment is needed.
        Self(unsafe { _mm512_loadu_si512(from.as_ptr().cast()) })
    }

    /// The numbers in order.
    #[inline(always)]
    pub(crate) fn load_whole(_: Avx512Vnni, from: &[i32; LANES]) -> Self {
        // SAFETY: the token proves AVX-512 F, and the array's 64 bytes are readable; no alignment is needed.
        Self(unsafe { _mm512_loadu_si512(from.as_ptr().cast()) })
    }

    /// Puts the sums' bits into memory.
    #[inline(always)]
    pub(crate) fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: `self` proves AVX-512 F, and the array's 64 bytes are writable; no alignment is needed.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), self.0) };
    }

    /// The sums of both.
    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe { _mm512_add_epi32(self.0, other.0) })
    }
}

#[inline(always)]
pub(crate) fn encode(_: Avx512Vnni, scaled: F32x16, zero: i32) -> [CodeGroup; 4] {
    let mut groups = [[0u8; 4]; 4];
    // SAFETY: the token proves AVX-512 F.
    let codes = unsafe {
        let codes = _mm512_add_epi32(_mm512_cvtps_epi32(scaled.lanes()), _mm512_set1_epi32(zero));
        // The narrowing reads its input as unsigned and clamps at 255.
        _mm512_cvtusepi32_epi8(_mm512_max_epi32(codes, _mm512_setzero_si512()))
    };
    // SAFETY: the array's 16 bytes are writable; no alignment is needed, and SSE2 is x86-64's base.
    unsafe { _mm_storeu_si128(groups.as_mut_ptr().cast(), codes) };
    groups
}

/// The codes of 64 consecutive values of one row.
#[inline(always)]
pub(crate) fn encode_row(_: Avx512Vnni, scaled: [F32x16; 4], zero: i32) -> [CodeGroup; LANES] {
    let mut groups = [[0u8; 4]; LANES];
    // SAFETY: the token proves AVX-512 F and BW. Packing clamps, as in `encode_rows`, and leaves each vector's pieces of
    // four in the four quarters; the last step puts them side by side.
    let codes = unsafe {
        let zero = _mm512_set1_epi32(zero);
        let [a, b, c, d] = scaled.map(|scaled| _mm512_add_epi32(_mm512_cvtps_epi32(scaled.lanes()), zero));
        let mixed = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        _mm512_permutexvar_epi32(order, mixed)
    };
    // SAFETY: the token proves AVX-512 F, and the array's 64 bytes are writable; no alignment is needed.
    unsafe { _mm512_storeu_si512(groups.as_mut_ptr().cast(), codes) };
    groups
}

#[inline(always)]
pub(super) fn encode_rows(
    isa: Avx512Vnni,
    scaled: [F32x16; 4],
    zeros: [i32; 4],
    to: [&mut [CodeGroup; 4]; 4],
) {
    let [a, b, c, d] = scaled;
    let [i, j, k, l] = zeros;
    // SAFETY: the token proves AVX-512 F.
    let code = |scaled: F32x16, zero: i32| unsafe {
        I32x16(_mm512_add_epi32(whole(isa, scaled).0, _mm512_set1_epi32(zero)))
    };
    encode_whole(isa, [code(a, i), code(b, j), code(c, k), code(d, l)], to);
}

/// The codes of four rows of whole numbers, clamped to `0..=255`.
#[inline(always)]
pub(super) fn encode_whole(isa: Avx512Vnni, rows: [I32x16; 4], to: [&mut [CodeGroup; 4]; 4]) {
    let [a, b, c, d] = rows;
    // SAFETY: the token proves AVX-512 F and BW. Packing clamps, to 16 bits with sign and then to 0..=255, and leaves the
    // rows' pieces of one group beside each other.
    let codes = unsafe { _mm512_packus_epi16(_mm512_packs_epi32(a.0, b.0), _mm512_packs_epi32(c.0, d.0)) };
    store_quarters(isa, codes, to);
}

/// Puts each quarter of a vector into a place of its own.
#[inline(always)]
fn store_quarters<T>(_: Avx512Vnni, codes: __m512i, to: [&mut [[T; 4]; 4]; 4]) {
    const { assert!(size_of::<T>() == 1, "a quarter has 16 bytes") }
    // SAFETY: the token proves AVX-512 F.
    let quarters = unsafe {
        [
            _mm512_castsi512_si128(codes),
            _mm512_extracti32x4_epi32::<1>(codes),
            _mm512_extracti32x4_epi32::<2>(codes),
            _mm512_extracti32x4_epi32::<3>(codes),
        ]
    };
    for (to, quarter) in to.into_iter().zip(quarters) {
        // SAFETY: the array's 16 bytes are writable, and hold any bits; no alignment is needed, and SSE2 is x86-64's base.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), quarter) };
    }
}

#[inline(always)]
pub(crate) fn whole(_: Avx512Vnni, x: F32x16) -> I32x16 {
    // SAFETY: the token proves AVX-512 F.
    I32x16(unsafe { _mm512_cvtps_epi32(x.lanes()) })
}

#[inline(always)]
pub(crate) fn narrow(_: Avx512Vnni, scaled: F32x16) -> [i8; LANES] {
    let mut codes = [0i8; LANES];
    // SAFETY: the token proves AVX-512 F.
    let narrowed = unsafe { _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(scaled.lanes())) };
    // SAFETY: the array's 16 bytes are writable; no alignment is needed, and SSE2 is x86-64's base.
    unsafe { _mm_storeu_si128(codes.as_mut_ptr().cast(), narrowed) };
    codes
}

#[inline(always)]
pub(crate) fn narrow_rows(isa: Avx512Vnni, scaled: [F32x16; 4], to: [&mut [[i8; 4]; 4]; 4]) {
    let [a, b, c, d] = scaled;
    // SAFETY: the token proves AVX-512 F and BW. Packing leaves the rows' pieces of one group beside each other.
    let codes = unsafe {
        let low = _mm512_packs_epi32(whole(isa, a).0, whole(isa, b).0);
        _mm512_packs_epi16(low, _mm512_packs_epi32(whole(isa, c).0, whole(isa, d).0))
    };
    store_quarters(isa, codes, to);
}

#[inline(always)]
pub(crate) fn pack(_: Avx512Vnni, scaled: [F32x16; 4]) -> WeightGroup {
    let mut group = [0i8; 64];
    // SAFETY: the token proves AVX-512 F and BW. Packing leaves four lanes of each step in each quarter, step by step; the
    // last step puts each lane's four side by side.
    let packed = unsafe {
        let [a, b, c, d] = scaled.map(|scaled| _mm512_cvtps_epi32(scaled.lanes()));
        let codes = _mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
        let order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        _mm512_shuffle_epi8(codes, _mm512_broadcast_i32x4(order))
    };
    // SAFETY: the token proves AVX-512 F, and the array's 64 bytes are writable; no alignment is needed.
    unsafe { _mm512_storeu_si512(group.as_mut_ptr().cast(), packed) };
    group
}

#[inline(always)]
pub(crate) fn floats(isa: Avx512Vnni, sums: I32x16) -> F32x16 {
    // SAFETY: the token proves AVX-512 F.
    F32x16::new(isa, unsafe { _mm512_cvtepi32_ps(sums.0) })
}

#[inline(always)]
pub(crate) fn dot<const R: usize, const P: usize>(
    isa: Avx512Vnni,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    let mut sums = nothing(isa);
    multiply(isa, &mut sums, panels, rows, |_| {});
    sums
}

#[inline(always)]
pub(super) fn dot_ahead<const R: usize, const P: usize>(
    isa: Avx512Vnni,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
    next: [&[WeightGroup]; P],
) -> [[I32x16; P]; R] {
    let mut sums = nothing(isa);
    let ahead = next[0].len();
    let next = next.map(|panel| &panel[..ahead]);
    let (rows, rest) = rows.split_at(ahead);
    multiply(isa, &mut sums, panels, rows, |g| next.iter().for_each(|panel| fetch(isa, &panel[g])));
    multiply(isa, &mut sums, panels.map(|panel| &panel[ahead..]), rest, |_| {});
    sums
}

/// Sums of no products.
#[inline(always)]
fn nothing<const R: usize, const P: usize>(_: Avx512Vnni) -> [[I32x16; P]; R] {
    // SAFETY: the token proves AVX-512 F.
    [[I32x16(unsafe { _mm512_setzero_si512() }); P]; R]
}

/// Adds the tile's products to its sums, calling `each` at every step.
#[inline(always)]
fn multiply<const R: usize, const P: usize>(
    isa: Avx512Vnni,
    sums: &mut [[I32x16; P]; R],
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
    each: impl Fn(usize),
) {
    let panels = panels.map(|panel| &panel[..rows.len()]);
    for (g, group) in rows.iter().enumerate() {
        each(g);
        let weights = panels.map(|panel| load(isa, &panel[g]));
        for (sums, codes) in sums.iter_mut().zip(group) {
            // SAFETY: the token proves AVX-512 F.
            let codes = unsafe { _mm512_set1_epi32(i32::from_le_bytes(*codes)) };
            for (sum, weights) in sums.iter_mut().zip(weights) {
                // SAFETY: the token proves VNNI. The unsigned operand comes first.
                sum.0 = unsafe { _mm512_dpbusd_epi32(sum.0, codes, weights) };
            }
        }
    }
}

#[inline(always)]
pub(crate) fn centre(isa: Avx512Vnni, sums: I32x16, zero: i32, column: &[i32; LANES]) -> F32x16 {
    // SAFETY: the token proves AVX-512 F, and the array's 64 bytes are readable; no alignment is needed.
    let column = unsafe { _mm512_loadu_si512(column.as_ptr().cast()) };
    // SAFETY: the token proves AVX-512 F.
    unsafe {
        let shift = _mm512_mullo_epi32(_mm512_set1_epi32(zero), column);
        F32x16::new(isa, _mm512_cvtepi32_ps(_mm512_sub_epi32(sums.0, shift)))
    }
}

/// The weights of 16 channels.
#[inline(always)]
fn load(_: Avx512Vnni, weights: &WeightGroup) -> __m512i {
    // SAFETY: the token proves AVX-512 F, and the array's 64 bytes are readable; no alignment is needed.
    unsafe { _mm512_loadu_si512(weights.as_ptr().cast()) }
}

/// Asks for weights to be brought into the caches.
#[inline(always)]
fn fetch(_: Avx512Vnni, weights: &WeightGroup) {
    // SAFETY: a hint, which faults nowhere.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(weights.as_ptr()) };
}
