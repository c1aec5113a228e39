//! The computations, written once over [`Isa`](crate::isa::Isa).

mod activation;
pub(crate) mod attention;
pub(crate) mod bound;
pub(crate) mod embed;
mod exp;
pub(crate) mod feed_forward;
pub(crate) mod gelu;
pub(crate) mod heads;
pub(crate) mod linear;
mod norm;
pub(crate) mod quantize;
mod tiles;

pub(crate) use activation::Range;
pub(crate) use tiles::{Place, places};

use crate::isa::Lanes;

/// [`Lanes::abreast`] for as many eights as there are.
#[inline(always)]
fn abreast<L: Lanes>(lanes: &mut [L]) {
    for eight in lanes.as_chunks_mut().0 {
        *eight = L::abreast(*eight);
    }
}
