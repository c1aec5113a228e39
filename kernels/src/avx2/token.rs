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
    /// Pairs of 16-bit codes: `k0` and `k2` in the first, `k1` and `k3` in the second.
    type Group = [i32; 2];

    const TILE_ROWS: usize = 6;
    const TILE_PANELS: usize = 1;

    forward!();
}
