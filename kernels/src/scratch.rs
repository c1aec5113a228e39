//! The working memory of a computation, kept between calls so that a warm call allocates nothing.

#![expect(clippy::indexing_slicing, reason = "the store is at least as long as the slice")]

use std::fmt;

use crate::isa::{CodeGroup, LANES, WeightGroup};
use crate::ops::{Place, Range};

/// Working memory for [`Kernels`](crate::Kernels), one for each thread that computes.
///
/// It grows to what the largest call so far needed (under 4 MB for an encoder of width 384 with 1536 inside, on
/// sequences of up to 512 tokens, however many) and is reused from then on. Its contents carry nothing from one call
/// to the next.
#[derive(Default)]
pub struct Scratch {
    /// Quantized rows.
    pub(crate) codes: Codes,
    /// Tiled: queries, keys and values of a group of sequences.
    pub(crate) qkv: Vec<f32>,
    /// Tiled: attention's output after projection; then the inner activations of the feed-forward block.
    pub(crate) wide: Vec<f32>,
    /// Rows of the hidden width: attention's output before projection; then the feed-forward block's output.
    pub(crate) rows: Vec<f32>,
    /// The ranges of the inner activations' rows.
    pub(crate) ranges: Vec<Range>,
    /// Where the rows of queries, keys and values lie.
    pub(crate) places: Vec<Place>,
    /// Keys of one attention head, quantized: a token is a channel.
    pub(crate) keys: Vec<i8>,
    /// What belongs to each key: its scale, and what the queries' offset adds to its products.
    pub(crate) key_steps: Vec<f32>,
    /// Values of one attention head, quantized: an element is a channel.
    pub(crate) values: Vec<i8>,
    /// Attention scores of a tile of queries; or of the heads.
    pub(crate) scores: Vec<f32>,
}

impl Scratch {
    /// Empty working memory; allocates nothing until first used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let floats = [&self.qkv, &self.wide, &self.rows, &self.key_steps, &self.scores];
        let floats: usize = floats.into_iter().map(Vec::capacity).sum();
        let rows = size_of::<Range>() * self.ranges.capacity() + size_of::<Place>() * self.places.capacity();
        rows + 4 * floats + self.keys.capacity() + self.values.capacity() + self.codes.capacity()
    }
}

impl fmt::Debug for Scratch {
    /// The size only: the contents come from judged text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("bytes", &self.bytes()).finish()
    }
}

/// Quantized rows, in blocks of as many rows as one tile takes: block by block, group by group along `k`, row by row; or
/// row by row and then group by group, where [`BY_ROW`](crate::isa::Isa::BY_ROW) says so.
#[derive(Default)]
pub(crate) struct Codes {
    /// The codes, in groups of four along `k`, from some multiple of 64 bytes on.
    groups: Vec<CodeGroup>,
    /// Each row's scale and zero point.
    pub(crate) steps: Vec<Step>,
}

/// What a row's codes stand for: `value = (code - zero) * scale`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Step {
    /// The distance of two codes; NaN for a row that has a non-finite value.
    pub(crate) scale: f32,
    /// The code of 0, in `0..=255`.
    pub(crate) zero: i32,
    /// The same.
    pub(crate) offset: f32,
}

impl Codes {
    /// Groups in 64 bytes.
    const LINE: usize = 64 / size_of::<CodeGroup>();

    /// Room for so many groups, and the steps of so many rows. What they hold is left over from before.
    pub(crate) fn take(&mut self, groups: usize, rows: usize) -> (&mut [CodeGroup], &mut [Step]) {
        (take_aligned_by(&mut self.groups, groups, Self::LINE), take(&mut self.steps, rows))
    }

    /// The groups that were last taken, and what lies after them.
    pub(crate) fn groups(&self) -> &[CodeGroup] {
        let skip = self.groups.as_ptr().align_offset(64).min(Self::LINE);
        self.groups.get(skip..).unwrap_or(&[])
    }

    fn capacity(&self) -> usize {
        self.groups.capacity() * size_of::<CodeGroup>() + self.steps.capacity() * size_of::<Step>()
    }
}

/// The first `len` elements of `store`, which grows when it is shorter. What they hold is left over from before.
pub(crate) fn take<T: Clone + Default>(store: &mut Vec<T>, len: usize) -> &mut [T] {
    if store.len() < len {
        store.resize(len, T::default());
    }
    &mut store[..len]
}

/// `blocks` blocks of 16 lanes that begin at a multiple of 64 bytes.
pub(crate) fn take_lanes(store: &mut Vec<f32>, blocks: usize) -> &mut [[f32; LANES]] {
    take_aligned(store, blocks)
}

/// `groups` groups of weights that begin at a multiple of 64 bytes.
pub(crate) fn take_groups(store: &mut Vec<i8>, groups: usize) -> &mut [WeightGroup] {
    take_aligned(store, groups)
}

/// As [`take`], for blocks of 64 bytes, aligned: loads and stores of whole vectors then never cross a cache line.
fn take_aligned<T: Clone + Default, const N: usize>(store: &mut Vec<T>, blocks: usize) -> &mut [[T; N]] {
    &mut take_aligned_by(store, blocks * N, N).as_chunks_mut().0[..blocks]
}

/// As [`take`], from a multiple of 64 bytes on, where 64 bytes are `line` elements or fewer.
fn take_aligned_by<T: Clone + Default>(store: &mut Vec<T>, len: usize, line: usize) -> &mut [T] {
    let room = take(store, len + line);
    let skip = room.as_ptr().align_offset(64).min(line);
    &mut room[skip..][..len]
}
