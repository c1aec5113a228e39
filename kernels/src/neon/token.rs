//! The proof that this CPU has NEON.

use super::dot::I32x16;
use super::lanes::F32x16;
use crate::isa::{Isa, NoUnit};
use crate::token::{forward, proof};

proof! {
    /// NEON.
    Neon, is_aarch64_feature_detected: "neon"
}

impl Isa for Neon {
    type Lanes = F32x16;
    type Sums = I32x16;
    type Unit = NoUnit;

    const TILE_ROWS: usize = 6;
    const TILE_PANELS: usize = 1;

    forward!(bounded);

    /// Codes are kept less 128, as i8.
    #[inline(always)]
    fn decode(group: [u8; 4]) -> [u8; 4] {
        group.map(|code| code ^ 0x80)
    }
}
