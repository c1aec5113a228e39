//! The proof that this CPU has AVX-512 F, BW, VL and VNNI.

use super::dot::I32x16;
use super::lanes::F32x16;
use crate::isa::{Isa, LANES, Task, WeightGroup};
use crate::scratch::{CodeStores, Codes};

/// AVX-512 F, BW, VL and VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Vnni(());

impl Avx512Vnni {
    /// A value when this CPU has AVX-512 F, BW, VL and VNNI and the system saves their registers.
    pub(crate) fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        has.then_some(Self(()))
    }
}

/// Everything that `task` inlines is compiled with AVX-512 F, BW, VL and VNNI here.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn enter<T: Task<Avx512Vnni>>(isa: Avx512Vnni, task: T) -> T::Output {
    task.run(isa)
}

impl Isa for Avx512Vnni {
    type Lanes = F32x16;
    type Sums = I32x16;
    type Group = [u8; 4];

    const TILE_ROWS: usize = 12;
    const TILE_PANELS: usize = 2;

    #[inline]
    fn run<T: Task<Self>>(self, task: T) -> T::Output {
        // SAFETY: `self` proves AVX-512 F, BW, VL and VNNI.
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
    fn encode(self, scaled: F32x16, zero: i32) -> [[u8; 4]; 4] {
        super::dot::encode(self, scaled, zero)
    }

    #[inline(always)]
    fn decode(group: [u8; 4]) -> [u8; 4] {
        group
    }

    #[inline(always)]
    fn codes(stores: &mut CodeStores) -> &mut Codes<[u8; 4]> {
        &mut stores.bytes
    }

    #[inline(always)]
    fn dot<const R: usize, const P: usize>(
        self,
        panels: [&[WeightGroup]; P],
        rows: &[[[u8; 4]; R]],
    ) -> [[I32x16; P]; R] {
        super::dot::dot(self, panels, rows)
    }

    #[inline(always)]
    fn dot_ahead<const R: usize, const P: usize>(
        self,
        panels: [&[WeightGroup]; P],
        rows: &[[[u8; 4]; R]],
        next: [&[WeightGroup]; P],
    ) -> [[I32x16; P]; R] {
        super::dot::dot_ahead(self, panels, rows, next)
    }

    #[inline(always)]
    fn centre(self, sums: I32x16, zero: i32, column: &[i32; LANES]) -> F32x16 {
        super::dot::centre(self, sums, zero, column)
    }
}
