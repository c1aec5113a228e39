//! x86-64 with AVX-512 and its 8-bit dot product (VNNI).

mod dot;
mod lanes;
mod token;

pub(crate) use dot::{I32x16, centre, dot, encode, encode_row, floats, narrow, narrow_rows, pack, whole};
pub(crate) use lanes::{F32x16, largest_sizes};
pub(crate) use token::Avx512Vnni;
