//! The BERT normalizer and pre-tokenizer in one pass: text in, cleaned words out, each byte with its source.
//!
//! Equal to `BertNormalizer` and `BertPreTokenizer` of `tokenizers` 0.23, which apply one rule after the other to the
//! whole text. The character tables are those of the same crates, so that the two agree on every character, also where the
//! tables are old. Runs of ASCII, most of most texts, take a path of their own.

use super::format::Rules;
use crate::span::NormalizedSpan;
use std::collections::VecDeque;
use std::mem;
use std::ops::Range;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::char::{canonical_combining_class, decompose_canonical};

/// One word, or one punctuation mark, as the model spells it.
pub(super) struct Word<'a> {
    /// UTF-8, never empty.
    pub(super) text: &'a [u8],
    /// The bytes of the normalized text that it came from.
    pub(super) span: NormalizedSpan,
    /// The same for each byte of `text`; empty where they correspond one to one.
    spans: &'a [NormalizedSpan],
}

impl Word<'_> {
    /// Whether the word is ASCII in the text too, byte for byte.
    pub(super) const fn is_plain(&self) -> bool {
        self.spans.is_empty()
    }

    /// The bytes of the normalized text that a part of the word came from.
    pub(super) fn span_of(&self, part: Range<usize>) -> NormalizedSpan {
        if self.is_plain() {
            return NormalizedSpan::new(self.span.start + part.start, self.span.start + part.end);
        }
        let first = self.spans.get(part.start);
        let last = part.end.checked_sub(1).and_then(|last| self.spans.get(last));
        NormalizedSpan::new(
            first.map_or(self.span.start, |span| span.start),
            last.map_or(self.span.end, |span| span.end),
        )
    }
}

/// Buffers that one text leaves for the next.
#[derive(Default)]
pub(super) struct Scratch {
    word: Vec<u8>,
    spans: Vec<NormalizedSpan>,
    /// Decomposed marks that still have to be put in canonical order: class, mark, whether it begins its character.
    marks: Vec<(u8, char, bool)>,
    /// Where the characters behind `marks` came from, in the order of the text.
    sources: VecDeque<NormalizedSpan>,
    source: Option<NormalizedSpan>,
}

impl Scratch {
    fn clear(&mut self) {
        self.word.clear();
        self.spans.clear();
        self.marks.clear();
        self.sources.clear();
        self.source = None;
    }
}

/// Calls `each` with every word of the text, in order.
pub(super) fn words(text: &str, rules: Rules, scratch: &mut Scratch, each: impl FnMut(Word<'_>)) {
    scratch.clear();
    let classes = if rules.clean_text { &CLEANED } else { &RAW };
    let class = |byte: u8| classes.get(usize::from(byte)).copied().unwrap_or(Class::Other);
    let mut splitter = Splitter { rules, scratch, each };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match class(byte) {
            Class::Dropped => at += 1,
            Class::Space => {
                splitter.end_word();
                at += 1;
            }
            Class::Punctuation => {
                splitter.end_word();
                splitter.plain_word(&[byte], at);
                at += 1;
            }
            Class::Letter => {
                let rest = bytes.get(at..).unwrap_or_default();
                let len = rest.iter().take_while(|&&byte| class(byte) == Class::Letter).count();
                let run = rest.get(..len).unwrap_or_default();
                let goes_on =
                    rest.get(len).is_some_and(|&byte| matches!(class(byte), Class::Dropped | Class::Other));
                splitter.letters(run, at, goes_on);
                at += len;
            }
            Class::Other => {
                let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
                let end = at + c.len_utf8();
                splitter.clean(c, NormalizedSpan::new(at, end));
                at = end;
            }
        }
    }
    splitter.end_word();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Removed before anything else is decided.
    Dropped,
    Space,
    Punctuation,
    /// Anything else in ASCII.
    Letter,
    /// Not ASCII.
    Other,
}

const CLEANED: [Class; 256] = classes(true);
const RAW: [Class; 256] = classes(false);

#[expect(clippy::indexing_slicing, reason = "evaluated when compiling, with the index below 256")]
const fn classes(clean_text: bool) -> [Class; 256] {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8;
        classes[byte] = match c {
            b'\t' | b'\n' | b'\r' | b' ' => Class::Space,
            0..=31 | 127 if clean_text => Class::Dropped,
            0x0B | 0x0C => Class::Space,
            _ if c.is_ascii_punctuation() => Class::Punctuation,
            _ => Class::Letter,
        };
        byte += 1;
    }
    classes
}

struct Splitter<'s, F> {
    rules: Rules,
    scratch: &'s mut Scratch,
    each: F,
}

