//! The proof that this CPU has the dot products of `dotprod` beside NEON.

use crate::isa::{Isa, NoUnit};
use crate::neon::{F32x16, I32x16, Neon};
use crate::token::{forward, proof};

proof! {
    /// NEON and `dotprod`.
    NeonDotprod with base Neon, is_aarch64_feature_detected: "neon", "dotprod"
}

impl Isa for NeonDotprod {
    type Lanes = F32x16;
    type Sums = I32x16;
    type Unit = NoUnit;

    const TILE_ROWS: usize = 6;
    const TILE_PANELS: usize = 1;

    forward!();

    #[inline(always)]
    fn decode(group: [u8; 4]) -> [u8; 4] {
        Neon::decode(group)
    }
}
