//! The embedding tables: int8 rows, each with its own scale.

#![expect(clippy::indexing_slicing, reason = "rows are checked against the table before")]

use std::fmt;

use crate::error::ShapeError;
use crate::isa::LANES;
use crate::weights::norm::Norm;

/// The word and position tables and the normalisation of their sum.
///
/// A row's value is `q * scale[row]`. Word rows may be narrower than the hidden width: a projection widens them. The position table already holds what every token gets beside its word and
/// its position (for BERT: the row of token type 0).
#[derive(Clone, Copy)]
pub struct Embeddings<'a> {
    pub(crate) word: Table<'a>,
    /// For each element of a word row, what it adds to the hidden row; empty when word rows are whole.
    pub(crate) projection: &'a [[f32; LANES]],
    pub(crate) position: Table<'a>,
    pub(crate) norm: Norm<'a>,
}

/// An int8 table with one scale a row.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    q: &'a [[i8; LANES]],
    scale: &'a [f32],
    chunks: usize,
}

impl<'a> Embeddings<'a> {
    /// A view of the tables: `word_q` has `word_scale.len()` rows of the norm's width, the vocabulary; `position_q`
    /// has `position_scale.len()` such rows, the most tokens that a sequence may have. With a `projection`, row-major
    /// `[width, norm's width]`, word rows have that `width`, a positive multiple of 16.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] when a table has no row or its length does not fit.
    pub fn new(
        word_q: &'a [i8],
        word_scale: &'a [f32],
        projection: Option<&'a [f32]>,
        position_q: &'a [i8],
        position_scale: &'a [f32],
        norm: Norm<'a>,
    ) -> Result<Self, ShapeError> {
        ShapeError::multiple("vocabulary", word_scale.len(), 1)?;
        ShapeError::multiple("positions", position_scale.len(), 1)?;
        let width = match projection {
            Some(projection) => {
                let width = projection.len() / norm.width();
                ShapeError::multiple("word width", width, LANES)?;
                ShapeError::length("word projection", projection.len(), width.saturating_mul(norm.width()))?;
                width
            }
            None => norm.width(),
        };
        ShapeError::length("word q", word_q.len(), word_scale.len().saturating_mul(width))?;
        ShapeError::length(
            "position q",
            position_q.len(),
            position_scale.len().saturating_mul(norm.width()),
        )?;
        Ok(Self {
            word: Table { q: word_q.as_chunks().0, scale: word_scale, chunks: width / LANES },
            projection: projection.unwrap_or_default().as_chunks().0,
            position: Table {
                q: position_q.as_chunks().0,
                scale: position_scale,
                chunks: norm.width() / LANES,
            },
            norm,
        })
    }

    /// The hidden width.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.norm.width()
    }

    /// The size of the vocabulary: token ids are below it.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.word.scale.len()
    }

    /// The most tokens of a sequence.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.position.scale.len()
    }
}

impl<'a> Table<'a> {
    /// The codes and the scale of row `row`, which is below the table's length.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> (&'a [[i8; LANES]], f32) {
        (&self.q[row * self.chunks..][..self.chunks], self.scale[row])
    }
}

impl fmt::Debug for Embeddings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embeddings")
            .field("vocabulary", &self.vocabulary())
            .field("positions", &self.positions())
            .field("hidden", &self.hidden())
            .finish()
    }
}