impl<F: FnMut(Word<'_>)> Splitter<'_, F> {
    /// A run of ASCII letters; `goes_on` if what follows may belong to the same word.
    fn letters(&mut self, run: &[u8], at: usize, goes_on: bool) {
        self.order_marks();
        if self.scratch.word.is_empty() && !goes_on {
            self.plain_word(run, at);
            return;
        }
        for (index, &byte) in run.iter().enumerate() {
            let start = at + index;
            self.push(char::from(self.lower(byte)), NormalizedSpan::new(start, start + 1));
        }
    }

    /// A whole ASCII word; no other may be begun.
    fn plain_word(&mut self, word: &[u8], at: usize) {
        let lowercase = self.rules.lowercase;
        let text = &mut self.scratch.word;
        text.extend_from_slice(word);
        if lowercase {
            text.make_ascii_lowercase();
        }
        (self.each)(Word { text, span: NormalizedSpan::new(at, at + word.len()), spans: &[] });
        text.clear();
    }

    fn lower(&self, byte: u8) -> u8 {
        if self.rules.lowercase { byte.to_ascii_lowercase() } else { byte }
    }

    /// The first rules: drop controls, name every white space a space, set CJK ideographs apart.
    fn clean(&mut self, c: char, span: NormalizedSpan) {
        let mut c = c;
        if self.rules.clean_text {
            if c == '\u{FFFD}' || c.is_other() {
                return;
            }
            if c.is_whitespace() {
                c = ' ';
            }
        }
        if self.rules.handle_chinese_chars && is_ideograph(c) {
            self.decompose(' ', span);
            self.decompose(c, span);
            self.decompose(' ', span);
        } else {
            self.decompose(c, span);
        }
    }

    /// Canonical decomposition and order, if accents are stripped.
    fn decompose(&mut self, c: char, span: NormalizedSpan) {
        if !self.rules.strip_accents {
            self.lowercase(c, span);
            return;
        }
        self.scratch.sources.push_back(span);
        let mut begins = true;
        decompose_canonical(c, |d| {
            let class = canonical_combining_class(d);
            if class == 0 {
                self.order_marks();
                self.decomposed(d, begins);
            } else {
                self.scratch.marks.push((class, d, begins));
            }
            begins = false;
        });
    }

    /// Hands on the marks in canonical order.
    fn order_marks(&mut self) {
        if self.scratch.marks.is_empty() {
            return;
        }
        let mut marks = mem::take(&mut self.scratch.marks);
        marks.sort_by_key(|&(class, ..)| class);
        for (_, c, begins) in marks.drain(..) {
            self.decomposed(c, begins);
        }
        self.scratch.marks = marks;
    }

    /// Drops accents. Sources stay in the order of the text even where marks changed places, as in `tokenizers`.
    fn decomposed(&mut self, c: char, begins: bool) {
        if begins {
            self.scratch.source = self.scratch.sources.pop_front();
        }
        let Some(span) = self.scratch.source else { return };
        if !c.is_mark_nonspacing() {
            self.lowercase(c, span);
        }
    }

    fn lowercase(&mut self, c: char, span: NormalizedSpan) {
        if self.rules.lowercase {
            for c in c.to_lowercase() {
                self.split(c, span);
            }
        } else {
            self.split(c, span);
        }
    }

    /// The pre-tokenizer: words end at white space, punctuation stands alone.
    fn split(&mut self, c: char, span: NormalizedSpan) {
        if c.is_whitespace() {
            self.send();
        } else if c.is_ascii_punctuation() || c.is_punctuation() {
            self.send();
            self.push(c, span);
            self.send();
        } else {
            self.push(c, span);
        }
    }

    fn push(&mut self, c: char, span: NormalizedSpan) {
        let mut buffer = [0; 4];
        let bytes = c.encode_utf8(&mut buffer).as_bytes();
        self.scratch.word.extend_from_slice(bytes);
        self.scratch.spans.extend(bytes.iter().map(|_| span));
    }

    fn end_word(&mut self) {
        self.order_marks();
        self.send();
    }

    fn send(&mut self) {
        let Scratch { word, spans, .. } = &mut *self.scratch;
        if let (Some(first), Some(last)) = (spans.first(), spans.last()) {
            (self.each)(Word { text: word, span: NormalizedSpan::new(first.start, last.end), spans });
        }
        word.clear();
        spans.clear();
    }
}

/// The ranges that BERT calls Chinese.
const fn is_ideograph(c: char) -> bool {
    matches!(
        c,
        '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{2A6DF}'
            | '\u{2A700}'..='\u{2B73F}'
            | '\u{2B740}'..='\u{2B81F}'
            | '\u{2B920}'..='\u{2CEAF}'
            | '\u{2F800}'..='\u{2FA1F}'
    )
}
