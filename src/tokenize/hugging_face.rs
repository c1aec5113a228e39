//! Any other tokenizer, run by the `tokenizers` crate.

use super::error::TokenizeError;
use super::tokens::Tokens;
use crate::span::NormalizedSpan;
use std::fmt;

/// A `tokenizer.json` as the `tokenizers` crate reads it, with its truncation and padding off.
pub struct HuggingFace {
    tokenizer: tokenizers::Tokenizer,
    cls: u32,
    sep: u32,
    unknown: Option<u32>,
    /// Ids that no text may produce, sorted.
    special: Vec<u32>,
    vocabulary_size: usize,
}

impl HuggingFace {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// [`TokenizeError::Load`] if the crate refuses it, [`TokenizeError::Unsupported`] if it does not put exactly one special
    /// token before a text and one behind.
    pub fn from_bytes(tokenizer_json: &[u8]) -> Result<Self, TokenizeError> {
        let mut tokenizer = tokenizers::Tokenizer::from_bytes(tokenizer_json).map_err(TokenizeError::Load)?;
        tokenizer.with_truncation(None).map_err(TokenizeError::Load)?;
        tokenizer.with_padding(None);
        // "Encode" special tokens in a text as if they were ordinary words, that is: do not look for them.
        tokenizer.set_encode_special_tokens(true);
        let ends = tokenizer.encode("", true).map_err(TokenizeError::Load)?;
        let &[cls, sep] = ends.get_ids() else {
            return Err(TokenizeError::Unsupported {
                part: "/post_processor",
                found: format!("{} special tokens", ends.len()),
                expected: "one special token before and one behind the text",
            });
        };
        let unknown = ["[UNK]", "<unk>"].iter().find_map(|name| tokenizer.token_to_id(name));
        let added = tokenizer.get_added_tokens_decoder();
        let mut special: Vec<u32> =
            added.iter().filter(|(_, token)| token.special).map(|(&id, _)| id).chain([cls, sep]).collect();
        special.retain(|&id| Some(id) != unknown);
        special.sort_unstable();
        let last = tokenizer.get_vocab(true).into_values().max();
        let vocabulary_size = last.map_or(0, |last| last as usize + 1);
        Ok(Self { tokenizer, cls, sep, unknown, special, vocabulary_size })
    }

    /// Replaces the content of `out` by the tokens of a normalized text, without special tokens.
    ///
    /// A vocabulary can spell a special token as an ordinary word; such a word becomes the unknown token, or none at all
    /// where there is no unknown token, and counts as unknown.
    ///
    /// # Errors
    ///
    /// [`TokenizeError::Encode`] if the pipeline refuses the text.
    pub fn encode(&self, text: &str, out: &mut Tokens) -> Result<(), TokenizeError> {
        out.clear();
        // The crate's error may quote the text.
        let refused = |_| TokenizeError::Encode { bytes: text.len() };
        let encoding = self.tokenizer.encode(text, false).map_err(refused)?;
        let mut counted = 0;
        for (&id, &(start, end)) in encoding.get_ids().iter().zip(encoding.get_offsets()) {
            let new = text.get(start.max(counted)..end).unwrap_or_default();
            let chars = new.chars().filter(|c| !c.is_whitespace()).count();
            counted = counted.max(end);
            out.chars += chars;
            let forged = self.special.binary_search(&id).is_ok();
            if forged || Some(id) == self.unknown {
                out.unknown_chars += chars;
            }
            if let Some(id) = if forged { self.unknown } else { Some(id) } {
                out.push(id, NormalizedSpan::new(start, end));
            }
        }
        Ok(())
    }

    /// Id of the token before a text, `[CLS]` in BERT.
    #[must_use]
    pub const fn cls(&self) -> u32 {
        self.cls
    }

    /// Id of the token behind a text, `[SEP]` in BERT.
    #[must_use]
    pub const fn sep(&self) -> u32 {
        self.sep
    }

    /// Every id is below this.
    #[must_use]
    pub const fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }
}

impl fmt::Debug for HuggingFace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HuggingFace").field("vocabulary_size", &self.vocabulary_size).finish_non_exhaustive()
    }
}
