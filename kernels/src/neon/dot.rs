//! The int8 tile by 8-bit products widened to 16 bits, and what every NEON level does with codes and sums.
//!
//! NEON multiplies signed by signed or unsigned by unsigned, so codes are kept less 128, as i8, and 128 times the sum
//! of the channel's weights is added. A register of 16 weights is 4 channels of 4 steps: `smull` gives the 8 products
//! of two channels in 16 bits, where each fits though the sum of two need not, and `sadalp` adds them in pairs to two
//! i32 lanes of the channel. The two lanes meet once, at the end.

#![expect(
    clippy::indexing_slicing,
    reason = "panel and register numbers are below the lengths of their arrays"
)]

use std::arch::aarch64::*;

use super::Neon;
use super::lanes::F32x16;
use crate::isa::{CodeGroup, LANES, WeightGroup};

/// Sixteen i32 sums, four by four. Made only with a [`Neon`] in hand, which it therefore proves too.
#[derive(Clone, Copy)]
pub(crate) struct I32x16([int32x4_t; 4]);

impl I32x16 {
    #[inline(always)]
    pub(crate) fn new(_: Neon, quarters: [int32x4_t; 4]) -> Self {
        Self(quarters)
    }

    #[inline(always)]
    pub(crate) fn zero(_: Neon) -> Self {
        // SAFETY: the token proves NEON.
        Self([unsafe { vdupq_n_s32(0) }; 4])
    }

    /// The sums of both.
    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        // SAFETY: `self` proves NEON.
        Self(unsafe { [vaddq_s32(a, e), vaddq_s32(b, f), vaddq_s32(c, g), vaddq_s32(d, h)] })
    }
}

#[inline(always)]
pub(crate) fn narrow(_: Neon, scaled: F32x16) -> [i8; LANES] {
    let mut codes = [0i8; LANES];
    let [a, b, c, d] = scaled.quarters();
    // SAFETY: the token proves NEON.
    let narrowed = unsafe {
        let low = vqmovn_high_s32(vqmovn_s32(vcvtnq_s32_f32(a)), vcvtnq_s32_f32(b));
        let high = vqmovn_high_s32(vqmovn_s32(vcvtnq_s32_f32(c)), vcvtnq_s32_f32(d));
        vqmovn_high_s16(vqmovn_s16(low), high)
    };
    // SAFETY: the token proves NEON, and the array's 16 bytes are writable; no alignment is needed.
    unsafe { vst1q_s8(codes.as_mut_ptr(), narrowed) };
    codes
}

#[inline(always)]
pub(crate) fn pack(_: Neon, scaled: [F32x16; 4]) -> WeightGroup {
    let mut group = [0i8; 64];
    let [a, b, c, d] = scaled;
    let steps = [a.quarters(), b.quarters(), c.quarters(), d.quarters()];
    for (i, to) in group.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        // SAFETY: the token proves NEON.
        let joined = unsafe {
            let (a, b) = (vcvtnq_s32_f32(steps[0][i]), vcvtnq_s32_f32(steps[1][i]));
            let (c, d) = (vcvtnq_s32_f32(steps[2][i]), vcvtnq_s32_f32(steps[3][i]));
            // Each insertion keeps the bytes below it.
            let joined = vsliq_n_s32::<24>(vsliq_n_s32::<16>(vsliq_n_s32::<8>(a, b), c), d);
            vreinterpretq_s8_s32(joined)
        };
        // SAFETY: the token proves NEON, and the array's 16 bytes are writable; no alignment is needed.
        unsafe { vst1q_s8(to.as_mut_ptr(), joined) };
    }
    group
}

#[inline(always)]
pub(crate) fn whole(_: Neon, x: F32x16) -> I32x16 {
    // SAFETY: the token proves NEON.
    I32x16(x.quarters().map(|x| unsafe { vcvtnq_s32_f32(x) }))
}

