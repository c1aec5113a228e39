//! Long texts as overlapping windows that fit the encoder.

use super::error::TokenizeError;
use std::ops::Range;

/// Size and overlap of the windows, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windowing {
    capacity: usize,
    step: usize,
}

impl Windowing {
    /// Windows of `window` tokens, counting `[CLS]` and `[SEP]`, of which neighbours share `overlap`.
    ///
    /// # Errors
    ///
    /// [`TokenizeError::Windowing`] unless `overlap < window - 2`.
    pub fn new(window: usize, overlap: usize) -> Result<Self, TokenizeError> {
        let capacity = window.saturating_sub(2);
        match capacity.checked_sub(overlap) {
            Some(step) if step > 0 => Ok(Self { capacity, step }),
            _ => Err(TokenizeError::Windowing { window, overlap }),
        }
    }

    /// Windows of `window` words, none of them special, of which neighbours share `overlap`.
    ///
    /// # Errors
    ///
    /// [`TokenizeError::Windowing`] unless `overlap < window`.
    pub fn of_words(window: usize, overlap: usize) -> Result<Self, TokenizeError> {
        Self::new(window.saturating_add(2), overlap)
    }

    /// Tokens of the text in a full window: its size without `[CLS]` and `[SEP]`.
    #[must_use]
    pub const fn capacity(self) -> usize {
        self.capacity
    }

    /// Tokens that neighbouring windows share.
    #[must_use]
    pub const fn overlap(self) -> usize {
        self.capacity - self.step
    }

    /// The windows of a text of `tokens` tokens.
    pub(crate) fn ranges(self, tokens: usize) -> impl Iterator<Item = Range<usize>> {
        let further = tokens.saturating_sub(self.capacity).div_ceil(self.step);
        let count = if tokens == 0 { 0 } else { 1 + further };
        (0..count).map(move |index| {
            let start = (index * self.step).min(tokens.saturating_sub(self.capacity));
            start..tokens.min(start + self.capacity)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Windowing;
    use proptest::prelude::*;

    #[test]
    fn short_texts_have_one_window() {
        let windowing = Windowing::new(10, 2).expect("valid");
        assert_eq!(windowing.capacity(), 8);
        let ranges =
            |tokens| windowing.ranges(tokens).map(|range| (range.start, range.end)).collect::<Vec<_>>();
        assert_eq!(ranges(0), []);
        assert_eq!(ranges(1), [(0, 1)]);
        assert_eq!(ranges(8), [(0, 8)]);
        assert_eq!(ranges(9), [(0, 8), (1, 9)]);
        assert_eq!(ranges(14), [(0, 8), (6, 14)]);
        assert_eq!(ranges(15), [(0, 8), (6, 14), (7, 15)]);
    }

    #[test]
    fn windows_must_advance() {
        for (window, overlap) in [(0, 0), (2, 0), (3, 1), (10, 8), (10, usize::MAX)] {
            let error = Windowing::new(window, overlap).expect_err("refused");
            assert!(error.to_string().contains("window - 2"), "{error}");
        }
        assert!(Windowing::new(3, 0).is_ok());
    }

    proptest! {
        #[test]
        fn every_token_is_covered(tokens in 0usize..5000, window in 3usize..600, overlap in 0usize..600) {
            let Ok(windowing) = Windowing::new(window, overlap) else { return Ok(()) };
            let ranges: Vec<_> = windowing.ranges(tokens).collect();
            let mut covered = 0;
            for range in &ranges {
                prop_assert!(range.start <= covered && range.end > covered);
                prop_assert!(range.len() <= window - 2);
                prop_assert!(ranges.len() < 2 || range.len() == window - 2);
                covered = range.end;
            }
            for pair in ranges.windows(2) {
                prop_assert!(pair[0].end - pair[1].start >= overlap);
            }
            prop_assert_eq!(covered, tokens);
        }
    }
}
