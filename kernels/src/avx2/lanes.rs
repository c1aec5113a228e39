//! Sixteen f32 lanes in two 256-bit registers.

use std::arch::x86_64::*;

use super::Avx2;
use crate::isa::{LANES, Lanes};

/// Sixteen f32 lanes: 0 to 7, and 8 to 15. Made only with an [`Avx2`] in hand, which it therefore proves too.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(__m256, __m256);

impl F32x16 {
    #[inline(always)]
    pub(crate) fn new(_: Avx2, low: __m256, high: __m256) -> Self {
        Self(low, high)
    }

    #[inline(always)]
    pub(crate) fn halves(self) -> (__m256, __m256) {
        (self.0, self.1)
    }

    #[inline(always)]
    pub(crate) fn splat(_: Avx2, value: f32) -> Self {
        // SAFETY: the token proves AVX2.
        let all = unsafe { _mm256_set1_ps(value) };
        Self(all, all)
    }

    #[inline(always)]
    pub(crate) fn load(_: Avx2, from: &[f32; LANES]) -> Self {
        let from = from.as_ptr();
        // SAFETY: the token proves AVX2, and elements 0 to 7 of 16 are readable; no alignment is needed.
        let low = unsafe { _mm256_loadu_ps(from) };
        // SAFETY: the token proves AVX2, and elements 8 to 15 of 16 are readable; no alignment is needed.
        let high = unsafe { _mm256_loadu_ps(from.add(8)) };
        Self(low, high)
    }

    #[inline(always)]
    pub(crate) fn widen(_: Avx2, from: &[i8; LANES]) -> Self {
        // SAFETY: the 16 bytes of the array are readable; no alignment is needed, and SSE2 is x86-64's base.
        let bytes = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
        // SAFETY: the token proves AVX2.
        unsafe {
            let low = _mm256_cvtepi8_epi32(bytes);
            let high = _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes));
            Self(_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high))
        }
    }
}

impl Lanes for F32x16 {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        unsafe { Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: `self` proves FMA.
        unsafe {
            Self(_mm256_fmadd_ps(self.0, factor.0, addend.0), _mm256_fmadd_ps(self.1, factor.1, addend.1))
        }
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        unsafe { Self(_mm256_min_ps(self.0, other.0), _mm256_min_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        unsafe { Self(_mm256_max_ps(self.0, other.0), _mm256_max_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn round(self) -> Self {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        // SAFETY: `self` proves AVX2.
        unsafe { Self(_mm256_round_ps::<NEAREST>(self.0), _mm256_round_ps::<NEAREST>(self.1)) }
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        // SAFETY: `self` proves AVX2.
        let half = |n: __m256| unsafe {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
        };
        Self(half(self.0), half(self.1))
    }

    #[inline(always)]
    fn scale(self, _: Self, shifted: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        let half = |x: __m256, shifted: __m256| unsafe {
            let power = _mm256_slli_epi32::<23>(_mm256_castps_si256(shifted));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), power))
        };
        Self(half(self.0, shifted.0), half(self.1, shifted.1))
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr();
        // SAFETY: `self` proves AVX2, and elements 0 to 7 of 16 are writable; no alignment is needed.
        unsafe { _mm256_storeu_ps(to, self.0) };
        // SAFETY: `self` proves AVX2, and elements 8 to 15 of 16 are writable; no alignment is needed.
        unsafe { _mm256_storeu_ps(to.add(8), self.1) };
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let eight = _mm256_add_ps(self.0, self.1);
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let eight = _mm256_max_ps(self.0, self.1);
            let four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    fn smallest(self) -> f32 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let eight = _mm256_min_ps(self.0, self.1);
            let four = _mm_min_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_min_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_min_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    fn larger_size(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX2.
        let half = |size: __m256, other: __m256| unsafe {
            let other = _mm256_andnot_ps(_mm256_set1_ps(-0.0), other);
            _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(size), _mm256_castps_si256(other)))
        };
        Self(half(self.0, other.0), half(self.1, other.1))
    }

    #[inline(always)]
    fn largest_size(self) -> f32 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let eight = _mm256_max_epi32(_mm256_castps_si256(self.0), _mm256_castps_si256(self.1));
            let four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
            let two = _mm_max_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
            let one = _mm_max_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two));
            _mm_cvtss_f32(_mm_castsi128_ps(one))
        }
    }
}
