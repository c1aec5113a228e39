//! Where sentences end: after a full stop, an exclamation or question mark and a space, and at the end of a line.
//!
//! An abbreviation ends a sentence here too. That costs nothing: what is cut there is still judged with what stands before.

#[cfg(test)]
mod tests;

use crate::span::Span;

/// Marks that end a sentence when a space follows, at once or after a closing mark.
const ENDS: &str = ".!?…؟।";
/// Marks of scripts without spaces, which end one by themselves.
const UNSPACED_ENDS: &str = "。！？｡";
/// Marks that may stand between the end and the space.
const CLOSING: &str = "\"'”’»)]}*_`";

/// Reads a text character by character and says after which of them a sentence ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentenceEnds {
    /// Whether a space would end the sentence.
    closing: bool,
}

impl SentenceEnds {
    /// Takes the next character; true when a sentence ends after it.
    pub fn step(&mut self, c: char) -> bool {
        if c == '\n' || UNSPACED_ENDS.contains(c) {
            self.closing = false;
            return true;
        }
        if c.is_whitespace() {
            return std::mem::take(&mut self.closing);
        }
        self.closing = ENDS.contains(c) || (self.closing && CLOSING.contains(c));
        false
    }
}

/// The sentences of a text, each with the space or line feed that ends it.
#[derive(Clone, Debug)]
pub struct Sentences {
    /// Where each begins, and at last where the text ends.
    starts: Vec<usize>,
}

impl Sentences {
    /// Finds the sentences, in linear time.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut ends = SentenceEnds::default();
        let mut starts = vec![0];
        let inner = text.char_indices().map(|(at, c)| (at + c.len_utf8(), c));
        starts.extend(inner.filter_map(|(end, c)| ends.step(c).then_some(end)));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Self { starts }
    }

    /// Each sentence, without the white space around it; those that are nothing else are left out.
    pub fn spans<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Span> {
        self.starts.windows(2).filter_map(move |bounds| {
            let &[start, end] = bounds else { return None };
            let sentence = text.get(start..end)?;
            let start = end - sentence.trim_start().len();
            let span = Span::new(start, start + sentence.trim().len());
            (!span.is_empty()).then_some(span)
        })
    }

    /// The whole sentences that `span` touches.
    #[must_use]
    pub fn around(&self, span: Span) -> Span {
        let after = self.starts.partition_point(|&start| start <= span.start);
        let start = after.checked_sub(1).and_then(|place| self.starts.get(place)).copied();
        let end = self.starts.get(self.starts.partition_point(|&start| start < span.end)).copied();
        Span::new(start.unwrap_or(span.start), end.unwrap_or(span.end))
    }
}
