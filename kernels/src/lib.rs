//! Int8 encoder kernels whose scores are bit-identical on every CPU, and read-only file mapping.
//!
//! The crate runs one transformer layer stack of the BERT family on the CPU: weights are int8 with one scale an
//! output channel, activations are quantized to u8 row by row (attention's keys and values to i8), accumulators are exact
//! i32, everything else is f32.
//!
//! # One answer on every level
//!
//! A [`Level`] names the instructions a [`Kernels`] value may use. Integer sums are exact, so their order is free;
//! every f32 operation is fixed:
//!
//! - a row is handled in 16 lanes; lane `i` takes elements `i`, `i + 16`, …; reductions end in one fixed tree
//!   (`i` with `i + 8`, then 4, 2, 1);
//! - multiply-add is fused exactly where the code says so, at every level;
//! - matrix products are int8 throughout, attention's too, and the sum that a softmax is divided by is one of whole
//!   numbers below 2^24, so neither depends on an order;
//! - `exp` and `erf` are this crate's own polynomials.
//!
//! The f32 code is written once, over a small trait of 16-lane operations, and instantiated for each level.
//! What a row of a batch becomes depends on that row's own sequence alone, never on its neighbours.
//!
//! # Non-finite values
//!
//! A NaN or an infinity in a row of activations makes the whole row NaN at the next linear layer, and from there
//! the sequence's logits: a broken activation is seen as a non-finite score, never as a silent zero. Which NaN bit
//! pattern comes out is not fixed.
//!
//! # Unsafe code
//!
//! A value of an instruction set's type is the proof that the CPU has it: it can be made only by a constructor
//! that asked the CPU. So only three kinds of operation are `unsafe` here: entering a function compiled for an
//! instruction set, calling an intrinsic with that proof in hand, and vector loads and stores through pointers
//! taken from references to arrays of the right length. Beside these, the level for AMX uses tiles in assembly, which reads
//! and writes within slices whose lengths were checked, [`map`] maps files, and the feature `plugin` opens libraries
//! that speak the interface of [`device`].

pub mod device;
mod error;
mod isa;
mod kernels;
mod level;
pub mod map;
mod ops;
#[cfg(feature = "plugin")]
pub mod plugin;
mod scratch;
mod sequences;
mod token;
mod weights;

mod scalar;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
#[cfg(target_arch = "x86_64")]
mod avx512_vnni;
#[cfg(target_arch = "x86_64")]
mod amx_int8;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_dotprod;
#[cfg(target_arch = "aarch64")]
mod neon_i8mm;

pub use error::{InputError, ShapeError};
pub use kernels::Kernels;
pub use level::{Level, UnknownLevel};
pub use scratch::Scratch;
pub use weights::embeddings::Embeddings;
pub use weights::heads::HeadWeights;
pub use weights::layer::{AttentionWeights, FeedForwardWeights};
pub use weights::linear::{PackedLinear, packed_position};
pub use weights::norm::Norm;
