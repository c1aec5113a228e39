//! x86-64 with AVX2 and FMA.

mod dot;
mod lanes;
mod token;

pub(crate) use token::Avx2;
