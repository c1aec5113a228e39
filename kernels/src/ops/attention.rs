//! The self-attention block: `x ← norm(x + output(attention(qkv(x))))`.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

mod pack;
mod softmax;
mod unit;

use std::ops::Range;

use pack::{Part, QUERY_ZERO, pack_keys, pack_values, shift_keys};
use softmax::soften_codes;

use super::linear::linear;
use super::norm::AddNorm;
use super::quantize::{encode, put};
use super::tiles::{Place, blocks, each_row, fours, largest_block, places, with_rows};
use crate::isa::{CodeGroup, Isa, LANES, Lanes, Task, WeightGroup};
use crate::scratch::{Codes, Scratch, take_groups, take_lanes};
use crate::sequences::Sequences;
use crate::weights::layer::{AttentionWeights, WIDEST_HEAD};

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
    let mut store = std::mem::take(&mut scratch.qkv);
    for bounds in sequences.groups(GROUP_ROWS) {
        let (start, end) = (bounds[0], bounds[bounds.len() - 1]);
        let x = &mut x[start * hidden..end * hidden];
        let qkv = take_lanes(&mut store, 3 * x.len() / LANES);
        linear(isa, &weights.qkv, x, qkv, &mut scratch.codes);
        let sequences = bounds.array_windows().map(|&[first, last]| first - start..last - start);
        attend(isa, weights, sequences, qkv, &[0, end - start], 0, x, scratch);
    }
    scratch.qkv = store;
}

/// The block's second half, for the rows of one part: `x ← norm(x + output(attention(qkv)))`.
///
/// `qkv` has the rows of all sequences, each part tiled for itself; `x` the rows of part number `part`.
#[expect(clippy::too_many_arguments, reason = "what is shared by all parts, and what is the part's own")]
pub(crate) fn attend<I: Isa>(
    isa: I,
    weights: &AttentionWeights<'_>,
    sequences: impl Iterator<Item = Range<usize>>,
    qkv: &[[f32; LANES]],
    parts: &[usize],
    part: usize,
    x: &mut [f32],
    scratch: &mut Scratch,
) {
    let hidden = weights.hidden();
    let chunks = 3 * hidden / LANES;
    scratch.places.clear();
    for &[first, last] in parts.array_windows() {
        let own = places(last - first, I::TILE_ROWS, chunks);
        scratch.places.extend(own.map(|place| place.after(first * chunks)));
    }
    let rows = parts[part]..parts[part + 1];
    let context = take_lanes(&mut scratch.rows, x.len() / LANES).as_flattened_mut();
    for sequence in sequences {
        let (first, last) = (sequence.start.max(rows.start), sequence.end.min(rows.end));
        if first < last {
            isa.run(Attend {
                qkv,
                places: &scratch.places[sequence.clone()],
                queries: first - sequence.start..last - sequence.start,
                heads: weights.heads,
                hidden,
                context: &mut context[hidden * (first - rows.start)..hidden * (last - rows.start)],
                keys: &mut scratch.keys,
                key_steps: &mut scratch.key_steps,
                values: &mut scratch.values,
                scores: &mut scratch.scores,
                codes: &mut scratch.codes,
            });
        }
    }
    let projected = take_lanes(&mut scratch.wide, x.len() / LANES);
    linear(isa, &weights.output, context, projected, &mut scratch.codes);
    isa.run(AddNorm { x, y: projected, norm: &weights.norm });
}

/// Attention of some rows of one sequence to all of it, head by head: `context ← softmax(q · k) v`, both products in int8.
///
/// Queries and keys are quantized token by token and values element by element, symmetrically; a weight of the
/// softmax becomes `round(255 e^(score - largest))`, and the weights are divided by the sum of what they became.
struct Attend<'a> {
    /// Tiled rows of queries, keys and values, each of the hidden width.
    qkv: &'a [[f32; LANES]],
    /// Where the sequence's rows are among them.
    places: &'a [Place],
    /// The rows that attend, numbered in the sequence.
    queries: Range<usize>,
    heads: usize,
    hidden: usize,
    /// A row of the hidden width for each query.
    context: &'a mut [f32],
    keys: &'a mut Vec<i8>,
    key_steps: &'a mut Vec<f32>,
    values: &'a mut Vec<i8>,
    scores: &'a mut Vec<f32>,
    codes: &'a mut Codes,
}

