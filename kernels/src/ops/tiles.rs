//! Splitting rows into the blocks that one tile takes.

use std::ops::Range;

/// Splits `rows` rows into as few blocks of at most `most` rows as will do, of sizes that differ by at most one.
///
/// Even blocks beat full blocks and a remnant: a tile of few rows spends its time on loading weights.
#[inline(always)]
pub(super) fn blocks(rows: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let count = rows.div_ceil(most);
    let (least, longer) = match count {
        0 => (0, 0),
        _ => (rows / count, rows % count),
    };
    (0..count).map(move |i| {
        let start = i * least + i.min(longer);
        start..start + least + usize::from(i < longer)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_the_rows_evenly() {
        for rows in 0..200 {
            for most in 1..13 {
                let blocks: Vec<_> = blocks(rows, most).collect();
                assert_eq!(blocks.len(), rows.div_ceil(most));
                let mut next = 0;
                for block in &blocks {
                    assert_eq!(block.start, next);
                    next = block.end;
                }
                assert_eq!(next, rows);
                let sizes = blocks.iter().map(|block| block.len());
                assert!(sizes.clone().max().unwrap_or(0) <= sizes.clone().min().unwrap_or(0) + 1);
                assert!(sizes.max().unwrap_or(0) <= most);
            }
        }
    }
}
