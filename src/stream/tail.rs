//! What was released last, for the classifiers to read before the next segment.

use std::collections::VecDeque;

/// Most bytes kept, however few tokens they are.
const MOST_BYTES: usize = 4096;

/// The end of the released text, as words with their tokens.
pub(super) struct Tail {
    text: String,
    /// Bytes, spaces behind it included, and tokens of each word of `text`.
    words: VecDeque<(usize, usize)>,
    tokens: usize,
    /// Most tokens kept.
    capacity: usize,
}

impl Tail {
    /// Nothing released; `capacity` tokens are kept.
    pub(super) fn new(capacity: usize) -> Self {
        Self { text: String::new(), words: VecDeque::new(), tokens: 0, capacity }
    }

    /// Adds what was released; `count` says how many tokens a word has.
    pub(super) fn push(&mut self, text: &str, mut count: impl FnMut(&str) -> usize) {
        self.text.push_str(text);
        for word in text.split_inclusive(char::is_whitespace) {
            let tokens = if word.trim_end().is_empty() { 0 } else { count(word) };
            self.words.push_back((word.len(), tokens));
            self.tokens += tokens;
        }
        let mut dropped = 0;
        while self.tokens > self.capacity || self.text.len() - dropped > MOST_BYTES {
            let Some((bytes, tokens)) = self.words.pop_front() else { break };
            dropped += bytes;
            self.tokens -= tokens;
        }
        self.text.drain(..dropped);
    }

    /// All that is kept.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The last words, of at most `tokens` tokens together.
    pub(super) fn last(&self, tokens: usize) -> &str {
        let (mut bytes, mut left) = (0, tokens);
        for (length, size) in self.words.iter().rev() {
            let Some(rest) = left.checked_sub(*size) else { break };
            left = rest;
            bytes += length;
        }
        self.text.get(self.text.len() - bytes..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Tail;

    #[test]
    fn the_last_words_that_fit_are_kept_and_given() {
        let mut tail = Tail::new(10);
        // A word has as many tokens as letters.
        let count = |word: &str| word.trim_end().chars().count();
        tail.push("one two  three ", count);
        assert_eq!(tail.last(100), "two  three ");
        tail.push("é", count);
        assert_eq!([tail.last(0), tail.last(1), tail.last(5), tail.last(6)], ["", "é", "é", " three é"]);
        assert_eq!(tail.last(100), "two  three é");
        tail.push(&"x".repeat(5000), |_| 1);
        assert_eq!(tail.last(100), "");
        tail.push("y", count);
        assert_eq!(tail.last(10), "y");
    }
}
