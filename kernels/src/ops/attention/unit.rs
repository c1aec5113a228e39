//! Attention by a matrix unit: the same products, whose sums come by memory.

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use super::pack::{Part, QUERY_ZERO, pack_keys, pack_values, shift_keys};
use super::{Attend, Keys};
use crate::isa::{CodeGroup, Isa, LANES, Lanes, MatrixUnit, STEP, WeightGroup};
use crate::ops::exp::weights;
use crate::ops::linear::UnitSums;
use crate::ops::tiles::{MOST_ROWS, blocks};
use crate::scratch::{take_groups, take_lanes};
use crate::weights::layer::WIDEST_HEAD;

impl Attend<'_> {
    /// [`Attend`] by a matrix unit.
    ///
    /// Panels of keys and values are filled up with zeros to whole steps, so what the codes hold there is of no account.
    #[inline(always)]
    pub(super) fn by_unit<I: Isa>(self, isa: I, unit: &I::Unit) {
        let part = self.parts();
        let tokens = self.places.len();
        let width = self.hidden / self.heads;
        let columns = tokens.div_ceil(LANES);
        let stride = row_stride(columns);
        let (key_groups, value_groups) =
            ((width / 4).next_multiple_of(STEP), (4 * columns).next_multiple_of(STEP));
        let keys = take_groups(self.keys, columns * key_groups);
        let (key_scales, key_shifts) = take_lanes(self.key_steps, 2 * columns).split_at_mut(columns);
        let values = take_groups(self.values, width / LANES * value_groups);
        let scores = take_lanes(self.scores, I::TILE_ROWS * stride);
        let (codes, _) = self.codes.take(I::TILE_ROWS * key_groups.max(value_groups), 0);
        let mut value_scales = [[0.0; LANES]; WIDEST_HEAD / LANES];
        keys.fill([0; 64]);
        for head in 0..self.heads {
            let largest = pack_keys(isa, part(head, 1), keys, key_scales);
            shift_keys(isa, keys, key_shifts);
            for (c, (values, scales)) in
                values.chunks_exact_mut(value_groups).zip(&mut value_scales).enumerate()
            {
                pack_values(isa, part(head, 2), c, values, scales);
            }
            let keys = Keys { groups: keys, scales: key_scales, shifts: key_shifts, largest };
            for block in blocks(self.queries.len(), I::TILE_ROWS) {
                let queries =
                    Part { places: &self.places[self.queries.clone()][block.clone()], ..part(head, 0) };
                let context = &mut self.context[block.start * self.hidden..block.end * self.hidden];
                let mut scales = [0.0; MOST_ROWS];
                let scales = &mut scales[..block.len()];
                quantize_queries(isa, queries, codes, key_groups, scales);
                score::<I>(unit, codes, keys.groups, columns, scores);
                let mut inverses = [0.0; MOST_ROWS];
                let inverses = &mut inverses[..block.len()];
                soften(isa, unit, &keys, scales, tokens, scores, codes, inverses);
                mix(
                    isa,
                    unit,
                    codes,
                    values,
                    value_groups,
                    &value_scales,
                    inverses,
                    context,
                    self.hidden,
                    head * width,
                );
            }
        }
    }
}

/// Quantizes queries row by row, `pitch` groups apart, 16 of them at a time.
#[inline(always)]
fn quantize_queries<I: Isa>(
    isa: I,
    queries: Part<'_>,
    codes: &mut [CodeGroup],
    pitch: usize,
    scales: &mut [f32],
) {
    for ((block, scales), codes) in scales.chunks_mut(LANES).enumerate().zip(codes.chunks_mut(LANES * pitch))
    {
        let steps = queries.steps(isa, block * LANES, scales.len());
        let rows = codes.chunks_exact_mut(pitch).zip(steps.inverses).zip(block * LANES..);
        for (((codes, inverse), row), (scale, of_row)) in rows.zip(scales.iter_mut().zip(steps.scales)) {
            *scale = of_row;
            for (chunk, codes) in codes.as_chunks_mut().0.iter_mut().enumerate().take(queries.chunks) {
                let scaled = isa.load(queries.chunk(row, chunk)).mul(isa.splat(inverse));
                *codes = isa.encode(scaled, QUERY_ZERO);
            }
        }
    }
}

/// Columns from one row of scores to the next: even, since two are made at once, and no multiple of four, with which a
/// block's rows would meet in a few sets of the first cache.
#[inline(always)]
fn row_stride(columns: usize) -> usize {
    columns.next_multiple_of(2) | 2
}

/// The products of a block's queries and all keys, as sums.
#[inline(always)]
fn score<I: Isa>(
    unit: &I::Unit,
    codes: &[CodeGroup],
    keys: &[WeightGroup],
    columns: usize,
    scores: &mut [[f32; LANES]],
) {
    let groups = keys.len() / columns;
    let stride = row_stride(columns);
    let mut panels = keys.chunks_exact(groups);
    let mut column = 0;
    while let Some(first) = panels.next() {
        let second = panels.next().unwrap_or(first);
        unit.multiply([first, second], codes, &[], &mut scores[column..], stride);
        column += 2;
    }
}

