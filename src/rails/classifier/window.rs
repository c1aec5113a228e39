//! Where in a text its windows lie.

use super::ClassifierRail;
use crate::bundle::Model;
use crate::span::NormalizedSpan;
use crate::tokenize::{Tokens, Words};

impl ClassifierRail {
    /// Where in a normalized text its window at `place` lies, from its first token or word to its last; `None` where there is
    /// no such window, or nothing in it.
    #[must_use]
    pub fn window(&self, text: &str, place: usize) -> Option<NormalizedSpan> {
        let spans = match self.bundle.model() {
            Model::Encoder { tokenizer, .. } => {
                let mut tokens = Tokens::new();
                tokenizer.encode(text, &mut tokens).ok()?;
                std::mem::take(&mut tokens.spans)
            }
            Model::Hashed(_) => Words::places(text),
        };
        let spans = spans.get(self.windowing.ranges(spans.len()).nth(place)?)?;
        Some(NormalizedSpan::new(spans.first()?.start, spans.last()?.end))
    }
}
