//! What is no tile: products of a few rows, and codes, which are those of AVX-512.

use super::AmxInt8;
pub(super) use crate::avx512_vnni::{I32x16, centre, encode, encode_row, floats, narrow, pack, whole};
use crate::isa::{CodeGroup, WeightGroup};

#[inline(always)]
pub(super) fn dot<const R: usize, const P: usize>(
    isa: AmxInt8,
    panels: [&[WeightGroup]; P],
    rows: &[[CodeGroup; R]],
) -> [[I32x16; P]; R] {
    crate::avx512_vnni::dot(isa.into(), panels, rows)
}
