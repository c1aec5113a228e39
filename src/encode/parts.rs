//! The rows of a batch in parts, one for each thread, with the working memory of each.

use portcullis_kernels::{AttentionWeights, FeedForwardWeights, InputError, Kernels, Scratch};
use rayon::prelude::*;

/// Tokens that a part has at least: fewer are computed sooner than they are handed over.
const LEAST_TOKENS: usize = 8;

/// Where each part begins, and what it works in.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The first row of each part, and at last the number of rows.
    bounds: Vec<usize>,
    /// What the first part works in, and whatever is not split.
    first: Scratch,
    /// What each other part works in.
    others: Vec<Scratch>,
    /// Queries, keys and values of all rows.
    qkv: Vec<f32>,
}

impl Parts {
    /// Splits `rows` rows into at most `most` parts of even size.
    pub(super) fn split(&mut self, rows: usize, most: usize) {
        let count = (rows / LEAST_TOKENS).clamp(1, most.max(1));
        self.bounds.clear();
        self.bounds.extend((0..=count).map(|part| part * rows / count));
        if self.others.len() + 1 < count {
            self.others.resize_with(count - 1, Scratch::new);
        }
    }

    /// Working memory for what one thread does.
    pub(super) fn scratch(&mut self) -> &mut Scratch {
        &mut self.first
    }

    /// [`Kernels::attention_block`], each part on a thread.
    pub(super) fn attention_block(
        &mut self,
        kernels: Kernels,
        weights: &AttentionWeights<'_>,
        bounds: &[usize],
        x: &mut [f32],
    ) -> Result<(), InputError> {
        let Self { bounds: parts, first, others, qkv } = self;
        if parts.len() < 3 {
            return kernels.attention_block(weights, bounds, x, first);
        }
        let hidden = weights.hidden();
        let qkv = aligned(qkv, 3 * x.len());
        let mut scratches: Vec<_> = std::iter::once(first).chain(others).collect();
        cut(x, parts, hidden)
            .into_par_iter()
            .zip(cut(qkv, parts, 3 * hidden))
            .zip(scratches.par_iter_mut())
            .try_for_each(|((x, qkv), scratch)| kernels.project(weights, x, qkv, scratch))?;
        let qkv = &*qkv;
        cut(x, parts, hidden).into_par_iter().zip(scratches).enumerate().try_for_each(
            |(part, (x, scratch))| kernels.attend(weights, bounds, qkv, parts, part, x, scratch),
        )
    }

    /// [`Kernels::feed_forward_block`], each part on a thread.
    pub(super) fn feed_forward_block(
        &mut self,
        kernels: Kernels,
        weights: &FeedForwardWeights<'_>,
        x: &mut [f32],
    ) -> Result<(), InputError> {
        let Self { bounds: parts, first, others, .. } = self;
        if parts.len() < 3 {
            return kernels.feed_forward_block(weights, x, first);
        }
        let scratches: Vec<_> = std::iter::once(first).chain(others).collect();
        cut(x, parts, weights.hidden())
            .into_par_iter()
            .zip(scratches)
            .try_for_each(|(x, scratch)| kernels.feed_forward_block(weights, x, scratch))
    }
}

/// The rows of each part, `width` elements a row. Rows that are not there are left out, which the kernels then miss.
fn cut<'a>(mut rows: &'a mut [f32], parts: &[usize], width: usize) -> Vec<&'a mut [f32]> {
    let mut pieces = Vec::with_capacity(parts.len());
    for part in parts.windows(2) {
        let length = match part {
            [start, end] => (end - start) * width,
            _ => 0,
        };
        let piece;
        (piece, rows) = rows.split_at_mut(length.min(rows.len()));
        pieces.push(piece);
    }
    pieces
}

/// The first `length` elements of `store` from a multiple of 64 bytes on; it grows when it is shorter.
fn aligned(store: &mut Vec<f32>, length: usize) -> &mut [f32] {
    const LINE: usize = 64 / size_of::<f32>();
    if store.len() < length + LINE {
        store.resize(length + LINE, 0.0);
    }
    let skip = store.as_ptr().align_offset(64).min(LINE);
    store.get_mut(skip..skip + length).unwrap_or_default()
}
