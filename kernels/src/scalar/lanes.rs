//! Sixteen f32 lanes as an array.

#![expect(clippy::indexing_slicing, reason = "lane numbers are below 16 by construction")]

use std::array::from_fn;

use crate::isa::{LANES, Lanes};

/// Sixteen f32 lanes.
#[derive(Clone, Copy)]
pub(crate) struct F32x16([f32; LANES]);

impl F32x16 {
    #[inline(always)]
    pub(super) fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    pub(super) fn load(from: &[f32; LANES]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    pub(super) fn widen(from: &[i8; LANES]) -> Self {
        Self(from.map(f32::from))
    }

    #[inline(always)]
    pub(super) fn lanes(self) -> [f32; LANES] {
        self.0
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(from_fn(|i| f(self.0[i], other.0[i])))
    }

    /// Joins lane `i` with `i + 8`, then `i + 4`, `i + 2`, `i + 1`.
    #[inline(always)]
    fn tree(self, f: impl Fn(f32, f32) -> f32) -> f32 {
        let mut lanes = self.0;
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                lanes[i] = f(lanes[i], lanes[i + half]);
            }
        }
        lanes[0]
    }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The larger of two numbers without a sign, as bits.
#[inline(always)]
fn larger_bits(a: f32, b: f32) -> f32 {
    f32::from_bits(a.to_bits().max(b.to_bits()))
}

impl Lanes for F32x16 {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(from_fn(|i| self.0[i].mul_add(factor.0[i], addend.0[i])))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, smaller)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, larger)
    }

    #[inline(always)]
    fn round(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        Self(self.0.map(|n| f32::from_bits(((n as i32).wrapping_add(127) << 23).cast_unsigned())))
    }

    #[inline(always)]
    fn scale(self, _: Self, shifted: Self) -> Self {
        self.zip(shifted, |x, shifted| f32::from_bits(x.to_bits().wrapping_add(shifted.to_bits() << 23)))
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        *to = self.0;
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        self.tree(|a, b| a + b)
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        self.tree(larger)
    }

    #[inline(always)]
    fn smallest(self) -> f32 {
        self.tree(smaller)
    }

    #[inline(always)]
    fn larger_size(self, other: Self) -> Self {
        self.zip(other, |size, other| larger_bits(size, other.abs()))
    }

    #[inline(always)]
    fn largest_size(self) -> f32 {
        self.tree(larger_bits)
    }
}
