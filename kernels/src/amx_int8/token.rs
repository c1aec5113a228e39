//! The proof that this CPU has AMX for bytes beside AVX-512, and the system lets this process use it.

use super::dot::I32x16;
use super::tiles::Tiles;
use crate::avx512_vnni::{Avx512Vnni, F32x16, largest_sizes, narrow_rows};
use crate::isa::{CodeGroup, Isa, LANES};
use crate::token::{forward, proof};

proof! {
    /// AMX tiles of bytes, and AVX-512 F, BW, VL and VNNI.
    AmxInt8 with base Avx512Vnni, is_x86_feature_detected: "avx512f", "avx512bw", "avx512vl", "avx512vnni";
    super::system::granted()
}

impl AmxInt8 {
    /// Below this many rows the products of AVX-512 are as fast.
    pub(crate) const FEWEST_ROWS: usize = 12;
}

impl Isa for AmxInt8 {
    type Lanes = F32x16;
    type Sums = I32x16;
    type Unit = Tiles;

    const TILE_ROWS: usize = 32;
    const TILE_PANELS: usize = 2;
    const CHAINS: usize = 8;
    const BY_ROW: bool = true;

    forward!();

    #[inline(always)]
    fn unit(self, rows: usize) -> Option<Tiles> {
        Some(Tiles::new(self, rows))
    }

    #[inline(always)]
    fn encode_row(self, scaled: [F32x16; 4], zero: i32) -> [CodeGroup; LANES] {
        super::dot::encode_row(self.into(), scaled, zero)
    }

    #[inline(always)]
    fn narrow_rows(self, scaled: [F32x16; 4], to: [&mut [[i8; 4]; 4]; 4]) {
        narrow_rows(self.into(), scaled, to);
    }

    #[inline(always)]
    fn largest_sizes(self, sizes: [F32x16; LANES]) -> [f32; LANES] {
        largest_sizes(self.into(), sizes)
    }
}
