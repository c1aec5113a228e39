//! The proof that this CPU has AVX2 and FMA.

use super::dot::I32x16;
use super::lanes::F32x16;
use crate::isa::{CodeGroup, Isa, WeightGroup};
use crate::token::{forward, proof};

proof! {
    /// AVX2 and FMA.
    Avx2, is_x86_feature_detected: "avx2", "fma"
}

impl Isa for Avx2 {
    type Lanes = F32x16;
    type Sums = I32x16;

    const TILE_ROWS: usize = 5;
    const TILE_PANELS: usize = 1;

    forward!();

    #[inline(always)]
    fn dot_bounded<const R: usize, const P: usize>(
        self,
        panels: [&[WeightGroup]; P],
        rows: &[[CodeGroup; R]],
        _: Option<[&[WeightGroup]; P]>,
    ) -> [[I32x16; P]; R] {
        super::dot::dot_bounded(self, panels, rows)
    }
}
