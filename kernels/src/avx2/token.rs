//! The proof that this CPU has AVX2 and FMA.

use super::dot::I32x16;
use super::lanes::F32x16;
use crate::isa::Isa;
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

    forward!(bounded);
}
