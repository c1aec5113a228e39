//! x86-64 with AMX: tiles of 8-bit products (TDPBUSD) beside AVX-512 and its 8-bit dot product.

mod dot;
mod system;
mod tiles;
mod token;

pub(crate) use token::AmxInt8;
