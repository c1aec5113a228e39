//! Plain Rust: the level that every CPU has, and what the others are held against.

mod dot;
mod lanes;
mod token;

pub(crate) use token::Scalar;
