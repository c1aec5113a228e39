//! x86-64 with AVX2 and FMA.

mod dot;
mod lanes;
mod token;

pub(crate) use dot::{I32x16, centre, encode, encode_rows, encode_whole, floats, load, narrow, pack, whole};
pub(crate) use lanes::F32x16;
pub(crate) use token::Avx2;
