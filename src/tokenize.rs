//! Normalized text to token ids: WordPiece straight from mapped bytes, with the `tokenizers` crate as the general case.
//!
//! Loading a `tokenizer.json` parses a vocabulary of tens of thousands of strings into hash maps, which takes longer than
//! judging a short text. So a bundle carries its vocabulary compiled ([`compile`](compile())) into a hash table that [`WordPiece`]
//! uses in place. Ids and byte ranges are those of `tokenizers`, tested token by token.
//!
//! # Special tokens in the text
//!
//! `tokenizers` turns a literal `[SEP]` in a text into the control token. A guard must not: a text could then end its own
//! segment. Here special tokens come from the caller of the encoder alone; the same letters in a text are plain text
//! (`[`, `sep`, `]`), in both variants of [`Tokenizer`].

use std::borrow::Cow;

use crate::reading::Lexicon;

mod bert;
mod compile;
mod error;
mod format;
mod hugging_face;
mod tokens;
mod windows;
mod wordpiece;
mod words;

#[cfg(test)]
mod attacks;

pub use compile::compile;
pub use error::TokenizeError;
pub use hugging_face::HuggingFace;
pub use tokens::{Legibility, Tokens};
pub use windows::Windowing;
pub use wordpiece::WordPiece;
pub use words::Words;

/// A bundle's tokenizer; `B` holds the bytes of a compiled vocabulary.
#[derive(Debug)]
pub enum Tokenizer<B = Cow<'static, [u8]>> {
    /// A compiled WordPiece vocabulary.
    WordPiece(WordPiece<B>),
    /// Any other pipeline, run by the `tokenizers` crate.
    HuggingFace(Box<HuggingFace>),
}

impl<B: AsRef<[u8]>> Tokenizer<B> {
    /// Replaces the content of `out` by the tokens of a normalized text, without special tokens.
    ///
    /// # Errors
    ///
    /// [`TokenizeError::Encode`] if the `tokenizers` pipeline refuses the text; a WordPiece takes every text.
    pub fn encode(&self, text: &str, out: &mut Tokens) -> Result<(), TokenizeError> {
        match self {
            Self::WordPiece(tokenizer) => {
                tokenizer.encode(text, out);
                Ok(())
            }
            Self::HuggingFace(tokenizer) => tokenizer.encode(text, out),
        }
    }

    /// Id of the token that opens a window, `[CLS]`.
    #[must_use]
    pub fn cls(&self) -> u32 {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.cls(),
            Self::HuggingFace(tokenizer) => tokenizer.cls(),
        }
    }

    /// Id of the token that closes a window, `[SEP]`.
    #[must_use]
    pub fn sep(&self) -> u32 {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.sep(),
            Self::HuggingFace(tokenizer) => tokenizer.sep(),
        }
    }

    /// Every id is below this; an encoder needs as many embedding rows.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.vocabulary_size(),
            Self::HuggingFace(tokenizer) => tokenizer.vocabulary_size(),
        }
    }
}

/// Ids as ranks: vocabularies are written with the commoner word first.
impl<B: AsRef<[u8]> + Sync> Lexicon for WordPiece<B> {
    fn rank(&self, word: &str) -> Option<u32> {
        self.whole_word(word)
    }

    fn pieces(&self, word: &str) -> usize {
        Self::pieces(self, word)
    }
}

impl<B: AsRef<[u8]> + Sync> Lexicon for Tokenizer<B> {
    fn rank(&self, word: &str) -> Option<u32> {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.whole_word(word),
            Self::HuggingFace(_) => {
                let mut tokens = Tokens::new();
                let whole = self.encode(word, &mut tokens).is_ok() && tokens.is_one_word();
                tokens.ids.first().copied().filter(|_| whole)
            }
        }
    }

    fn pieces(&self, word: &str) -> usize {
        match self {
            Self::WordPiece(tokenizer) => tokenizer.pieces(word),
            Self::HuggingFace(_) => {
                let mut tokens = Tokens::new();
                if self.encode(word, &mut tokens).is_ok() { tokens.len() } else { word.len() }
            }
        }
    }
}
