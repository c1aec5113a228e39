//! x86-64 with AVX-512 and its 8-bit dot product (VNNI).

mod dot;
mod lanes;
mod token;

pub(crate) use token::Avx512Vnni;
