//! Sequences of like length together, so that little of what an accelerator computes is padding.

use crate::encode::Batch;

/// Tokens, padding included, that a group has before a shorter sequence begins another one: below it a launch costs more than
/// padding does.
const WORTH_A_GROUP: usize = 4096;
/// A sequence begins another group when its length is below this share of the group's, in quarters.
const LEAST_QUARTERS: usize = 3;
/// Tokens of a group, padding included.
const MOST_TOKENS: usize = 1 << 15;
/// Attention scores of a group: pairs of tokens times heads.
const MOST_SCORES: usize = 1 << 27;

/// Sequences that are computed together, by their places in the batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) sequences: Vec<usize>,
    /// The length of the longest.
    width: usize,
}

/// A group's rows, all of one width.
#[derive(Debug)]
pub(super) struct Padded {
    pub(super) rows: usize,
    pub(super) width: usize,
    /// Token ids, 0 where there is none.
    pub(super) ids: Vec<u32>,
    /// The position of each token in its sequence.
    pub(super) positions: Vec<u32>,
    /// Added to attention's scores: 0 for a token, minus infinity where there is none.
    pub(super) mask: Vec<f32>,
    /// What each token is of its sequence's mean.
    pub(super) shares: Vec<f32>,
}

/// Groups of the sequences of these lengths, in a model of so many attention `heads`; every sequence is in one.
pub(super) fn groups(lengths: &[usize], heads: usize) -> Vec<Group> {
    let mut order: Vec<(usize, usize)> = lengths.iter().copied().enumerate().collect();
    // The longest first: it says how wide its group is.
    order.sort_by_key(|(place, length)| (std::cmp::Reverse(*length), *place));
    let mut groups: Vec<Group> = Vec::new();
    for (place, length) in order {
        match groups.last_mut() {
            Some(group) if group.takes(length, heads) => group.sequences.push(place),
            _ => groups.push(Group { sequences: vec![place], width: length }),
        }
    }
    groups
}

impl Group {
    /// Whether a sequence of this length, no longer than the group's, is one of it.
    fn takes(&self, length: usize, heads: usize) -> bool {
        let rows = self.sequences.len();
        let tokens = (rows + 1).saturating_mul(self.width);
        let scores = tokens.saturating_mul(self.width).saturating_mul(heads);
        let alike = 4 * length >= LEAST_QUARTERS * self.width;
        tokens <= MOST_TOKENS && scores <= MOST_SCORES && (alike || rows * self.width < WORTH_A_GROUP)
    }

    /// The group's tokens in `batch`.
    pub(super) fn padded(&self, batch: &Batch) -> Padded {
        let (rows, width) = (self.sequences.len(), self.width);
        let size = rows * width;
        let mut padded = Padded {
            rows,
            width,
            ids: Vec::with_capacity(size),
            positions: Vec::with_capacity(size),
            mask: Vec::with_capacity(size),
            shares: Vec::with_capacity(size),
        };
        for sequence in &self.sequences {
            let bounds = batch.bounds().get(*sequence..sequence + 2);
            let ids = match bounds {
                Some(&[start, end]) => batch.ids.get(start..end).unwrap_or_default(),
                _ => &[],
            };
            let padding = width.saturating_sub(ids.len());
            padded.ids.extend(ids.iter().copied().chain(std::iter::repeat_n(0, padding)));
            padded.positions.extend((0..).take(ids.len()).chain(std::iter::repeat_n(0, padding)));
            padded.mask.extend(std::iter::repeat_n(0.0, ids.len()));
            padded.mask.extend(std::iter::repeat_n(f32::NEG_INFINITY, padding));
            padded.shares.extend(std::iter::repeat_n(1.0 / ids.len() as f32, ids.len()));
            padded.shares.extend(std::iter::repeat_n(0.0, padding));
        }
        padded
    }
}

impl Padded {
    /// Whether there is no padding.
    pub(super) fn is_even(&self) -> bool {
        self.mask.iter().all(|added| *added == 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(lengths: &[usize]) -> Vec<(usize, usize)> {
        groups(lengths, 12).iter().map(|group| (group.width, group.sequences.len())).collect()
    }

    #[test]
    fn every_sequence_is_in_one_group() {
        let lengths: Vec<usize> = (0..5000).map(|n| 1 + n * 37 % 512).collect();
        let groups = groups(&lengths, 12);
        let mut places: Vec<usize> = groups.iter().flat_map(|group| group.sequences.clone()).collect();
        places.sort_unstable();
        assert_eq!(places, (0..5000).collect::<Vec<_>>());
        for group in &groups {
            assert!(group.sequences.iter().all(|place| lengths[*place] <= group.width));
            let tokens = group.sequences.len() * group.width;
            assert!(tokens <= MOST_TOKENS && tokens * group.width * 12 <= MOST_SCORES);
        }
        let real: usize = lengths.iter().sum();
        let padded: usize = groups.iter().map(|group| group.sequences.len() * group.width).sum();
        assert!(padded * 4 <= real * 5, "{padded} tokens computed for {real}");
    }

    #[test]
    fn a_small_batch_is_one_group_and_a_large_one_is_split() {
        assert_eq!(widths(&[]), []);
        assert_eq!(widths(&[3, 512, 40]), [(512, 3)]);
        // Ten of the longest make a group worth its own launch.
        assert_eq!(widths(&[[512; 10].as_slice(), &[16; 10]].concat()), [(512, 10), (16, 10)]);
        assert_eq!(widths(&[512; 100]), [(512, 42), (512, 42), (512, 16)]);
        assert_eq!(widths(&[16; 4096]), [(16, 2048), (16, 2048)]);
    }

    #[test]
    fn padding_weighs_nothing() {
        let mut batch = Batch::new();
        batch.push([7, 8, 9]);
        batch.push([5]);
        let padded = groups(&[3, 1], 12).first().unwrap().padded(&batch);
        assert_eq!((padded.rows, padded.width, padded.is_even()), (2, 3, false));
        assert_eq!(padded.ids, [7, 8, 9, 5, 0, 0]);
        assert_eq!(padded.positions, [0, 1, 2, 0, 0, 0]);
        assert_eq!(padded.mask, [0.0, 0.0, 0.0, 0.0, f32::NEG_INFINITY, f32::NEG_INFINITY]);
        assert_eq!(padded.shares, [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 1.0, 0.0, 0.0]);
    }
}
