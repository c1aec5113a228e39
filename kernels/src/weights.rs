//! The weights of the encoder, as views of mapped memory whose shapes are checked once.

pub(crate) mod embeddings;
pub(crate) mod heads;
pub(crate) mod layer;
pub(crate) mod linear;
pub(crate) mod norm;
