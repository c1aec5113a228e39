//! Dynamic quantization of activations: each row to u8 codes with its own scale and zero point.
//!
//! A layer's inputs are first multiplied, element by element, by the layer's input scales. For such a row `x`,
//! `lo = min(0, min x)`, `hi = max(0, max x)`, `scale = (hi - lo) / 255`, and with `inverse = 255 / (hi - lo)`
//! `zero = round(-lo * inverse)` and `code = clamp(round(x * inverse) + zero, 0, 255)`, both to nearest, ties to even.
//! (Multiplying by the inverse costs a twelfth of dividing; a code can differ by one from the quotient's, at a tie.)

#![expect(
    clippy::indexing_slicing,
    reason = "ranges are within lengths that the callers' types were checked for"
)]

use super::activation::Range;
use super::tiles::{MOST_ROWS, blocks, fours};
use crate::isa::{CodeGroup, Isa, LANES, Lanes, Task};
use crate::scratch::{Codes, Step};

/// Rows whose values spread over less than this count as all zero: their inverse scale would overflow.
pub(super) const SMALLEST_RANGE: f32 = 1e-30;

/// Quantizes rows of as many elements as there are input scales, a multiple of 4.
pub(crate) struct Quantize<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) input: &'a [f32],
    pub(crate) codes: &'a mut Codes,
}

impl<I: Isa> Task<I> for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, isa: I) {
        let k = self.input.len();
        let rows = self.x.len() / k;
        let (groups, steps) = room::<I>(self.codes, rows, k);
        for block in blocks(rows, I::TILE_ROWS) {
            let groups = &mut groups[block.start * (k / 4)..block.end * (k / 4)];
            let x = &self.x[block.start * k..block.end * k];
            let (steps, rows) = (&mut steps[block.clone()], block.len());
            if rows < 4 {
                for r in 0..rows {
                    quantize_rows::<I, 1>(isa, &x[r * k..], self.input, groups, steps, r);
                }
            }
            for r in fours(rows) {
                quantize_rows::<I, 4>(isa, &x[r * k..], self.input, groups, steps, r);
            }
        }
    }
}

/// Quantizes a tiled matrix of `k` columns, a multiple of 16, whose rows' ranges are known and whose input scales are
/// applied.
pub(crate) struct QuantizeTiled<'a> {
    pub(crate) x: &'a [[f32; LANES]],
    pub(crate) ranges: &'a [Range],
    pub(crate) k: usize,
    pub(crate) codes: &'a mut Codes,
}

impl<I: Isa> Task<I> for QuantizeTiled<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, isa: I) {
        let rows = self.ranges.len();
        let (groups, steps) = room::<I>(self.codes, rows, self.k);
        for block in blocks(rows, I::TILE_ROWS) {
            let count = block.len();
            let groups = &mut groups[block.start * (self.k / 4)..block.end * (self.k / 4)];
            let x = &self.x[block.start * (self.k / LANES)..block.end * (self.k / LANES)];
            let mut inverses = [0.0; MOST_ROWS];
            let (steps, inverses) = (&mut steps[block.clone()], &mut inverses[..count]);
            for ((to, inverse), range) in steps.iter_mut().zip(&mut *inverses).zip(&self.ranges[block]) {
                let [lo, hi, finite] = [&range.lo, &range.hi, &range.finite].map(|lanes| isa.load(lanes));
                (*to, *inverse) = step(lo.smallest(), hi.largest(), finite.sum() == 0.0);
            }
            if I::BY_ROW {
                encode_tiled_by_row(isa, x, steps, inverses, groups);
                continue;
            }
            if count < 4 {
                for r in 0..count {
                    encode_tiled::<I, 1>(isa, x, steps, inverses, groups, r);
                }
            }
            for r in fours(count) {
                encode_tiled::<I, 4>(isa, x, steps, inverses, groups, r);
            }
        }
    }
}

/// Encodes `N` rows, from row `r` on, of a block whose rows have the `inverses`.
#[inline(always)]
fn encode_tiled<I: Isa, const N: usize>(
    isa: I,
    x: &[[f32; LANES]],
    steps: &[Step],
    inverses: &[f32],
    groups: &mut [CodeGroup],
    r: usize,
) {
    let count = inverses.len();
    let (mut factors, mut zeros) = ([isa.splat(0.0); N], [0; N]);
    for i in 0..N {
        factors[i] = isa.splat(inverses[r + i]);
        zeros[i] = steps[r + i].zero;
    }
    for (x, groups) in x.chunks_exact(count).zip(groups.chunks_exact_mut(4 * count)) {
        if let Some(x) = x[r..].first_chunk::<N>() {
            let mut scaled = factors;
            for (scaled, x) in scaled.iter_mut().zip(x) {
                *scaled = isa.load(x).mul(*scaled);
            }
            encode(isa, scaled, zeros, groups, count, r);
        }
    }
}

