//! What is copied to the device for a batch: which sequences go through the layers together, and where of them lies what.

use std::ops::Range;

use super::plan::MOST_POSITIONS;

/// Most tokens and sequences of a batch that is answered by a recorded graph.
pub(crate) const MOST_GRAPH_TOKENS: usize = 2048;
pub(crate) const MOST_GRAPH_SEQUENCES: usize = 64;
/// Most tokens and sequences that are copied at once.
const MOST_TOKENS: usize = 1 << 17;
const MOST_SEQUENCES: usize = 1 << 13;
/// Numbers that the kernels are told first: tokens, sequences, tiles of queries.
const COUNTS: usize = 4;
/// Numbers of a tile of queries: where its sequence begins and ends, its first query, nothing.
const TILE: usize = 4;

/// What a graph is recorded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bucket {
    pub(crate) tokens: usize,
    pub(crate) sequences: usize,
}

/// Where what of a part lies, in numbers of 32 bits from the part's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) bounds: usize,
    pub(crate) ids: usize,
    pub(crate) positions: usize,
    pub(crate) tiles: usize,
    pub(crate) end: usize,
}

impl Bucket {
    /// The smallest bucket with room for so much; none for more than graphs are recorded for.
    pub(crate) fn of(tokens: usize, sequences: usize) -> Option<Self> {
        if tokens > MOST_GRAPH_TOKENS || sequences > MOST_GRAPH_SEQUENCES {
            return None;
        }
        // An eighth more at most, above the smallest.
        let step = (tokens.next_power_of_two() / 8).max(16);
        Some(Self { tokens: tokens.next_multiple_of(step), sequences: sequences.next_power_of_two() })
    }

    /// Most tiles of so many queries that its sequences can have.
    pub(crate) fn tiles(&self, rows: usize) -> usize {
        self.tokens / rows + self.sequences
    }
}

impl Places {
    pub(crate) fn of(tokens: usize, sequences: usize, tiles: usize) -> Self {
        // At multiples of 16 bytes.
        let after = |at: usize, numbers: usize| (at + numbers).next_multiple_of(4);
        let bounds = COUNTS;
        let ids = after(bounds, sequences + 1);
        let positions = after(ids, tokens);
        let tiles_at = after(positions, tokens);
        Self { bounds, ids, positions, tiles: tiles_at, end: after(tiles_at, tiles * TILE) }
    }

    /// Writes a part's sequences; nothing where there is too little room.
    pub(crate) fn write(&self, ids: &[u32], bounds: &[usize], rows: usize, to: &mut [u32]) -> Option<()> {
        let first = *bounds.first()?;
        let tokens = bounds.last()? - first;
        let number = |number: usize| u32::try_from(number).unwrap_or_default();
        let lengths = || {
            bounds.windows(2).map(|pair| pair.last().zip(pair.first()).map_or(0, |(end, start)| end - start))
        };
        let counts = [tokens, bounds.len() - 1, tiles(bounds, rows), 0];
        fill(to, 0, counts.into_iter().map(number))?;
        fill(to, self.bounds, bounds.iter().map(|bound| number(bound - first)))?;
        to.get_mut(self.ids..self.ids + tokens)?.copy_from_slice(ids.get(first..first + tokens)?);
        fill(to, self.positions, lengths().flat_map(|length| 0..number(length)))?;
        let tiles = bounds.iter().zip(lengths()).flat_map(|(begin, length)| {
            let (begin, end) = (number(begin - first), number(begin - first + length));
            (0..number(length)).step_by(rows).flat_map(move |query| [begin, end, query, 0])
        });
        fill(to, self.tiles, tiles)
    }
}

/// Writes the numbers from `at` on; nothing where they do not fit.
fn fill(to: &mut [u32], at: usize, numbers: impl Iterator<Item = u32>) -> Option<()> {
    let mut room = to.get_mut(at..)?.iter_mut();
    for number in numbers {
        *room.next()? = number;
    }
    Some(())
}

/// Tiles of `rows` queries of sequences between these bounds.
pub(crate) fn tiles(bounds: &[usize], rows: usize) -> usize {
    let lengths = bounds.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?));
    lengths.map(|length| length.div_ceil(rows)).sum()
}

/// Ranges of sequences that are copied together.
pub(crate) fn flights(bounds: &[usize]) -> Vec<Range<usize>> {
    ranges(bounds, 0..bounds.len().saturating_sub(1), MOST_TOKENS, MOST_SEQUENCES)
}

/// Ranges of a flight's sequences that go through all layers together: as few as have `most` tokens each, or a sequence more, and about
/// equal ones.
pub(crate) fn parts(bounds: &[usize], flight: Range<usize>, most: usize) -> Vec<Range<usize>> {
    let at = |place: usize| bounds.get(place).copied().unwrap_or_default();
    let tokens = at(flight.end).saturating_sub(at(flight.start));
    let each = tokens.div_ceil(tokens.div_ceil(most).max(1));
    ranges(bounds, flight, (each + MOST_POSITIONS - 1).min(most + MOST_POSITIONS), usize::MAX)
}

