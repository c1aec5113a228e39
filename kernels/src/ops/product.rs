//! The f32 matrix product that attention is made of.

#![expect(clippy::indexing_slicing, reason = "the lengths are made equal before the loop")]

use crate::isa::{Isa, LANES, Lanes};

/// For each of `R` rows, `Σ a[r][i] * b[i]` over `i` in order, in 16 columns at once.
///
/// Each column of each row is one chain of fused multiply-adds from 0, so no vector width shows in the result. Rows of
/// `a` have at least as many elements as `b`.
#[inline(always)]
pub(super) fn product<I: Isa, const R: usize>(isa: I, a: [&[f32]; R], b: &[[f32; LANES]]) -> [I::Lanes; R] {
    let a = a.map(|row| &row[..b.len()]);
    let mut sums = [isa.splat(0.0); R];
    for (i, b) in b.iter().enumerate() {
        let b = isa.load(b);
        for (sum, row) in sums.iter_mut().zip(a) {
            *sum = isa.splat(row[i]).mul_add(b, *sum);
        }
    }
    sums
}
