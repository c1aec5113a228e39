//! The model by kernels of our own, `kernels/cuda`: sequences packed without padding, in 16 bits, for the shape of MiniLM.
//!
//! Before it answers anything, every plan of launches is tried against candle's graph on the same device; those that agree are
//! measured, and the fastest is used for each size. Where none agrees there is no such model, and candle's graph is used.

mod arguments;
mod choice;
#[cfg(feature = "cuda")]
mod driver;
#[cfg(all(test, feature = "cuda"))]
mod emulated;
#[cfg(feature = "cuda")]
mod launch;
mod pack;
mod plan;
#[cfg(feature = "cuda")]
mod runner;
mod staging;
#[cfg(feature = "cuda")]
mod trial;
#[cfg(feature = "cuda")]
mod uploaded;

#[cfg(feature = "cuda")]
mod model;
#[cfg(feature = "cuda")]
pub(crate) use model::Own;
