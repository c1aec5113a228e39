//! Token ids of several sequences, one after another.

use super::EncodeError;
use crate::bundle::EncoderShape;

/// Token ids of several sequences, packed without padding.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) ids: Vec<u32>,
    pub(super) bounds: Vec<usize>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self { ids: Vec::new(), bounds: vec![0] }
    }

    /// Adds a sequence of token ids, the special ones included.
    pub fn push(&mut self, ids: impl IntoIterator<Item = u32>) {
        self.ids.extend(ids);
        self.bounds.push(self.ids.len());
    }

    /// The sequences of token ids between bounds: where each begins, and at last the number of ids. Nothing where the bounds are none.
    #[must_use]
    pub fn of(ids: Vec<u32>, bounds: Vec<usize>) -> Option<Self> {
        let ascend = bounds.is_sorted() && bounds.first() == Some(&0) && bounds.last() == Some(&ids.len());
        ascend.then_some(Self { ids, bounds })
    }

    /// The first half of the sequences, and the others.
    pub(crate) fn halves(&self) -> (Self, Self) {
        let half = |sequences: std::ops::Range<usize>| {
            let mut batch = Self::new();
            for sequence in sequences {
                if let Some(&[start, end]) = self.bounds.get(sequence..sequence + 2) {
                    batch.push(self.ids.get(start..end).unwrap_or_default().iter().copied());
                }
            }
            batch
        };
        let middle = self.len().div_ceil(2);
        (half(0..middle), half(middle..self.len()))
    }

    /// Number of sequences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// Whether there is no sequence.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of tokens.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Where each sequence begins, and at last the number of tokens.
    #[must_use]
    pub fn bounds(&self) -> &[usize] {
        &self.bounds
    }

    /// The token ids of all sequences, one after another.
    #[must_use]
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Whether a model of this shape can read every sequence. A device would read whatever lies there.
    ///
    /// # Errors
    /// [`EncodeError::Length`] for a sequence of no token or more than the model has positions for, [`EncodeError::Id`] for an id outside
    /// its vocabulary.
    pub fn fits(&self, shape: &EncoderShape) -> Result<(), EncodeError> {
        let limit = shape.positions;
        if let Some(found) = self.lengths().find(|length| !(1..=limit).contains(length)) {
            return Err(EncodeError::Length { found, limit });
        }
        if self.ids.iter().any(|id| usize::try_from(*id).map_or(true, |id| id >= shape.vocabulary)) {
            return Err(EncodeError::Id { limit: shape.vocabulary });
        }
        Ok(())
    }

    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.bounds.windows(2).map(|pair| match pair {
            [start, end] => end - start,
            _ => 0,
        })
    }
}