/// Ranges of consecutive sequences with at most so many tokens and sequences each.
fn ranges(bounds: &[usize], of: Range<usize>, tokens: usize, sequences: usize) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for place in of {
        let fits = |range: &&mut Range<usize>| {
            let within =
                bounds.get(place + 1).zip(bounds.get(range.start)).map_or(0, |(end, start)| end - start);
            within <= tokens && range.len() < sequences
        };
        match ranges.last_mut().filter(fits) {
            Some(range) => range.end = place + 1,
            None => ranges.push(place..place + 1),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(lengths: &[usize]) -> Vec<usize> {
        let ends = lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        });
        std::iter::once(0).chain(ends).collect()
    }

    #[test]
    fn a_part_is_told_without_padding() {
        let (ids, bounds): (Vec<u32>, _) = ((100..125).collect(), bounds(&[2, 20, 3]));
        // The last two sequences, in tiles of 16 queries.
        let places = Places::of(23, 2, tiles(&bounds[1..], 16));
        assert_eq!(tiles(&bounds[1..], 16), 3);
        let mut to = vec![u32::MAX; places.end];
        places.write(&ids, &bounds[1..], 16, &mut to).unwrap();
        assert_eq!(to[..4], [23, 2, 3, 0]);
        assert_eq!(to[places.bounds..places.bounds + 3], [0, 20, 23]);
        assert_eq!(to[places.ids..places.ids + 23], ids[2..25]);
        assert_eq!(to[places.positions..places.positions + 23], (0..20).chain(0..3).collect::<Vec<u32>>());
        assert_eq!(to[places.tiles..], [0, 20, 0, 0, 0, 20, 16, 0, 20, 23, 0, 0]);
        for place in [places.bounds, places.ids, places.positions, places.tiles, places.end] {
            assert_eq!(place % 4, 0);
        }
        assert_eq!(places.write(&ids, &bounds[1..], 16, &mut to[..places.end - 1]), None);
        assert_eq!(places.write(&ids[..9], &bounds[1..], 16, &mut to), None);
    }

    #[test]
    fn every_small_batch_has_a_bucket_near_its_size() {
        for tokens in 1..=MOST_GRAPH_TOKENS {
            let bucket = Bucket::of(tokens, 5).unwrap();
            assert!(
                bucket.tokens >= tokens && bucket.tokens < tokens + 16.max(tokens / 4),
                "{tokens} {bucket:?}"
            );
            assert_eq!(bucket.sequences, 8);
            assert_eq!(Bucket::of(bucket.tokens, 8), Some(bucket));
        }
        assert_eq!(Bucket::of(MOST_GRAPH_TOKENS + 1, 1), None);
        assert_eq!(Bucket::of(100, MOST_GRAPH_SEQUENCES + 1), None);
        let mut all: Vec<Bucket> = (1..=MOST_GRAPH_TOKENS)
            .flat_map(|tokens| {
                (1..=MOST_GRAPH_SEQUENCES).filter_map(move |sequences| Bucket::of(tokens, sequences))
            })
            .collect();
        all.sort_unstable_by_key(|bucket| (bucket.tokens, bucket.sequences));
        all.dedup();
        assert!(all.len() <= 170, "{}", all.len());
        // As many tiles as any of its batches can have.
        for lengths in [&[16, 16, 1][..], &[17, 31], &[1; 8], &[100, 3, 3, 3, 3]] {
            let bucket = Bucket::of(lengths.iter().sum(), lengths.len()).unwrap();
            assert!(tiles(&bounds(lengths), 16) <= bucket.tiles(16), "{lengths:?}");
        }
    }

    #[test]
    fn large_batches_are_parted_evenly() {
        let lengths: Vec<usize> = (0..5000).map(|at| 1 + at * 37 % 512).collect();
        let bounds = bounds(&lengths);
        let flights = flights(&bounds);
        let tokens = |range: &Range<usize>| bounds[range.end] - bounds[range.start];
        assert!(flights.iter().all(|flight| tokens(flight) <= MOST_TOKENS));
        let mut next = 0;
        for flight in &flights {
            let parts = parts(&bounds, flight.clone(), 33792);
            assert!(parts.len() <= tokens(flight).div_ceil(33792));
            for part in &parts {
                assert_eq!(part.start, next);
                assert!(tokens(part) <= 33792 + 512);
                next = part.end;
            }
        }
        assert_eq!(next, lengths.len());
        let many = self::bounds(&vec![1; 20_000]);
        assert_eq!(self::flights(&many), [0..8192, 8192..16384, 16384..20_000]);
        let parts = parts(&many, 8192..16384, 33792);
        assert!(parts.len() == 1 && parts[0] == (8192..16384));
        assert!(self::flights(&[0]).is_empty());
    }
}
