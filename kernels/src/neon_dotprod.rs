//! AArch64 with NEON and `dotprod`.

mod dot;
mod token;

pub(crate) use token::NeonDotprod;
