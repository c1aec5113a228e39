//! Splitting rows into the blocks that one tile takes, and the order of a matrix that is made block by block.
//!
//! A *tiled* matrix keeps the rows of a block together, chunk by chunk: `[row block][chunk of 16 columns][row][16]`.
//! A tile of the product then writes one piece of memory, and whoever reads a head's or a chunk's columns of many rows
//! reads one.

use std::ops::Range;

/// Most rows of any tile.
pub(super) const MOST_ROWS: usize = 32;

/// Splits `rows` rows into as few blocks of at most `most` rows as will do, of sizes as even as may be.
///
/// Even blocks beat full blocks and a remnant: a tile of few rows spends its time on loading weights. Where `most` is a
/// multiple of four, all blocks but the last are, for what takes four rows at once.
#[inline(always)]
pub(super) fn blocks(rows: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let unit = if most.is_multiple_of(4) { 4 } else { 1 };
    let (units, count) = (rows.div_ceil(unit), rows.div_ceil(most));
    let (least, longer) = match count {
        0 => (0, 0),
        _ => (units / count, units % count),
    };
    (0..count).map(move |i| {
        let start = i * least + i.min(longer);
        let end = start + least + usize::from(i < longer);
        unit * start..rows.min(unit * end)
    })
}

/// The rows of the largest of [`blocks`], to a multiple of four, which may be a few more.
#[inline(always)]
pub(super) fn largest_block(rows: usize, most: usize) -> usize {
    rows.div_ceil(rows.div_ceil(most).max(1)).next_multiple_of(4)
}

/// Where the fours of rows begin that cover a block: side by side, and the last, if need be, over rows of the one before.
/// None for fewer than four rows.
#[inline(always)]
pub(super) fn fours(rows: usize) -> impl Iterator<Item = usize> {
    let last = rows.checked_sub(4);
    last.into_iter().flat_map(move |last| (0..rows.div_ceil(4)).map(move |i| (4 * i).min(last)))
}

/// Where a row of a tiled matrix lies: its chunk `c` is number `start + c * stride`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    start: usize,
    stride: usize,
}

impl Place {
    /// The same place in a matrix that comes after `chunks` others.
    #[inline(always)]
    pub(crate) fn after(self, chunks: usize) -> Self {
        Self { start: self.start + chunks, ..self }
    }

    /// The number of a chunk.
    #[inline(always)]
    pub(crate) fn chunk(self, c: usize) -> usize {
        self.start + c * self.stride
    }
}

/// The places of `rows` rows of `chunks` chunks each, in blocks of at most `most` rows.
#[inline(always)]
pub(crate) fn places(rows: usize, most: usize, chunks: usize) -> impl Iterator<Item = Place> {
    blocks(rows, most).flat_map(move |block| {
        let (start, stride) = (block.start * chunks, block.len());
        (0..stride).map(move |r| Place { start: start + r, stride })
    })
}

/// Calls `$tile::<I, R>` with the constant `R` that equals `$rows`, for 1 to 12 rows and at most `$most`.
macro_rules! with_rows {
    ($rows:expr, $most:expr, $R:ident => $call:expr) => {
        $crate::ops::tiles::with_rows!(@ $rows, $most, $R => $call; 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    (@ $rows:expr, $most:expr, $R:ident => $call:expr; $($n:literal)*) => {
        match $rows {
            $($n if $n <= $most => {
                const $R: usize = $n;
                $call
            })*
            _ => {}
        }
    };
}
pub(super) use with_rows;

/// Writes `$body` out for each row `$r` below `$R`, at most 12, as a constant: an array of a tile's sums that is only
/// ever indexed by constants stays in registers, and a loop that the compiler leaves rolled would put it in memory.
macro_rules! each_row {
    ($r:ident, $R:expr => $body:expr) => {
        $crate::ops::tiles::each_row!(@ $r, $R => $body; 0 1 2 3 4 5 6 7 8 9 10 11)
    };
    (@ $r:ident, $R:expr => $body:expr; $($n:literal)*) => {
        $(if $n < $R {
            let $r: usize = $n;
            $body
        })*
    };
}
pub(super) use each_row;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_a_permutation() {
        for (rows, most, chunks) in [(1, 1, 1), (5, 2, 3), (25, 12, 24), (8, 6, 2)] {
            let mut seen: Vec<usize> = places(rows, most, chunks)
                .flat_map(|place| (0..chunks).map(move |c| place.chunk(c)))
                .collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..rows * chunks).collect::<Vec<_>>());
        }
    }

    #[test]
    fn fours_cover_the_rows() {
        for rows in 4..13 {
            let mut seen: Vec<usize> = fours(rows).flat_map(|first| first..first + 4).collect();
            seen.dedup();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (0..rows).collect::<Vec<_>>());
        }
        assert!((0..4).all(|rows| fours(rows).next().is_none()));
    }

    #[test]
    fn blocks_cover_the_rows_evenly() {
        for rows in 0..200 {
            for most in 1..33 {
                let blocks: Vec<_> = blocks(rows, most).collect();
                assert_eq!(blocks.len(), rows.div_ceil(most));
                let mut next = 0;
                for block in &blocks {
                    assert_eq!(block.start, next);
                    next = block.end;
                }
                assert_eq!(next, rows);
                let sizes = blocks.iter().map(|block| block.len());
                assert!(sizes.clone().all(|size| size <= largest_block(rows, most)));
                assert!(largest_block(rows, most) <= most.next_multiple_of(4));
                let slack = if most % 4 == 0 { 7 } else { 1 };
                assert!(sizes.clone().max().unwrap_or(0) <= sizes.clone().min().unwrap_or(0) + slack);
                assert!(sizes.max().unwrap_or(0) <= most);
            }
        }
    }
}
