//! Hidden states of texts: of their windows, as taught heads read them, and of their tokens.

use super::encoded::{Encoded, Parts};
use super::{ClassifierRail, Kind};
use crate::encode::EncodeError;

/// Hidden states of one text's tokens, windows in order, the special ones left out.
#[derive(Clone, Default, PartialEq)]
pub struct TokenStates {
    /// A row of the trunk's width for each token.
    pub rows: Vec<Vec<f32>>,
}

// Hidden states say much of the text.
impl std::fmt::Debug for TokenStates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenStates").field("tokens", &self.rows.len()).finish()
    }
}

impl ClassifierRail {
    /// The states of each window of normalized `texts` after a third, two thirds and all of the layers, averaged over its tokens:
    /// `[text][window][state]`, as many states as [`ClassifierRail::state_width`] says.
    ///
    /// # Errors
    /// [`EncodeError`], also where the model has no states.
    pub fn window_states(&self, texts: &[&str]) -> Result<Vec<Vec<Vec<f32>>>, EncodeError> {
        let (encoded, parts) = self.encoder()?;
        encoded.window_states(&parts, texts, self.windowing, &self.threads)
    }

    /// The states of each token of normalized `texts` after `layers` layers, at least one and fewer than the trunk has.
    ///
    /// # Errors
    /// [`EncodeError`], also where the model reads no token ids or has no such layer.
    pub fn token_states(&self, texts: &[&str], layers: usize) -> Result<Vec<TokenStates>, EncodeError> {
        let (encoded, parts) = self.encoder()?;
        encoded.token_states(&parts, texts, layers, self.windowing, &self.threads)
    }

    /// The encoder and its parts; an error for a model without one.
    fn encoder(&self) -> Result<(&Encoded, Parts<'_>), EncodeError> {
        match (&*self.kind, self.parts()) {
            (Kind::Encoder(encoded), Some(parts)) => Ok((encoded, parts)),
            _ => Err(EncodeError::NoIds),
        }
    }
}
