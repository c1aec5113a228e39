//! The proof that this CPU has the matrix products of `i8mm` beside NEON.

use crate::isa::{Isa, NoUnit};
use crate::neon::{F32x16, I32x16, Neon};
use crate::token::{forward, proof};

proof! {
    /// NEON and `i8mm`.
    NeonI8mm with base Neon, is_aarch64_feature_detected: "neon", "i8mm"
}

impl Isa for NeonI8mm {
    type Lanes = F32x16;
    type Sums = I32x16;
    type Unit = NoUnit;

    const TILE_ROWS: usize = 6;
    const TILE_PANELS: usize = 1;

    forward!();
}