impl<I: Isa> Task<I> for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, isa: I) {
        if let Some(unit) = isa.unit(largest_block(self.queries.len(), I::TILE_ROWS)) {
            return self.by_unit(isa, &unit);
        }
        let part = self.parts();
        let tokens = self.places.len();
        let width = self.hidden / self.heads;
        let columns = tokens.div_ceil(LANES);
        let keys = take_groups(self.keys, columns * (width / 4));
        let (key_scales, key_shifts) = take_lanes(self.key_steps, 2 * columns).split_at_mut(columns);
        let values = take_groups(self.values, columns * (width / 4));
        let scores = take_lanes(self.scores, I::TILE_ROWS * columns);
        let deepest = (width / 4).max(columns * 4);
        let (codes, _) = self.codes.take(I::TILE_ROWS * deepest, 0);
        let mut value_scales = [[0.0; LANES]; WIDEST_HEAD / LANES];
        for head in 0..self.heads {
            let largest = pack_keys(isa, part(head, 1), keys, key_scales);
            shift_keys(isa, keys, key_shifts);
            for (c, (values, scales)) in
                values.chunks_exact_mut(columns * 4).zip(&mut value_scales).enumerate()
            {
                pack_values(isa, part(head, 2), c, values, scales);
            }
            let keys = Keys { groups: keys, scales: key_scales, shifts: key_shifts, largest };
            for block in blocks(self.queries.len(), I::TILE_ROWS) {
                let queries =
                    Part { places: &self.places[self.queries.clone()][block.clone()], ..part(head, 0) };
                let context = &mut self.context[block.start * self.hidden..];
                with_rows!(block.len(), I::TILE_ROWS, R => {
                    let scores = &mut scores[..R * columns];
                    let bounded = score::<I, R>(isa, queries, &keys, tokens, &mut codes[..R * (width / 4)], scores);
                    let weights = &mut codes[..R * columns * 4];
                    let inverse = soften_codes::<I, R>(isa, scores, bounded, weights);
                    mix::<I, R>(isa, weights, values, &value_scales, inverse, context, self.hidden, head * width);
                });
            }
        }
    }
}

impl<'a> Attend<'a> {
    /// The columns of a head, by its number, in the sequence's queries, keys or values, which are third 0, 1 and 2.
    #[inline(always)]
    fn parts(&self) -> impl Fn(usize, usize) -> Part<'a> + use<'a> {
        let (matrix, places) = (self.qkv, self.places);
        let third = self.hidden / LANES;
        let chunks = third / self.heads;
        move |head, of| Part { matrix, places, first: of * third + head * chunks, chunks }
    }
}

/// One head's quantized keys.
struct Keys<'a> {
    groups: &'a [WeightGroup],
    scales: &'a [[f32; LANES]],
    shifts: &'a [[f32; LANES]],
    /// The largest scale, or NaN.
    largest: f32,
}

/// Quantizes `R` queries into the groups of a block, and gives their scales.
#[inline(always)]
fn quantize_queries<I: Isa, const R: usize>(isa: I, queries: Part<'_>, codes: &mut [CodeGroup]) -> [f32; R] {
    let mut scales = [0.0; R];
    if R < 4 {
        for (r, scale) in scales.iter_mut().enumerate() {
            let inverse;
            (*scale, inverse) = queries.step(isa, r);
            let inverse = isa.splat(inverse);
            for (chunk, block) in codes.chunks_exact_mut(4 * R).enumerate() {
                put(block, R, r, isa.encode(isa.load(queries.chunk(r, chunk)).mul(inverse), QUERY_ZERO));
            }
        }
        return scales;
    }
    let steps = queries.steps(isa, 0, R);
    scales.copy_from_slice(&steps.scales[..R]);
    for (chunk, block) in codes.chunks_exact_mut(4 * R).enumerate() {
        for r in fours(R) {
            let mut scaled = [isa.splat(0.0); 4];
            for (i, scaled) in scaled.iter_mut().enumerate() {
                *scaled = isa.load(queries.chunk(r + i, chunk)).mul(isa.splat(steps.inverses[r + i]));
            }
            encode(isa, scaled, [QUERY_ZERO; 4], block, R, r);
        }
    }
    scales
}

/// What scores stay below in size where they are said to be bounded: no score of a useful model comes near.
const BOUND: f32 = 1_048_576.0;