/// Encodes the rows of one tile into a block that lies row by row, four chunks at a time as they lie in memory.
#[inline(always)]
fn encode_tiled_by_row<I: Isa>(
    isa: I,
    x: &[[f32; LANES]],
    steps: &[Step],
    inverses: &[f32],
    groups: &mut [CodeGroup],
) {
    let count = steps.len();
    let pitch = groups.len() / count;
    let mut scaled = [isa.splat(0.0); 4];
    for (c, four) in x.chunks(4 * count).enumerate() {
        for r in 0..count {
            let inverse = isa.splat(inverses[r]);
            let to = &mut groups[r * pitch + LANES * c..(r + 1) * pitch];
            if let Some(to) = to.first_chunk_mut() {
                for (i, scaled) in scaled.iter_mut().enumerate() {
                    *scaled = isa.load(&four[i * count + r]).mul(inverse);
                }
                *to = isa.encode_row(scaled, steps[r].zero);
            } else {
                for (to, x) in to.as_chunks_mut().0.iter_mut().zip(four[r..].iter().step_by(count)) {
                    *to = isa.encode(isa.load(x).mul(inverse), steps[r].zero);
                }
            }
        }
    }
}

/// Encodes a chunk of `N` rows from row `r` on into its four groups in a block of `rows` rows.
#[inline(always)]
pub(super) fn encode<I: Isa, const N: usize>(
    isa: I,
    scaled: [I::Lanes; N],
    zeros: [i32; N],
    block: &mut [CodeGroup],
    rows: usize,
    r: usize,
) {
    if let (&[a, b, c, d], &[i, j, k, l]) = (scaled.as_slice(), zeros.as_slice()) {
        if let Some(to) = groups_from(block, rows, r) {
            isa.encode_rows([a, b, c, d], [i, j, k, l], to);
        }
    } else {
        for (i, (scaled, zero)) in scaled.into_iter().zip(zeros).enumerate() {
            put(block, rows, r + i, isa.encode(scaled, zero));
        }
    }
}

/// The places of four rows, from row `r` on, in the first four groups of a block of `rows` rows.
#[inline(always)]
pub(super) fn groups_from(
    block: &mut [CodeGroup],
    rows: usize,
    r: usize,
) -> Option<[&mut [CodeGroup; 4]; 4]> {
    let mut places = block.chunks_exact_mut(rows).filter_map(|group| group[r..].first_chunk_mut());
    Some([places.next()?, places.next()?, places.next()?, places.next()?])
}

/// Puts four groups of row `r` in their places in a block of `rows` rows.
#[inline(always)]
pub(super) fn put(block: &mut [CodeGroup], rows: usize, r: usize, codes: [CodeGroup; 4]) {
    for (i, code) in codes.into_iter().enumerate() {
        block[i * rows + r] = code;
    }
}

/// The codes of a row, in order, from the block form.
pub(crate) fn codes_of_row<I: Isa>(
    codes: &Codes,
    rows: usize,
    k: usize,
    row: usize,
) -> impl Iterator<Item = u8> {
    let block = blocks(rows, I::TILE_ROWS).find(|block| block.contains(&row)).unwrap_or(0..0);
    let groups = &codes.groups()[block.start * (k / 4)..block.end * (k / 4)];
    let r = row - block.start;
    let (first, step) = if I::BY_ROW { (r * (k / 4), 1) } else { (r, block.len().max(1)) };
    groups.iter().skip(first).step_by(step).take(k / 4).flat_map(|group| I::decode(*group))
}

/// Room for the codes of `rows` rows of `k`, and for those of as many more as a matrix unit may read after them.
#[inline(always)]
fn room<I: Isa>(codes: &mut Codes, rows: usize, k: usize) -> (&mut [CodeGroup], &mut [Step]) {
    let more = if I::BY_ROW { I::TILE_ROWS } else { 0 };
    codes.take((rows + more) * (k / 4), rows)
}

