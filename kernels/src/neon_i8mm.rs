//! AArch64 with NEON and `i8mm`.

mod dot;
mod token;

pub(crate) use token::NeonI8mm;
