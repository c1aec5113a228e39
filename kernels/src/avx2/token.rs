//! The proof that this CPU has AVX2 and FMA.

use super::dot::I32x16;
use super::lanes::F32x16;
use crate::isa::{Isa, LANES, Task, WeightGroup};
use crate::scratch::{CodeStores, Codes};

/// AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// A value when this CPU has AVX2 and FMA and the system saves their registers.
    pub(crate) fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// Everything that `task` inlines is compiled with AVX2 and FMA here.
#[target_feature(enable = "avx2,fma")]
fn enter<T: Task<Avx2>>(isa: Avx2, task: T) -> T::Output {
    task.run(isa)
}

impl Isa for Avx2 {
    type Lanes = F32x16;
    type Sums = I32x16;
    /// Pairs of 16-bit codes: `k0` and `k2` in the first, `k1` and `k3` in the second.
    type Group = [i32; 2];

    const TILE_ROWS: usize = 6;
    const TILE_PANELS: usize = 1;

    #[inline]
    fn run<T: Task<Self>>(self, task: T) -> T::Output {
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { enter(self, task) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> F32x16 {
        F32x16::splat(self, value)
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> F32x16 {
        F32x16::load(self, from)
    }

    #[inline(always)]
    fn widen(self, from: &[i8; LANES]) -> F32x16 {
        F32x16::widen(self, from)
    }

    #[inline(always)]
    fn narrow(self, scaled: F32x16) -> [i8; LANES] {
        super::dot::narrow(self, scaled)
    }

    #[inline(always)]
    fn pack(self, scaled: [F32x16; 4]) -> WeightGroup {
        super::dot::pack(self, scaled)
    }

    #[inline(always)]
    fn floats(self, sums: I32x16) -> F32x16 {
        super::dot::floats(self, sums)
    }

    #[inline(always)]
    fn encode(self, scaled: F32x16, zero: i32) -> [[i32; 2]; 4] {
        super::dot::encode(self, scaled, zero)
    }

    #[inline(always)]
    fn decode(group: [i32; 2]) -> [u8; 4] {
        let [even, odd] = group;
        [even as u8, odd as u8, (even >> 16) as u8, (odd >> 16) as u8]
    }

    #[inline(always)]
    fn codes(stores: &mut CodeStores) -> &mut Codes<[i32; 2]> {
        &mut stores.pairs
    }

    #[inline(always)]
    fn dot<const R: usize, const P: usize>(
        self,
        panels: [&[WeightGroup]; P],
        rows: &[[[i32; 2]; R]],
    ) -> [[I32x16; P]; R] {
        super::dot::dot(self, panels, rows)
    }

    #[inline(always)]
    fn centre(self, sums: I32x16, zero: i32, column: &[i32; LANES]) -> F32x16 {
        super::dot::centre(self, sums, zero, column)
    }
}
