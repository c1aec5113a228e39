//! The self-attention block: `x ← norm(x + output(attention(qkv(x))))`.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use std::array::from_fn;

use super::exp::exp;
use super::linear::linear;
use super::norm::AddNorm;
use super::product::product;
use super::tiles::{blocks, with_rows};
use crate::isa::{Isa, LANES, Lanes, Task};
use crate::scratch::{Scratch, take_blocks};
use crate::sequences::Sequences;
use crate::weights::layer::AttentionWeights;

/// Rows whose queries, keys and values are held at once, unless one sequence is longer: short sequences share the
/// passes over the weights, and the working memory stays bounded.
const GROUP_ROWS: usize = 256;

/// Runs the block on checked sequences.
pub(crate) fn attention_block<I: Isa>(
    isa: I,
    weights: &AttentionWeights<'_>,
    sequences: Sequences<'_>,
    x: &mut [f32],
    scratch: &mut Scratch,
) {
    let hidden = weights.hidden();
    for bounds in sequences.groups(GROUP_ROWS) {
        let (start, end) = (bounds[0], bounds[bounds.len() - 1]);
        let x = &mut x[start * hidden..end * hidden];
        let wide = take_blocks(&mut scratch.wide, 3 * x.len() / LANES).as_flattened_mut();
        let context = take_blocks(&mut scratch.rows, x.len() / LANES).as_flattened_mut();
        linear(isa, &weights.qkv, x, wide, I::codes(&mut scratch.codes));
        for &[first, last] in bounds.array_windows() {
            let (first, last) = (first - start, last - start);
            isa.run(Attend {
                qkv: &wide[3 * hidden * first..3 * hidden * last],
                heads: weights.heads,
                hidden,
                context: &mut context[hidden * first..hidden * last],
                keys: &mut scratch.keys,
                values: &mut scratch.values,
                scores: &mut scratch.scores,
            });
        }
        let projected = &mut wide[..x.len()];
        linear(isa, &weights.output, context, projected, I::codes(&mut scratch.codes));
        isa.run(AddNorm { x, y: projected, norm: &weights.norm });
    }
}

/// Attention of one sequence, head by head: `context ← softmax(q · k) v`.
struct Attend<'a> {
    /// Rows of queries, keys and values, each of the hidden width.
    qkv: &'a [f32],
    heads: usize,
    hidden: usize,
    /// Rows of the hidden width.
    context: &'a mut [f32],
    keys: &'a mut Vec<f32>,
    values: &'a mut Vec<f32>,
    scores: &'a mut Vec<f32>,
}

impl<I: Isa> Task<I> for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, isa: I) {
        let tokens = self.context.len() / self.hidden;
        let width = self.hidden / self.heads;
        let columns = tokens.div_ceil(LANES);
        let keys = take_blocks(self.keys, columns * width);
        let values = take_blocks(self.values, tokens * (width / LANES));
        let scores = take_blocks(self.scores, I::PRODUCT_ROWS * columns);
        for head in 0..self.heads {
            let at = head * width;
            transpose_keys(self.qkv, 3 * self.hidden, self.hidden + at, keys, width);
            gather_values(self.qkv, 3 * self.hidden, 2 * self.hidden + at, values, tokens);
            for block in blocks(tokens, I::PRODUCT_ROWS) {
                let queries = &self.qkv[block.start * 3 * self.hidden..];
                let context = &mut self.context[block.start * self.hidden..];
                with_rows!(block.len(), I::PRODUCT_ROWS, R => {
                    let queries: [&[f32]; R] = from_fn(|r| &queries[r * 3 * self.hidden + at..][..width]);
                    let scores = &mut scores[..R * columns];
                    score::<I, R>(isa, queries, keys, tokens, scores);
                    mix::<I, R>(isa, scores, values, tokens, context, self.hidden, at);
                });
            }
        }
    }
}

/// Puts the keys of one head in blocks of 16 tokens, element by element: `keys[token / 16][element][token % 16]`.
/// What is left of the last block is zero.
#[inline(always)]
fn transpose_keys(qkv: &[f32], stride: usize, at: usize, keys: &mut [[f32; LANES]], width: usize) {
    let rows = qkv.chunks_exact(stride).map(|row| &row[at..at + width]);
    if let Some(last) = keys.chunks_exact_mut(width).next_back() {
        last.fill([0.0; LANES]);
    }
    for (token, row) in rows.enumerate() {
        let block = &mut keys[token / LANES * width..][..width];
        for (lanes, &element) in block.iter_mut().zip(row) {
            lanes[token % LANES] = element;
        }
    }
}

/// Puts the values of one head in columns of 16 elements: `values[element / 16][token]`.
#[inline(always)]
fn gather_values(qkv: &[f32], stride: usize, at: usize, values: &mut [[f32; LANES]], tokens: usize) {
    for (c, column) in values.chunks_exact_mut(tokens).enumerate() {
        let rows = qkv.chunks_exact(stride).map(|row| row[at + c * LANES..].first_chunk::<LANES>());
        for (to, from) in column.iter_mut().zip(rows.flatten()) {
            *to = *from;
        }
    }
}

/// The scores of `R` queries: rows of whole blocks, minus infinity after the last token.
#[inline(always)]
fn score<I: Isa, const R: usize>(
    isa: I,
    queries: [&[f32]; R],
    keys: &[[f32; LANES]],
    tokens: usize,
    scores: &mut [[f32; LANES]],
) {
    let columns = scores.len() / R;
    let width = queries[0].len();
    for (column, keys) in keys.chunks_exact(width).take(columns).enumerate() {
        for (r, lanes) in product::<I, R>(isa, queries, keys).into_iter().enumerate() {
            lanes.store(&mut scores[r * columns + column]);
        }
    }
    for row in scores.chunks_exact_mut(columns) {
        row.as_flattened_mut()[tokens..].fill(f32::NEG_INFINITY);
    }
}

/// Turns scores into weights and mixes the values by them into the head's columns of the context rows.
#[inline(always)]
fn mix<I: Isa, const R: usize>(
    isa: I,
    scores: &mut [[f32; LANES]],
    values: &[[f32; LANES]],
    tokens: usize,
    context: &mut [f32],
    hidden: usize,
    at: usize,
) {
    let columns = scores.len() / R;
    let mut inverse = [0.0; R];
    for (row, inverse) in scores.chunks_exact_mut(columns).zip(&mut inverse) {
        *inverse = 1.0 / soften(isa, row);
    }
    let rows: [&[f32]; R] = from_fn(|r| &scores[r * columns..][..columns].as_flattened()[..tokens]);
    for (c, values) in values.chunks_exact(tokens).enumerate() {
        let mixed = product::<I, R>(isa, rows, values);
        for ((lanes, inverse), context) in mixed.into_iter().zip(inverse).zip(context.chunks_mut(hidden)) {
            if let Some(to) = context[at + c * LANES..].first_chunk_mut() {
                lanes.mul(isa.splat(inverse)).store(to);
            }
        }
    }
}

/// Replaces scores by `exp(score - largest)` and gives their sum. Minus infinity becomes 0.
#[inline(always)]
pub(super) fn soften<I: Isa>(isa: I, row: &mut [[f32; LANES]]) -> f32 {
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
