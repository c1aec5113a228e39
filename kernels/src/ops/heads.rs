//! Pooling and the classifier heads of one sequence.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use super::exp::exp;
use crate::isa::{Isa, LANES, Lanes, Task};
use crate::scratch::take_lanes;
use crate::weights::heads::HeadWeights;

/// Pools a sequence and scores it by every head.
///
/// `(Σ a[t] x[t]) · w` is computed as `Σ a[t] (x[t] · w)`.
pub(crate) struct Pool<'a> {
    pub(crate) weights: &'a HeadWeights<'a>,
    /// The sequence's rows.
    pub(crate) x: &'a [f32],
    /// One row: the mean.
    pub(crate) pooled: &'a mut [f32],
    /// One logit a head.
    pub(crate) logits: &'a mut [f32],
    /// For each row of `x`, one weight a head; or empty.
    pub(crate) attention: &'a mut [f32],
    pub(crate) scores: &'a mut Vec<f32>,
}

impl<I: Isa> Task<I> for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, isa: I) {
        let hidden = self.weights.hidden();
        let tokens = self.x.len() / hidden;
        let columns = tokens.div_ceil(LANES);
        mean(isa, self.x, self.pooled);
        let (scores, products) = take_lanes(self.scores, 2 * columns).split_at_mut(columns);
        for (h, (head, logit)) in self.weights.iter().zip(self.logits).enumerate() {
            scores.fill([f32::NEG_INFINITY; LANES]);
            products.fill([0.0; LANES]);
            let flat = scores.as_flattened_mut().iter_mut().zip(products.as_flattened_mut());
            for ((score, product), x) in flat.zip(self.x.chunks_exact(hidden)) {
                let x = x.as_chunks().0;
                *score = dot(isa, x, head.query);
                *product = dot(isa, x, head.weight);
            }
            let inverse = 1.0 / soften(isa, scores);
            let attended = dot(isa, scores, products) * inverse;
            *logit = attended + dot(isa, self.pooled.as_chunks().0, head.mean_weight) + head.bias;
            let weights = self.attention.iter_mut().skip(h).step_by(self.weights.len());
            for (to, score) in weights.zip(scores.as_flattened()) {
                *to = score * inverse;
            }
        }
    }
}

/// The mean of the rows of `x`, each element summed in order of the rows.
#[inline(always)]
fn mean<I: Isa>(isa: I, x: &[f32], out: &mut [f32]) {
    let hidden = out.len();
    let count = isa.splat((x.len() / hidden) as f32);
    let inverse = isa.splat(1.0 / count.largest());
    for (c, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let mut sum = isa.splat(0.0);
        for row in x.chunks_exact(hidden) {
            sum = sum.add(isa.load(&row.as_chunks().0[c]));
        }
        sum.mul(inverse).store(out);
    }
}

/// `a · b`, in 16 lanes and the fixed tree.
#[inline(always)]
fn dot<I: Isa>(isa: I, a: &[[f32; LANES]], b: &[[f32; LANES]]) -> f32 {
    let mut sum = isa.splat(0.0);
    for (a, b) in a.iter().zip(b) {
        sum = isa.load(a).mul_add(isa.load(b), sum);
    }
    sum.sum()
}

/// Replaces scores by `exp(score - largest)` and gives their sum. Minus infinity becomes 0.
#[inline(always)]
fn soften<I: Isa>(isa: I, row: &mut [[f32; LANES]]) -> f32 {
    let mut largest = isa.splat(f32::NEG_INFINITY);
    for scores in row.iter() {
        largest = largest.max(isa.load(scores));
    }
    let largest = isa.splat(largest.largest());
    let mut sum = isa.splat(0.0);
    for scores in row {
        let power = exp(isa, isa.load(scores).sub(largest));
        power.store(scores);
        sum = sum.add(power);
    }
    sum.sum()
}
