//! The computations, written once over [`Isa`].

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

use crate::isa::{Isa, Lanes};

/// [`Lanes::abreast`] for as many eights as there are.
#[inline(always)]
fn abreast<L: Lanes>(lanes: &mut [L]) {
    for eight in lanes.as_chunks_mut().0 {
        *eight = L::abreast(*eight);
    }
}

/// The polynomial with these coefficients, that of the lowest power first, by Horner's rule, for several vectors abreast.
#[inline(always)]
fn polynomial<I: Isa, const N: usize, const M: usize>(
    isa: I,
    coefficients: &[f32],
    x: [[I::Lanes; N]; M],
) -> [[I::Lanes; N]; M] {
    let mut coefficients = coefficients.iter().rev();
    let highest = coefficients.next().copied().unwrap_or_default();
    let mut sum = [[isa.splat(highest); N]; M];
    for coefficient in coefficients {
        let coefficient = isa.splat(*coefficient);
        for (sum, x) in sum.as_flattened_mut().iter_mut().zip(x.as_flattened()) {
            *sum = sum.mul_add(*x, coefficient);
        }
        abreast(sum.as_flattened_mut());
    }
    sum
}
