//! x86-64 with AVX2, FMA and AVX-VNNI, the 256-bit form of VNNI for CPUs without AVX-512.

mod dot;
mod token;

pub(crate) use token::AvxVnni;
