//! Sixteen f32 lanes in four 128-bit registers.
//!
//! They are loaded and stored one by one: the instruction for all four would tie a tile's sums down to registers in a
//! row.

#![expect(clippy::indexing_slicing, reason = "register numbers are below 4 by construction")]

use std::arch::aarch64::*;

use super::Neon;
use crate::isa::{LANES, Lanes};

/// Sixteen f32 lanes, four by four. Made only with a [`Neon`] in hand, which it therefore proves too.
#[derive(Clone, Copy)]
pub(crate) struct F32x16([float32x4_t; 4]);

impl F32x16 {
    #[inline(always)]
    pub(crate) fn new(_: Neon, quarters: [float32x4_t; 4]) -> Self {
        Self(quarters)
    }

    #[inline(always)]
    pub(crate) fn quarters(self) -> [float32x4_t; 4] {
        self.0
    }

    #[inline(always)]
    pub(crate) fn splat(_: Neon, value: f32) -> Self {
        // SAFETY: the token proves NEON.
        Self([unsafe { vdupq_n_f32(value) }; 4])
    }

    #[inline(always)]
    pub(crate) fn load(_: Neon, from: &[f32; LANES]) -> Self {
        // SAFETY: the token proves NEON, and the array's 16 bytes are readable; no alignment is needed.
        let quarter = |i: usize| unsafe { vld1q_f32(from.as_chunks::<4>().0[i].as_ptr()) };
        Self([quarter(0), quarter(1), quarter(2), quarter(3)])
    }

    #[inline(always)]
    pub(crate) fn widen(_: Neon, from: &[i8; LANES]) -> Self {
        // SAFETY: the token proves NEON, and the array's 16 bytes are readable; no alignment is needed.
        let bytes = unsafe { vld1q_s8(from.as_ptr()) };
        // SAFETY: the token proves NEON.
        unsafe {
            let (low, high) = (vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes));
            Self([
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
                vcvtq_f32_s32(vmovl_high_s16(low)),
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
                vcvtq_f32_s32(vmovl_high_s16(high)),
            ])
        }
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, other.0);
        Self([f(a0, b0), f(a1, b1), f(a2, b2), f(a3, b3)])
    }

    /// Joins lane `i` with `i + 8`, then `i + 4`, `i + 2`, `i + 1`; of what `f` gives, as many lanes count.
    #[inline(always)]
    fn tree(self, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> f32 {
        let [a, b, c, d] = self.0;
        let four = f(f(a, c), f(b, d));
        // SAFETY: `self` proves NEON.
        let two = f(four, unsafe { vextq_f32::<2>(four, four) });
        // SAFETY: `self` proves NEON.
        let one = f(two, unsafe { vextq_f32::<1>(two, two) });
        // SAFETY: `self` proves NEON.
        unsafe { vgetq_lane_f32::<0>(one) }
    }
}

/// Not `vminq_f32`, which gives NaN where either is NaN and tells the zeros apart.
#[inline]
#[target_feature(enable = "neon")]
fn smaller(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    vbslq_f32(vcltq_f32(a, b), a, b)
}

/// Not `vmaxq_f32`, which gives NaN where either is NaN and tells the zeros apart.
#[inline]
#[target_feature(enable = "neon")]
fn larger(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    vbslq_f32(vcgtq_f32(a, b), a, b)
}

/// The larger of numbers without a sign, as bits.
#[inline]
#[target_feature(enable = "neon")]
fn larger_bits(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    vreinterpretq_f32_u32(vmaxq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)))
}

impl Lanes for F32x16 {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: `self` proves NEON.
        self.zip(other, |a, b| unsafe { vaddq_f32(a, b) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: `self` proves NEON.
        self.zip(other, |a, b| unsafe { vsubq_f32(a, b) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: `self` proves NEON.
        self.zip(other, |a, b| unsafe { vmulq_f32(a, b) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3]) = (self.0, factor.0, addend.0);
        // SAFETY: `self` proves NEON, whose fused form takes the addend first.
        unsafe {
            Self([vfmaq_f32(c0, a0, b0), vfmaq_f32(c1, a1, b1), vfmaq_f32(c2, a2, b2), vfmaq_f32(c3, a3, b3)])
        }
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: `self` proves NEON.
        self.zip(other, |a, b| unsafe { smaller(a, b) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: `self` proves NEON.
        self.zip(other, |a, b| unsafe { larger(a, b) })
    }

    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: `self` proves NEON.
        Self(self.0.map(|x| unsafe { vrndnq_f32(x) }))
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        // SAFETY: `self` proves NEON.
        Self(self.0.map(|n| unsafe {
            let biased = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(biased))
        }))
    }

    #[inline(always)]
    fn scale(self, _: Self, shifted: Self) -> Self {
        // SAFETY: `self` proves NEON.
        self.zip(shifted, |x, shifted| unsafe {
            let power = vshlq_n_u32::<23>(vreinterpretq_u32_f32(shifted));
            vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(x), power))
        })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        for (quarter, to) in self.0.into_iter().zip(to.as_chunks_mut::<4>().0) {
            // SAFETY: `self` proves NEON, and the array's 16 bytes are writable; no alignment is needed.
            unsafe { vst1q_f32(to.as_mut_ptr(), quarter) };
        }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: `self` proves NEON.
        self.tree(|a, b| unsafe { vaddq_f32(a, b) })
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        // SAFETY: `self` proves NEON.
        self.tree(|a, b| unsafe { larger(a, b) })
    }

    #[inline(always)]
    fn smallest(self) -> f32 {
        // SAFETY: `self` proves NEON.
        self.tree(|a, b| unsafe { smaller(a, b) })
    }

    #[inline(always)]
    fn larger_size(self, other: Self) -> Self {
        // SAFETY: `self` proves NEON.
        self.zip(other, |size, other| unsafe { larger_bits(size, vabsq_f32(other)) })
    }

    #[inline(always)]
    fn largest_size(self) -> f32 {
        let [a, b, c, d] = self.0;
        // SAFETY: `self` proves NEON.
        f32::from_bits(unsafe {
            vmaxvq_u32(vreinterpretq_u32_f32(larger_bits(larger_bits(a, b), larger_bits(c, d))))
        })
    }
}
