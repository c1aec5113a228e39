//! Packed sequences: the rows of all sequences one after another, without padding.

use std::ops::Range;

use crate::error::InputError;

/// The sequences of a batch, checked: `bounds[i]..bounds[i + 1]` are the rows of sequence `i`.
#[derive(Clone, Copy)]
pub(crate) struct Sequences<'a> {
    bounds: &'a [usize],
}

impl<'a> Sequences<'a> {
    /// Checks that `bounds` starts with 0, rises strictly and ends at `rows`. One bound alone is an empty batch.
    pub(crate) fn new(bounds: &'a [usize], rows: usize) -> Result<Self, InputError> {
        match (bounds.first(), bounds.last()) {
            (Some(0), Some(&last)) if last == rows => {}
            (Some(0), Some(&found)) => return Err(InputError::LastBound { found, expected: rows }),
            _ => return Err(InputError::FirstBound),
        }
        match bounds.array_windows().position(|[start, end]| end <= start) {
            Some(sequence) => Err(InputError::EmptySequence { sequence }),
            None => Ok(Self { bounds }),
        }
    }

    /// Checks that no sequence has more than `limit` tokens.
    pub(crate) fn at_most(self, limit: usize) -> Result<Self, InputError> {
        match self.iter().enumerate().find(|(_, rows)| rows.len() > limit) {
            Some((sequence, rows)) => Err(InputError::SequenceTooLong { sequence, found: rows.len(), limit }),
            None => Ok(self),
        }
    }

    /// The number of sequences.
    pub(crate) fn len(self) -> usize {
        self.bounds.len() - 1
    }

    /// The rows of each sequence.
    pub(crate) fn iter(self) -> impl Iterator<Item = Range<usize>> + 'a {
        self.bounds.array_windows().map(|&[start, end]| start..end)
    }

    /// Consecutive sequences in groups of at most `limit` rows, or of one longer sequence.
    pub(crate) fn groups(self, limit: usize) -> impl Iterator<Item = &'a [usize]> {
        let mut rest = self.bounds;
        std::iter::from_fn(move || {
            let (&start, ends) = rest.split_first()?;
            let count = ends.iter().take_while(|end| **end - start <= limit).count().max(1);
            let group = rest.get(..=count)?;
            rest = rest.get(count..)?;
            Some(group)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked() {
        assert!(Sequences::new(&[0], 0).is_ok());
        assert!(Sequences::new(&[0, 3, 4], 4).is_ok());
        assert_eq!(Sequences::new(&[], 0).err(), Some(InputError::FirstBound));
        assert_eq!(Sequences::new(&[1, 2], 2).err(), Some(InputError::FirstBound));
        assert_eq!(Sequences::new(&[0, 3], 4).err(), Some(InputError::LastBound { found: 3, expected: 4 }));
        assert_eq!(Sequences::new(&[0, 3, 3, 4], 4).err(), Some(InputError::EmptySequence { sequence: 1 }));
        assert_eq!(Sequences::new(&[0, 9, 4], 4).err(), Some(InputError::EmptySequence { sequence: 1 }));
        assert_eq!(
            Sequences::new(&[0, 2, 5], 5).unwrap().at_most(2).err(),
            Some(InputError::SequenceTooLong { sequence: 1, found: 3, limit: 2 })
        );
    }

    #[test]
    fn groups_hold_whole_sequences() {
        let sequences = Sequences::new(&[0, 2, 4, 9, 10, 11], 11).unwrap();
        let groups: Vec<&[usize]> = sequences.groups(4).collect();
        assert_eq!(groups, [&[0, 2, 4][..], &[4, 9], &[9, 10, 11]]);
        assert_eq!(Sequences::new(&[0], 0).unwrap().groups(4).count(), 0);
    }
}