/// From a block's sums to scores, and from these to the codes of their weights and the inverse of each row's sum.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the parts of one product and what it becomes")]
fn soften<I: Isa>(
    isa: I,
    unit: &I::Unit,
    keys: &Keys<'_>,
    scales: &[f32],
    tokens: usize,
    scores: &mut [[f32; LANES]],
    codes: &mut [CodeGroup],
    inverses: &mut [f32],
) {
    let columns = keys.scales.len();
    let (stride, pitch) = (row_stride(columns), (4 * columns).next_multiple_of(STEP));
    let last = columns - 1;
    let (scale, shift) = (isa.load(&keys.scales[last]), isa.load(&keys.shifts[last]));
    for (scores, of_row) in scores[last..].iter_mut().step_by(stride).zip(scales) {
        isa.floats(unit.sums(scores)).sub(shift).mul(scale.mul(isa.splat(*of_row))).store(scores);
        scores[tokens - LANES * last..].fill(f32::NEG_INFINITY);
    }
    let rows = scales.len();
    let whole = rows - rows % 4;
    let (scores, rest_scores) = scores.split_at_mut(whole * stride);
    let (codes, rest_codes) = codes.split_at_mut(whole * pitch);
    let (inverses, rest_inverses) = inverses.split_at_mut(whole);
    let (fours, rest_scales) = scales.split_at(whole);
    let each = scores.chunks_exact_mut(4 * stride).zip(codes.chunks_exact_mut(4 * pitch));
    for (((scores, codes), scales), inverses) in each.zip(fours.as_chunks().0).zip(inverses.as_chunks_mut().0)
    {
        *inverses = soften_rows::<I, 4>(isa, unit, keys, scales, scores, codes);
    }
    let each = rest_scores.chunks_exact_mut(stride).zip(rest_codes.chunks_exact_mut(pitch));
    for (((scores, codes), scales), inverses) in
        each.zip(rest_scales.as_chunks().0).zip(rest_inverses.as_chunks_mut().0)
    {
        *inverses = soften_rows::<I, 1>(isa, unit, keys, scales, scores, codes);
    }
}

/// [`soften`] for `N` rows, whose last column is already one of scores. Several at once, or each step waits for the one
/// before.
#[inline(always)]
fn soften_rows<I: Isa, const N: usize>(
    isa: I,
    unit: &I::Unit,
    keys: &Keys<'_>,
    scales: &[f32; N],
    scores: &mut [[f32; LANES]],
    codes: &mut [CodeGroup],
) -> [f32; N] {
    let columns = keys.scales.len();
    let (stride, pitch) = (scores.len() / N, codes.len() / N);
    let mut largest = [isa.splat(f32::NEG_INFINITY); N];
    for (c, (scale, shift)) in keys.scales.iter().zip(keys.shifts).enumerate().take(columns - 1) {
        let (scale, shift) = (isa.load(scale), isa.load(shift));
        for i in 0..N {
            let to = &mut scores[i * stride + c];
            let score = isa.floats(unit.sums(to)).sub(shift).mul(scale.mul(isa.splat(scales[i])));
            score.store(to);
            largest[i] = largest[i].max(score);
        }
    }
    for i in 0..N {
        let last = isa.load(&scores[i * stride + columns - 1]);
        largest[i] = isa.splat(largest[i].max(last).largest());
    }
    // Whole numbers below 2^24: their sum is exact. NaN goes into the sum, if not into a code.
    let mut sums = [isa.splat(0.0); N];
    for c in 0..columns / 4 {
        for i in 0..N {
            let mut x = [isa.splat(0.0); 4];
            for (j, x) in x.iter_mut().enumerate() {
                *x = isa.load(&scores[i * stride + 4 * c + j]).sub(largest[i]);
            }
            let [four] = weights(isa, [x]);
            for weight in four {
                sums[i] = sums[i].add(weight);
            }
            if let Some(to) = codes[i * pitch + LANES * c..].first_chunk_mut() {
                *to = isa.encode_row(four, 0);
            }
        }
    }
    for c in columns - columns % 4..columns {
        for i in 0..N {
            let [[weight]] = weights(isa, [[isa.load(&scores[i * stride + c]).sub(largest[i])]]);
            sums[i] = sums[i].add(weight);
            codes[i * pitch + 4 * c..][..4].copy_from_slice(&isa.encode(weight, 0));
        }
    }
    let mut inverse = [0.0; N];
    for (inverse, sum) in inverse.iter_mut().zip(sums) {
        *inverse = 1.0 / sum.sum();
    }
    inverse
}

/// Mixes the values by a block's weights into the head's columns, at `at`, of the context rows.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the parts of one product and where it goes")]
fn mix<I: Isa>(
    isa: I,
    unit: &I::Unit,
    codes: &[CodeGroup],
    values: &[WeightGroup],
    groups: usize,
    scales: &[[f32; LANES]],
    inverses: &[f32],
    context: &mut [f32],
    hidden: usize,
    at: usize,
) {
    let mut sums = UnitSums::default();
    let mut panels = values.chunks_exact(groups);
    let mut scales = scales.iter();
    let mut at = at;
    while let Some(first) = panels.next() {
        let second = panels.next();
        unit.multiply([first, second.unwrap_or(first)], codes, &[], &mut sums.0, 2);
        for p in 0..if second.is_some() { 2 } else { 1 } {
            let Some(scale) = scales.next() else { return };
            let scale = isa.load(scale);
            let rows = context.chunks_exact_mut(hidden).zip(sums.0[p..].iter().step_by(2)).zip(inverses);
            for ((row, sums), inverse) in rows {
                if let Some(to) = row[at..].first_chunk_mut() {
                    isa.floats(unit.sums(sums)).mul(scale.mul(isa.splat(*inverse))).store(to);
                }
            }
            at += LANES;
        }
    }
}
