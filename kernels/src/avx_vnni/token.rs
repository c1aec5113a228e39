//! The proof that this CPU has AVX-VNNI beside AVX2 and FMA.

use crate::avx2::{Avx2, F32x16, I32x16};
use crate::isa::{CodeGroup, Isa, NoUnit};
use crate::token::{forward, proof};

proof! {
    /// AVX2, FMA and AVX-VNNI.
    AvxVnni with base Avx2, is_x86_feature_detected: "avx2", "fma", "avxvnni"
}

impl Isa for AvxVnni {
    type Lanes = F32x16;
    type Sums = I32x16;
    type Unit = NoUnit;

    const TILE_ROWS: usize = 6;
    const TILE_PANELS: usize = 1;

    forward!();

    #[inline(always)]
    fn encode_rows(self, scaled: [F32x16; 4], zeros: [i32; 4], to: [&mut [CodeGroup; 4]; 4]) {
        super::dot::encode_rows(self.into(), scaled, zeros, to);
    }

    #[inline(always)]
    fn encode_whole(self, rows: [I32x16; 4], to: [&mut [CodeGroup; 4]; 4]) {
        super::dot::encode_whole(self.into(), rows, to);
    }
}