/// The scores of `R` queries: rows of whole blocks, and whether all are within [`BOUND`], which stands, negative, for the
/// scores after the last token; else minus infinity does. `codes` is working memory.
#[inline(always)]
fn score<I: Isa, const R: usize>(
    isa: I,
    queries: Part<'_>,
    keys: &Keys<'_>,
    tokens: usize,
    codes: &mut [CodeGroup],
    scores: &mut [[f32; LANES]],
) -> bool {
    let columns = scores.len() / R;
    let groups = keys.groups.len() / columns;
    let scales = quantize_queries::<I, R>(isa, queries, codes);
    // A sum is at most 128 times 127 an element. False for NaN.
    let bounded = scales.iter().all(|scale| scale * keys.largest * ((4 * groups * 128 * 127) as f32) < BOUND);
    let (codes, panel) = (codes.as_chunks().0, |column: usize| &keys.groups[column * groups..][..groups]);
    let mut column = 0;
    if I::TILE_PANELS == 2 {
        while column + 1 < columns {
            let sums = isa.dot::<R, 2>([panel(column), panel(column + 1)], codes);
            scale_scores(isa, sums, keys, &scales, column, scores);
            column += 2;
        }
    }
    for column in column..columns {
        let sums = isa.dot::<R, 1>([panel(column)], codes);
        scale_scores(isa, sums, keys, &scales, column, scores);
    }
    for row in scores.chunks_exact_mut(columns) {
        row.as_flattened_mut()[tokens..].fill(if bounded { -BOUND } else { f32::NEG_INFINITY });
    }
    bounded
}

/// From exact sums to scores, from the block of 16 tokens at `column` on.
#[inline(always)]
fn scale_scores<I: Isa, const R: usize, const P: usize>(
    isa: I,
    sums: [[I::Sums; P]; R],
    keys: &Keys<'_>,
    scales: &[f32; R],
    column: usize,
    scores: &mut [[f32; LANES]],
) {
    let columns = scores.len() / R;
    let (key_scales, shifts) = (&keys.scales[column..][..P], &keys.shifts[column..][..P]);
    each_row!(r, R => {
        let scale = isa.splat(scales[r]);
        let scores = &mut scores[r * columns + column..][..P];
        for p in 0..P {
            let scale = isa.load(&key_scales[p]).mul(scale);
            isa.floats(sums[r][p]).sub(isa.load(&shifts[p])).mul(scale).store(&mut scores[p]);
        }
    });
}

/// Mixes the values by the weights of `R` rows into the head's columns, at `at`, of the context rows.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the parts of one product and where it goes")]
fn mix<I: Isa, const R: usize>(
    isa: I,
    codes: &[CodeGroup],
    values: &[WeightGroup],
    scales: &[[f32; LANES]],
    inverse: [f32; R],
    context: &mut [f32],
    hidden: usize,
    at: usize,
) {
    let codes = codes.as_chunks().0;
    let mut panels = values.chunks_exact(codes.len());
    let mut c = 0;
    if I::TILE_PANELS == 2 {
        while panels.len() >= 2 {
            if let (Some(first), Some(second)) = (panels.next(), panels.next()) {
                let sums = isa.dot::<R, 2>([first, second], codes);
                scale_context(isa, sums, &scales[c..], inverse, context, hidden, at + c * LANES);
            }
            c += 2;
        }
    }
    for panel in panels {
        let sums = isa.dot::<R, 1>([panel], codes);
        scale_context(isa, sums, &scales[c..], inverse, context, hidden, at + c * LANES);
        c += 1;
    }
}

/// From exact sums to context.
#[inline(always)]
fn scale_context<I: Isa, const R: usize, const P: usize>(
    isa: I,
    sums: [[I::Sums; P]; R],
    scales: &[[f32; LANES]],
    inverse: [f32; R],
    context: &mut [f32],
    hidden: usize,
    at: usize,
) {
    let scales = &scales[..P];
    each_row!(r, R => {
        let inverse = isa.splat(inverse[r]);
        let context = context[r * hidden + at..][..P * LANES].as_chunks_mut().0;
        for p in 0..P {
            isa.floats(sums[r][p]).mul(isa.load(&scales[p]).mul(inverse)).store(&mut context[p]);
        }
    });
}
