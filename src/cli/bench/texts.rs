//! Benign texts with an exact number of tokens.

use portcullis::{Request, RequestError, Role};

/// Everyday words, each of them one token of the English WordPiece vocabularies.
const WORDS: [&str; 30] = [
    "the", "garden", "is", "quiet", "this", "morning", "and", "we", "drink", "warm", "tea", "while", "birds",
    "sing", "in", "a", "tree", "near", "our", "old", "house", "by", "river", "then", "you", "read", "good",
    "book", "about", "music",
];

/// The tokens that the model puts around every text.
const SPECIAL: usize = 2;

/// A text of `tokens` tokens with the special ones.
///
/// # Errors
/// When there is no token beside the special ones.
pub(super) fn benign(tokens: usize) -> Result<Request, RequestError> {
    let words = WORDS.iter().copied().cycle().take(tokens.saturating_sub(SPECIAL));
    Request::new(words.collect::<Vec<_>>().join(" "), Role::User)
}

/// The words of a cold start: as many as there are different ones.
pub(super) fn thirty_words() -> String {
    WORDS.join(" ")
}