#[inline(always)]
pub(crate) fn floats(isa: Neon, sums: I32x16) -> F32x16 {
    let [a, b, c, d] = sums.0;
    // SAFETY: the token proves NEON.
    F32x16::new(isa, unsafe { [vcvtq_f32_s32(a), vcvtq_f32_s32(b), vcvtq_f32_s32(c), vcvtq_f32_s32(d)] })
}

/// The codes less 128, as i8.
#[inline(always)]
pub(crate) fn encode(isa: Neon, scaled: F32x16, zero: i32) -> [CodeGroup; 4] {
    encode_flipped(isa, scaled, zero, 0x80)
}

/// The codes with the bits of `flip` turned over.
#[inline(always)]
pub(crate) fn encode_flipped(_: Neon, scaled: F32x16, zero: i32, flip: u8) -> [CodeGroup; 4] {
    let mut groups = [[0u8; 4]; 4];
    // SAFETY: the token proves NEON.
    let codes = unsafe {
        let zero = vdupq_n_s32(zero);
        let [a, b, c, d] = scaled.quarters().map(|x| vqaddq_s32(vcvtnq_s32_f32(x), zero));
        // Narrowing clamps: below at 0, then above at 255.
        let low = vqmovun_high_s32(vqmovun_s32(a), b);
        let high = vqmovun_high_s32(vqmovun_s32(c), d);
        veorq_u8(vqmovn_high_u16(vqmovn_u16(low), high), vdupq_n_u8(flip))
    };
    // SAFETY: the token proves NEON, and the array's 16 bytes are writable; no alignment is needed.
    unsafe { vst1q_u8(groups.as_mut_ptr().cast(), codes) };
    groups
}

#[inline(always)]
pub(super) fn dot<const R: usize, const P: usize>(
    isa: Neon,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    tiles::<R, P, false>(isa, panels, rows)
}

/// The tile for weights within the bound of [`PackedLinear`](crate::PackedLinear): of two products with the same place
/// in two groups of a run, the sum fits 16 bits too, so one `sadalp` serves both.
#[inline(always)]
pub(super) fn dot_bounded<const R: usize, const P: usize>(
    isa: Neon,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    tiles::<R, P, true>(isa, panels, rows)
}

#[inline(always)]
fn tiles<const R: usize, const P: usize, const BOUNDED: bool>(
    isa: Neon,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    let mut sums = [[I32x16::zero(isa); P]; R];
    for (p, panel) in panels.iter().enumerate() {
        let offset = &offset(isa, panel);
        // Two rows are what the registers hold; the offset serves them all.
        for r in (0..R - R % 2).step_by(2) {
            let [first, second] = tile::<R, 2, BOUNDED>(isa, panel, rows, r, offset);
            (sums[r][p], sums[r + 1][p]) = (first, second);
        }
        if R % 2 == 1 {
            [sums[R - 1][p]] = tile::<R, 1, BOUNDED>(isa, panel, rows, R - 1, offset);
        }
    }
    sums
}

/// 128 times the sum of each channel's weights.
#[inline(always)]
fn offset(isa: Neon, panel: &[WeightGroup]) -> [int32x4_t; 4] {
    let I32x16(mut sums) = I32x16::zero(isa);
    for weights in panel {
        for (sum, weights) in sums.iter_mut().zip(load(isa, weights)) {
            // SAFETY: the token proves NEON.
            *sum = unsafe { vpadalq_s16(*sum, vpaddlq_s8(weights)) };
        }
    }
    // SAFETY: the token proves NEON.
    sums.map(|sum| unsafe { vshlq_n_s32::<7>(sum) })
}

