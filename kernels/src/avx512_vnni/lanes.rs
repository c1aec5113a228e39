//! Sixteen f32 lanes in one 512-bit register.

use std::arch::asm;
use std::arch::x86_64::*;

use super::Avx512Vnni;
use crate::isa::{LANES, Lanes};

/// Sixteen f32 lanes. Made only with an [`Avx512Vnni`] in hand, which it therefore proves too.
#[derive(Clone, Copy)]
pub(crate) struct F32x16(__m512);

impl F32x16 {
    #[inline(always)]
    pub(super) fn new(_: Avx512Vnni, lanes: __m512) -> Self {
        Self(lanes)
    }

    #[inline(always)]
    pub(super) fn lanes(self) -> __m512 {
        self.0
    }

    #[inline(always)]
    pub(crate) fn splat(_: Avx512Vnni, value: f32) -> Self {
        // SAFETY: the token proves AVX-512 F.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    pub(crate) fn load(_: Avx512Vnni, from: &[f32; LANES]) -> Self {
        // SAFETY: the token proves AVX-512 F, and the array's 64 bytes are readable; no alignment is needed.
        Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
    }

    #[inline(always)]
    pub(crate) fn widen(_: Avx512Vnni, from: &[i8; LANES]) -> Self {
        // SAFETY: the 16 bytes of the array are readable; no alignment is needed, and SSE2 is x86-64's base.
        let bytes = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
        // SAFETY: the token proves AVX-512 F.
        Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)) })
    }
}

/// [`Lanes::largest_size`] of 16 vectors, by transposing while the number of vectors falls.
#[inline(always)]
pub(crate) fn largest_sizes(_: Avx512Vnni, sizes: [F32x16; LANES]) -> [f32; LANES] {
    // SAFETY: any of the vectors proves AVX-512 F.
    let larger = |a: __m512i, b: __m512i| unsafe { _mm512_max_epi32(a, b) };
    // Within each quarter: two vectors' halves beside each other, then four vectors' lanes.
    // SAFETY: as above.
    let pair = |a: F32x16, b: F32x16| unsafe {
        let (a, b) = (_mm512_castps_si512(a.0), _mm512_castps_si512(b.0));
        larger(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b))
    };
    // SAFETY: as above.
    let four = |a, b| unsafe { larger(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)) };
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = sizes;
    let (a, b) = (four(pair(a, b), pair(c, d)), four(pair(e, f), pair(g, h)));
    let (c, d) = (four(pair(i, j), pair(k, l)), four(pair(m, n), pair(o, p)));
    // Then quarters with each other.
    // SAFETY: as above.
    let join = |a, b| unsafe {
        larger(_mm512_shuffle_i32x4::<0b10_00_10_00>(a, b), _mm512_shuffle_i32x4::<0b11_01_11_01>(a, b))
    };
    let mut largest = [0.0; LANES];
    // SAFETY: as above.
    F32x16(unsafe { _mm512_castsi512_ps(join(join(a, b), join(c, d))) }).store(&mut largest);
    largest
}

/// Lanes 0 to 7, and 8 to 15.
#[inline(always)]
fn halves(lanes: F32x16) -> (__m256, __m256) {
    // SAFETY: `lanes` proves AVX-512 F.
    unsafe {
        let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(lanes.0));
        (_mm512_castps512_ps256(lanes.0), _mm256_castpd_ps(high))
    }
}

/// What [`Lanes::abreast`] gives.
#[inline]
#[target_feature(enable = "avx512f")]
fn abreast(eight: [__m512; 8]) -> [__m512; 8] {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = eight;
    // SAFETY: no instruction, so nothing is read or changed.
    unsafe {
        asm!(
            "/* {0} {1} {2} {3} {4} {5} {6} {7} */",
            inout(zmm_reg) a,
            inout(zmm_reg) b,
            inout(zmm_reg) c,
            inout(zmm_reg) d,
            inout(zmm_reg) e,
            inout(zmm_reg) f,
            inout(zmm_reg) g,
            inout(zmm_reg) h,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    [a, b, c, d, e, f, g, h]
}

impl Lanes for F32x16 {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe { _mm512_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn round(self) -> Self {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe { _mm512_roundscale_ps::<NEAREST>(self.0) })
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        unsafe {
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
            Self(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased)))
        }
    }

    #[inline(always)]
    fn scale(self, n: Self, _: Self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe { _mm512_scalef_ps(self.0, n.0) })
    }

    const VANISHES: bool = true;

    #[inline(always)]
    fn abreast([a, b, c, d, e, f, g, h]: [Self; 8]) -> [Self; 8] {
        // SAFETY: the vectors prove AVX-512 F.
        let [a, b, c, d, e, f, g, h] = unsafe { abreast([a.0, b.0, c.0, d.0, e.0, f.0, g.0, h.0]) };
        [Self(a), Self(b), Self(c), Self(d), Self(e), Self(f), Self(g), Self(h)]
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: `self` proves AVX-512 F, and the array's 64 bytes are writable; no alignment is needed.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) };
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        let (low, high) = halves(self);
        // SAFETY: `self` proves AVX-512 F, which implies AVX2.
        unsafe {
            let eight = _mm256_add_ps(low, high);
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        let (low, high) = halves(self);
        // SAFETY: `self` proves AVX-512 F, which implies AVX2.
        unsafe {
            let eight = _mm256_max_ps(low, high);
            let four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    fn smallest(self) -> f32 {
        let (low, high) = halves(self);
        // SAFETY: `self` proves AVX-512 F, which implies AVX2.
        unsafe {
            let eight = _mm256_min_ps(low, high);
            let four = _mm_min_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_min_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_min_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }

    #[inline(always)]
    fn larger_size(self, other: Self) -> Self {
        // SAFETY: `self` proves AVX-512 F.
        Self(unsafe {
            let other = _mm512_castps_si512(_mm512_abs_ps(other.0));
            _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(self.0), other))
        })
    }

    #[inline(always)]
    fn largest_size(self) -> f32 {
        // SAFETY: `self` proves AVX-512 F.
        f32::from_bits(unsafe { _mm512_reduce_max_epi32(_mm512_castps_si512(self.0)) }.cast_unsigned())
    }
}
