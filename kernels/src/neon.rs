//! AArch64 with NEON alone.

mod dot;
mod lanes;
mod token;

pub(crate) use dot::{I32x16, centre, encode, encode_flipped, floats, load, narrow, pack, whole};
pub(crate) use lanes::F32x16;
pub(crate) use token::Neon;
