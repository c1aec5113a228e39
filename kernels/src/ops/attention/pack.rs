//! One head's queries, keys and values in int8, with symmetric scales.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use crate::isa::{Isa, LANES, Lanes, WeightGroup};
use crate::ops::quantize::SMALLEST_RANGE;
use crate::ops::tiles::Place;
use crate::weights::layer::WIDEST_HEAD;

/// The code of 0 in a query.
pub(super) const QUERY_ZERO: i32 = 128;

/// One head's columns of some rows of a tiled matrix.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) matrix: &'a [[f32; LANES]],
    pub(super) places: &'a [Place],
    /// The head's first chunk, and how many it has.
    pub(super) first: usize,
    pub(super) chunks: usize,
}

impl<'a> Part<'a> {
    /// A chunk of one row.
    #[inline(always)]
    pub(super) fn chunk(self, row: usize, chunk: usize) -> &'a [f32; LANES] {
        &self.matrix[self.places[row].chunk(self.first + chunk)]
    }

    /// The steps of `count` rows, at most 16, from row `from` on.
    #[inline(always)]
    pub(super) fn steps<I: Isa>(self, isa: I, from: usize, count: usize) -> Symmetric {
        let mut sizes = [isa.splat(0.0); LANES];
        for chunk in 0..self.chunks {
            for (row, size) in sizes.iter_mut().enumerate().take(count) {
                *size = size.larger_size(isa.load(self.chunk(from + row, chunk)));
            }
        }
        Symmetric::new(isa.largest_sizes(sizes))
    }

    /// The step of one row.
    #[inline(always)]
    pub(super) fn step<I: Isa>(self, isa: I, row: usize) -> (f32, f32) {
        let size = (0..self.chunks)
            .fold(isa.splat(0.0), |size, chunk| size.larger_size(isa.load(self.chunk(row, chunk))));
        symmetric(size.largest_size())
    }
}

/// Scales, which take `-largest..=largest` to `-127..=127`, and their inverses.
pub(super) struct Symmetric {
    pub(super) scales: [f32; LANES],
    pub(super) inverses: [f32; LANES],
}

impl Symmetric {
    #[inline(always)]
    fn new(largest: [f32; LANES]) -> Self {
        let mut steps = Self { scales: [0.0; LANES], inverses: [0.0; LANES] };
        for ((scale, inverse), largest) in steps.scales.iter_mut().zip(&mut steps.inverses).zip(largest) {
            (*scale, *inverse) = symmetric(largest);
        }
        steps
    }
}

/// The scale for values up to `largest` in size, and its inverse. Values that are not all finite get a scale of NaN,
/// which everything made of them inherits.
#[inline(always)]
fn symmetric(largest: f32) -> (f32, f32) {
    let scale = if largest < SMALLEST_RANGE { 0.0 } else { largest / 127.0 };
    let inverse = if largest < SMALLEST_RANGE { 0.0 } else { 127.0 / largest };
    if largest.is_finite() { (scale, inverse) } else { (f32::NAN, 0.0) }
}

/// Quantizes the keys of one head as the weights of a linear layer with one channel a token, those after the last token
/// being 0, and gives the largest scale, NaN above all.
#[inline(always)]
pub(super) fn pack_keys<I: Isa>(
    isa: I,
    part: Part<'_>,
    keys: &mut [WeightGroup],
    scales: &mut [[f32; LANES]],
) -> f32 {
    let groups = keys.len() / scales.len();
    let mut largest = 0;
    for ((block, keys), scales) in keys.chunks_exact_mut(groups).enumerate().zip(scales) {
        let from = block * LANES;
        *scales = if part.places.len() - from >= LANES {
            pack_block(isa, part, from, LANES, keys)
        } else {
            pack_block(isa, part, from, part.places.len() - from, keys)
        };
        largest = scales.iter().fold(largest, |largest, scale| largest.max(scale.to_bits()));
    }
    f32::from_bits(largest)
}

/// Quantizes the keys of up to 16 tokens, and gives their scales.
#[inline(always)]
fn pack_block<I: Isa>(
    isa: I,
    part: Part<'_>,
    from: usize,
    count: usize,
    keys: &mut [WeightGroup],
) -> [f32; LANES] {
    let steps = part.steps(isa, from, count);
    for (chunk, keys) in keys.as_chunks_mut::<4>().0.iter_mut().enumerate().take(part.chunks) {
        let mut groups =
            keys.each_mut().map(|group| group.as_chunks_mut::<4>().0.as_chunks_mut::<4>().0.iter_mut());
        for tokens in 0..4 {
            let mut scaled = [isa.splat(0.0); 4];
            for (i, scaled) in scaled.iter_mut().enumerate() {
                let token = 4 * tokens + i;
                if token < count {
                    *scaled = isa.load(part.chunk(from + token, chunk)).mul(isa.splat(steps.inverses[token]));
                }
            }
            if let [Some(a), Some(b), Some(c), Some(d)] = groups.each_mut().map(Iterator::next) {
                isa.narrow_rows(scaled, [a, b, c, d]);
            }
        }
    }
    steps.scales
}

/// What the offset of the queries' codes adds to the products with each key.
#[inline(always)]
pub(super) fn shift_keys<I: Isa>(isa: I, keys: &[WeightGroup], shifts: &mut [[f32; LANES]]) {
    let groups = keys.len() / shifts.len();
    let [one, ..] = isa.encode(isa.splat(1.0), 0);
    let ones = [[one]; WIDEST_HEAD / 4];
    for (keys, shift) in keys.chunks_exact(groups).zip(shifts) {
        let [[sums]] = isa.dot::<1, 1>([keys], &ones[..groups]);
        isa.floats(sums).mul(isa.splat(QUERY_ZERO as f32)).store(shift);
    }
}

/// Quantizes 16 elements of one head's values, chunk `chunk`, as the weights of a linear layer with one channel an
/// element.
#[inline(always)]
pub(super) fn pack_values<I: Isa>(
    isa: I,
    part: Part<'_>,
    chunk: usize,
    values: &mut [WeightGroup],
    scales: &mut [f32; LANES],
) {
    let mut size = isa.splat(0.0);
    for row in 0..part.places.len() {
        size = size.larger_size(isa.load(part.chunk(row, chunk)));
    }
    let mut largest = [0.0; LANES];
    size.store(&mut largest);
    let steps = Symmetric::new(largest);
    *scales = steps.scales;
    let inverse = isa.load(&steps.inverses);
    for (group, places) in values.iter_mut().zip(0..) {
        let mut scaled = [isa.splat(0.0); 4];
        for (i, scaled) in scaled.iter_mut().enumerate() {
            let row = 4 * places + i;
            if row < part.places.len() {
                *scaled = isa.load(part.chunk(row, chunk)).mul(inverse);
            }
        }
        *group = isa.pack(scaled);
    }
}