/// Quantizes the first `N` rows of `x`, which are those from row `r` on of a block, into the block's groups and steps.
/// Several at once, or each step waits for the one before.
#[inline(always)]
fn quantize_rows<I: Isa, const N: usize>(
    isa: I,
    x: &[f32],
    input: &[f32],
    groups: &mut [CodeGroup],
    steps: &mut [Step],
    r: usize,
) {
    let (inputs, input_tail) = input.as_chunks::<LANES>();
    // Zeros change neither the range, which holds 0, nor any code that is read.
    let mut tails = [[0.0; LANES]; N];
    let mut rows = [inputs; N];
    for ((row, tail), x) in rows.iter_mut().zip(&mut tails).zip(x.chunks_exact(input.len())) {
        let (chunks, rest) = x.as_chunks();
        (*row, *tail) = (&chunks[..inputs.len()], pad(rest));
    }
    let input_tail = pad(input_tail);

    let nothing = isa.splat(0.0);
    let mut ranges = [(nothing, nothing, nothing); N];
    for (c, input) in inputs.iter().enumerate() {
        for (range, row) in ranges.iter_mut().zip(rows) {
            take_in(range, isa.load(&row[c]).mul(isa.load(input)));
        }
    }
    for (range, tail) in ranges.iter_mut().zip(&tails) {
        take_in(range, isa.load(tail).mul(isa.load(&input_tail)));
    }

    let (mut inverses, mut zeros) = ([nothing; N], [0; N]);
    for (i, (lo, hi, finite)) in ranges.into_iter().enumerate() {
        let inverse;
        (steps[r + i], inverse) = step(lo.smallest(), hi.largest(), finite.sum() == 0.0);
        (inverses[i], zeros[i]) = (isa.splat(inverse), steps[r + i].zero);
    }

    if I::BY_ROW {
        let pitch = input.len() / 4;
        for i in 0..N {
            let to = &mut groups[(r + i) * pitch..][..pitch];
            encode_by_row(isa, rows[i], Some(inputs), inverses[i], zeros[i], to);
            let codes = isa.encode(isa.load(&tails[i]).mul(isa.load(&input_tail)).mul(inverses[i]), zeros[i]);
            for (to, code) in to[4 * inputs.len()..].iter_mut().zip(codes) {
                *to = code;
            }
        }
        return;
    }
    let count = steps.len();
    let mut scaled = [nothing; N];
    let mut blocks = groups.chunks_exact_mut(4 * count);
    for ((c, input), block) in inputs.iter().enumerate().zip(&mut blocks) {
        let input = isa.load(input);
        for (scaled, (row, inverse)) in scaled.iter_mut().zip(rows.into_iter().zip(inverses)) {
            *scaled = isa.load(&row[c]).mul(input).mul(inverse);
        }
        encode(isa, scaled, zeros, block, count, r);
    }
    let last = blocks.into_remainder();
    for (i, tail) in tails.iter().enumerate() {
        let codes = isa.encode(isa.load(tail).mul(isa.load(&input_tail)).mul(inverses[i]), zeros[i]);
        for (block, code) in last.chunks_exact_mut(count).zip(codes) {
            block[r + i] = code;
        }
    }
}

/// Encodes the chunks of one row, times their input scales where given, into a block that lies row by row.
#[inline(always)]
fn encode_by_row<I: Isa>(
    isa: I,
    x: &[[f32; LANES]],
    input: Option<&[[f32; LANES]]>,
    inverse: I::Lanes,
    zero: i32,
    to: &mut [CodeGroup],
) {
    let (whole, rest) = to.as_chunks_mut();
    let (fours, chunks) = x.as_chunks::<4>();
    let mut scaled = [inverse; 4];
    for (c, (to, x)) in whole.iter_mut().zip(fours).enumerate() {
        for (i, (scaled, x)) in scaled.iter_mut().zip(x).enumerate() {
            let x = isa.load(x);
            let x = if let Some(input) = input { x.mul(isa.load(&input[4 * c + i])) } else { x };
            *scaled = x.mul(inverse);
        }
        *to = isa.encode_row(scaled, zero);
    }
    for (i, (to, x)) in rest.as_chunks_mut().0.iter_mut().zip(chunks).enumerate() {
        let x = isa.load(x);
        let x = if let Some(input) = input { x.mul(isa.load(&input[4 * fours.len() + i])) } else { x };
        *to = isa.encode(x.mul(inverse), zero);
    }
}

/// Takes values into a range: the least, the largest, and 0 or, when one was not finite, NaN.
#[inline(always)]
fn take_in<L: Lanes>((lo, hi, finite): &mut (L, L, L), x: L) {
    *lo = lo.min(x);
    *hi = hi.max(x);
    // An infinity or a NaN less itself is NaN, and stays.
    *finite = finite.add(x.sub(x));
}

/// Fewer than 16 elements, with zeros after them.
#[inline(always)]
fn pad(tail: &[f32]) -> [f32; LANES] {
    let mut padded = [0.0; LANES];
    for (to, from) in padded.iter_mut().zip(tail) {
        *to = *from;
    }
    padded
}

/// The step and its inverse for a row within `lo..=hi`, which holds 0.
#[inline(always)]
fn step(lo: f32, hi: f32, finite: bool) -> (Step, f32) {
    let range = hi - lo;
    if !finite || !range.is_finite() {
        // Every output of the row becomes NaN.
        return (Step { scale: f32::NAN, zero: 0, offset: 0.0 }, 0.0);
    }
    if range < SMALLEST_RANGE {
        return (Step { scale: 0.0, zero: 0, offset: 0.0 }, 0.0);
    }
    let inverse = 255.0 / range;
    let offset = (-lo * inverse).round_ties_even();
    (Step { scale: range / 255.0, zero: offset as i32, offset }, inverse)
}
