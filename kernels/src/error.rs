//! The errors of this crate: weights that do not fit together, and inputs that do not fit the weights.

/// Weights whose parts do not fit together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A slice is shorter or longer than the stated shape needs.
    #[error("{what} has {found} elements, expected {expected}")]
    Length {
        /// The slice, in the words of the constructor's parameters.
        what: &'static str,
        /// How many elements it has.
        found: usize,
        /// How many the shape needs.
        expected: usize,
    },
    /// A dimension is zero or no multiple of what the layout needs.
    #[error("{what} is {found}, expected a positive multiple of {of}")]
    Multiple {
        /// The dimension.
        what: &'static str,
        /// Its value.
        found: usize,
        /// What it must be a multiple of.
        of: usize,
    },
    /// A dimension is larger than the kernels can compute exactly.
    #[error("{what} is {found}, expected at most {limit}")]
    TooLarge {
        /// The dimension.
        what: &'static str,
        /// Its value.
        found: usize,
        /// The largest value allowed.
        limit: usize,
    },
    /// Two parts of one block disagree about a dimension.
    #[error("{what} is {found}, expected {expected}")]
    Mismatch {
        /// The dimension.
        what: &'static str,
        /// Its value in the part.
        found: usize,
        /// The value that the rest of the block needs.
        expected: usize,
    },
    /// The layer norm's epsilon is negative or not finite.
    #[error("layer norm epsilon is {found}, expected a finite value of at least 0")]
    Epsilon {
        /// The epsilon given.
        found: f32,
    },
}

/// An input that does not fit the weights or the other inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A buffer is shorter or longer than the call needs.
    #[error("{what} has {found} elements, expected {expected}")]
    Length {
        /// The buffer, in the words of the call's parameters.
        what: &'static str,
        /// How many elements it has.
        found: usize,
        /// How many the call needs.
        expected: usize,
    },
    /// The sequence bounds do not start at row 0.
    #[error("sequence bounds must start with 0")]
    FirstBound,
    /// The sequence bounds do not end at the last row.
    #[error("sequence bounds end at row {found}, expected {expected}")]
    LastBound {
        /// The last bound.
        found: usize,
        /// The number of rows.
        expected: usize,
    },
    /// A sequence has no token, or its end lies before its start.
    #[error("sequence {sequence} has no token")]
    EmptySequence {
        /// Index of the sequence.
        sequence: usize,
    },
    /// A sequence has more tokens than there are positions.
    #[error("sequence {sequence} has {found} tokens, expected at most {limit}")]
    SequenceTooLong {
        /// Index of the sequence.
        sequence: usize,
        /// Its number of tokens.
        found: usize,
        /// The number of positions.
        limit: usize,
    },
    /// A token id lies outside the vocabulary.
    #[error("token {row} has id {found}, expected less than {vocabulary}")]
    TokenOutOfVocabulary {
        /// Row of the token.
        row: usize,
        /// Its id.
        found: u32,
        /// The size of the vocabulary.
        vocabulary: usize,
    },
}

impl ShapeError {
    /// `Ok` when `found == expected`, else [`ShapeError::Length`].
    pub(crate) fn length(what: &'static str, found: usize, expected: usize) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Length { what, found, expected }) }
    }

    /// `Ok` when `found == expected`, else [`ShapeError::Mismatch`].
    pub(crate) fn equal(what: &'static str, found: usize, expected: usize) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Mismatch { what, found, expected }) }
    }

    /// `Ok` when `found` is a positive multiple of `of`, else [`ShapeError::Multiple`].
    pub(crate) fn multiple(what: &'static str, found: usize, of: usize) -> Result<(), Self> {
        if found > 0 && found.is_multiple_of(of) { Ok(()) } else { Err(Self::Multiple { what, found, of }) }
    }
}

impl InputError {
    /// `Ok` when `found == expected`, else [`InputError::Length`].
    pub(crate) fn length(what: &'static str, found: usize, expected: usize) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Length { what, found, expected }) }
    }
}
