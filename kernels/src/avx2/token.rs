//! The proof that this CPU has AVX2 and FMA.

use super::dot::I32x16;
use super::lanes::F32x16;
use crate::isa::{CodeGroup, Isa, NoUnit};
use crate::token::{forward, proof};

proof! {
    /// AVX2 and FMA.
    Avx2, is_x86_feature_detected: "avx2", "fma"
}

impl Isa for Avx2 {
    type Lanes = F32x16;
    type Sums = I32x16;
    type Unit = NoUnit;

    const TILE_ROWS: usize = 5;
    const TILE_PANELS: usize = 1;

    forward!(bounded);

    #[inline(always)]
    fn encode_rows(self, scaled: [F32x16; 4], zeros: [i32; 4], to: [&mut [CodeGroup; 4]; 4]) {
        super::dot::encode_rows(self, scaled, zeros, to);
    }

    #[inline(always)]
    fn encode_whole(self, rows: [I32x16; 4], to: [&mut [CodeGroup; 4]; 4]) {
        super::dot::encode_whole(self, rows, to);
    }
}