/// The sums of `N` rows from row `first` on, by one panel.
///
/// A function of its own, since NEON needs no entering and what is live around the tile would take its registers.
#[inline(never)]
fn tile<const R: usize, const N: usize, const BOUNDED: bool>(
    isa: Neon,
    panel: &[WeightGroup],
    rows: &[[CodeGroup; R]],
    first: usize,
    offset: &[int32x4_t; 4],
) -> [I32x16; N] {
    // SAFETY: the token proves NEON.
    let nothing = unsafe { vdupq_n_s32(0) };
    let mut pairs = [[nothing; 8]; N];
    let runs = if BOUNDED { panel.as_chunks::<2>().0 } else { &[] };
    let (panel, alone) = (&panel[2 * runs.len()..], &rows[2 * runs.len()..]);
    for ([weights, others], [codes, more]) in runs.iter().zip(rows.as_chunks::<2>().0) {
        let (weights, others) = (load(isa, weights), load(isa, others));
        let codes = codes[first..][..N].iter().zip(&more[first..][..N]);
        for (pairs, (codes, more)) in pairs.iter_mut().zip(codes) {
            let (codes, more) = (broadcast(isa, codes), broadcast(isa, more));
            let weights = weights.iter().zip(&others);
            for (pairs, (weights, others)) in pairs.as_chunks_mut::<2>().0.iter_mut().zip(weights) {
                let (low, high) = products(isa, *weights, codes);
                // SAFETY: the token proves NEON.
                unsafe {
                    let low = vmlal_s8(low, vget_low_s8(*others), vget_low_s8(more));
                    pairs[0] = vpadalq_s16(pairs[0], low);
                    pairs[1] = vpadalq_s16(pairs[1], vmlal_high_s8(high, *others, more));
                }
            }
        }
    }
    for (weights, group) in panel.iter().zip(alone) {
        let weights = load(isa, weights);
        for (pairs, codes) in pairs.iter_mut().zip(&group[first..][..N]) {
            let codes = broadcast(isa, codes);
            for (pairs, weights) in pairs.as_chunks_mut::<2>().0.iter_mut().zip(weights) {
                let (low, high) = products(isa, weights, codes);
                // SAFETY: the token proves NEON.
                unsafe {
                    pairs[0] = vpadalq_s16(pairs[0], low);
                    pairs[1] = vpadalq_s16(pairs[1], high);
                }
            }
        }
    }
    pairs.map(|pairs| {
        // SAFETY: the token proves NEON.
        let join = |i: usize| unsafe { vaddq_s32(offset[i], vpaddq_s32(pairs[2 * i], pairs[2 * i + 1])) };
        I32x16([join(0), join(1), join(2), join(3)])
    })
}

/// The products of two channels, and of the two after them.
#[inline(always)]
fn products(_: Neon, weights: int8x16_t, codes: int8x16_t) -> (int16x8_t, int16x8_t) {
    // SAFETY: the token proves NEON.
    unsafe { (vmull_s8(vget_low_s8(weights), vget_low_s8(codes)), vmull_high_s8(weights, codes)) }
}

#[inline(always)]
fn broadcast(_: Neon, codes: &CodeGroup) -> int8x16_t {
    // SAFETY: the token proves NEON.
    unsafe { vreinterpretq_s8_u32(vdupq_n_u32(u32::from_le_bytes(*codes))) }
}

#[inline(always)]
pub(crate) fn centre(isa: Neon, sums: I32x16, zero: i32, column: &[i32; LANES]) -> F32x16 {
    let centred = |i: usize| {
        // SAFETY: the token proves NEON, and the array's 16 bytes are readable; no alignment is needed.
        let column = unsafe { vld1q_s32(column.as_chunks::<4>().0[i].as_ptr()) };
        // SAFETY: the token proves NEON.
        unsafe { vcvtq_f32_s32(vmlsq_n_s32(sums.0[i], column, zero)) }
    };
    F32x16::new(isa, [centred(0), centred(1), centred(2), centred(3)])
}

/// The weights of 16 channels, four by four.
///
/// Four loads: the one instruction for all would tie the tile down to four registers in a row.
#[inline(always)]
pub(crate) fn load(_: Neon, weights: &WeightGroup) -> [int8x16_t; 4] {
    // SAFETY: the token proves NEON, and the array's 16 bytes are readable; no alignment is needed.
    let quarter = |i: usize| unsafe { vld1q_s8(weights.as_chunks::<16>().0[i].as_ptr()) };
    [quarter(0), quarter(1), quarter(2), quarter(3)]
}
