//! The proof that this CPU has AVX-512 F, BW, VL and VNNI.

use super::dot::I32x16;
use super::lanes::F32x16;
use crate::isa::{CodeGroup, Isa, LANES, NoUnit, WeightGroup};
use crate::token::{forward, proof};

proof! {
    /// AVX-512 F, BW, VL and VNNI.
    Avx512Vnni, is_x86_feature_detected: "avx512f", "avx512bw", "avx512vl", "avx512vnni"
}

impl Isa for Avx512Vnni {
    type Lanes = F32x16;
    type Sums = I32x16;
    type Unit = NoUnit;

    const TILE_ROWS: usize = 12;
    const TILE_PANELS: usize = 2;
    const CHAINS: usize = 8;

    forward!();

    #[inline(always)]
    fn dot_bounded<const R: usize, const P: usize>(
        self,
        panels: [&[WeightGroup]; P],
        rows: &[[CodeGroup; R]],
        next: [&[WeightGroup]; P],
    ) -> [[I32x16; P]; R] {
        super::dot::dot_ahead(self, panels, rows, next)
    }

    #[inline(always)]
    fn encode_rows(self, scaled: [F32x16; 4], zeros: [i32; 4], to: [&mut [CodeGroup; 4]; 4]) {
        super::dot::encode_rows(self, scaled, zeros, to);
    }

    #[inline(always)]
    fn narrow_rows(self, scaled: [F32x16; 4], to: [&mut [[i8; 4]; 4]; 4]) {
        super::dot::narrow_rows(self, scaled, to);
    }

    #[inline(always)]
    fn largest_sizes(self, sizes: [F32x16; LANES]) -> [f32; LANES] {
        super::lanes::largest_sizes(self, sizes)
    }

    #[inline(always)]
    fn encode_whole(self, rows: [I32x16; 4], to: [&mut [CodeGroup; 4]; 4]) {
        super::dot::encode_whole(self, rows, to);
    }
}
