//! From scores to the codes of the softmax's weights.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use crate::isa::{CodeGroup, Isa, LANES, Lanes};
use crate::ops::exp::{weights, whole_weights};
use crate::ops::quantize::{groups_from, put};
use crate::ops::tiles::fours;

/// Turns the scores of `R` queries into the codes of their weights, and gives the inverse of each row's sum.
#[inline(always)]
pub(super) fn soften_codes<I: Isa, const R: usize>(
    isa: I,
    scores: &[[f32; LANES]],
    bounded: bool,
    codes: &mut [CodeGroup],
) -> [f32; R] {
    let mut inverse = [0.0; R];
    if R >= 4 && bounded {
        for r in fours(R) {
            inverse[r..r + 4].copy_from_slice(&soften_bounded::<I, R>(isa, scores, codes, r));
        }
    } else {
        for (r, inverse) in inverse.iter_mut().enumerate() {
            *inverse = soften::<I, R>(isa, scores, codes, r);
        }
    }
    inverse
}

/// [`soften_codes`] for the query number `r`.
#[inline(always)]
fn soften<I: Isa, const R: usize>(isa: I, scores: &[[f32; LANES]], codes: &mut [CodeGroup], r: usize) -> f32 {
    let columns = scores.len() / R;
    let row = &scores[r * columns..][..columns];
    let largest = row.iter().fold(isa.splat(f32::NEG_INFINITY), |largest, c| largest.max(isa.load(c)));
    let largest = isa.splat(largest.largest());
    // Whole numbers below 2^24: their sum is exact. NaN goes into the sum, if not into a code.
    let mut sum = isa.splat(0.0);
    for (score, block) in row.iter().zip(codes.chunks_exact_mut(4 * R)) {
        let [[weight]] = weights(isa, [[isa.load(score).sub(largest)]]);
        sum = sum.add(weight);
        put(block, R, r, isa.encode(weight, 0));
    }
    1.0 / sum.sum()
}

/// [`soften_codes`] for four queries whose scores are bounded, from number `r` on: the same codes and sums by fewer
/// operations, and several at once, or each step waits for the one before.
#[inline(always)]
fn soften_bounded<I: Isa, const R: usize>(
    isa: I,
    scores: &[[f32; LANES]],
    codes: &mut [CodeGroup],
    r: usize,
) -> [f32; 4] {
    let columns = scores.len() / R;
    let mut rows = scores[r * columns..].chunks_exact(columns);
    let rows: [_; 4] = std::array::from_fn(|_| &rows.next().unwrap_or_default()[..columns]);
    let mut largest = [isa.splat(f32::NEG_INFINITY); 4];
    for c in 0..columns {
        for (largest, row) in largest.iter_mut().zip(rows) {
            *largest = largest.max(isa.load(&row[c]));
        }
    }
    for largest in &mut largest {
        *largest = isa.splat(largest.largest());
    }
    let mut sums = [isa.whole(isa.splat(0.0)); 4];
    let mut blocks = codes.chunks_exact_mut(4 * R).enumerate().take(columns);
    if I::CHAINS == 8 {
        while blocks.len() >= 2 {
            if let (Some((c, first)), Some((_, second))) = (blocks.next(), blocks.next()) {
                let [these, those] = weigh::<I, 2>(isa, rows, largest, c, &mut sums);
                encode_whole(isa, these, first, R, r);
                encode_whole(isa, those, second, R, r);
            }
        }
    }
    for (c, block) in blocks {
        let [weights] = weigh::<I, 1>(isa, rows, largest, c, &mut sums);
        encode_whole(isa, weights, block, R, r);
    }
    // Below 2^24, so exact in f32, and so is their sum.
    let mut inverse = [0.0; 4];
    for (inverse, sum) in inverse.iter_mut().zip(sums) {
        *inverse = 1.0 / isa.floats(sum).sum();
    }
    inverse
}

/// Encodes four rows of whole numbers, from row `r` on, in the groups of a block of `rows` rows.
#[inline(always)]
fn encode_whole<I: Isa>(isa: I, whole: [I::Sums; 4], block: &mut [CodeGroup], rows: usize, r: usize) {
    if let Some(to) = groups_from(block, rows, r) {
        isa.encode_whole(whole, to);
    }
}

/// The weights of `C` columns, from column `c` on, of four rows of bounded scores; they are added to the rows' sums.
#[inline(always)]
fn weigh<I: Isa, const C: usize>(
    isa: I,
    rows: [&[[f32; LANES]]; 4],
    largest: [I::Lanes; 4],
    c: usize,
    sums: &mut [I::Sums; 4],
) -> [[I::Sums; 4]; C] {
    let mut x = [[isa.splat(0.0); 4]; C];
    for (j, x) in x.iter_mut().enumerate() {
        for ((x, row), largest) in x.iter_mut().zip(rows).zip(largest) {
            *x = isa.load(&row[c + j]).sub(largest);
        }
    }
    let weights = whole_weights(isa, x);
    for weights in weights {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = isa.plus(*sum, weight);
        }
    }
    weights
}
