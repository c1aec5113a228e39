//! WordPiece over a compiled vocabulary, used where it lies.

use super::bert::{self, Word};
use super::error::TokenizeError;
use super::format::{CONTINUES, Hash, Header, Sections, hash};
use super::tokens::Tokens;
use std::fmt;
use std::mem;

/// A tokenizer that reads its vocabulary straight from `B`, for instance from mapped memory.
///
/// Greedy longest match first ([Wu et al. 2016](https://arxiv.org/abs/1609.08144), section 4.1) behind BERT's normalizer and
/// pre-tokenizer. Damaged bytes can make a token unknown or another one, never a panic, an id outside the vocabulary or a
/// loop without end.
#[derive(Clone)]
pub struct WordPiece<B> {
    bytes: B,
    header: Header,
    sections: Sections,
}

impl<B: AsRef<[u8]>> WordPiece<B> {
    /// Opens a vocabulary written by [`compile`](super::compile()).
    ///
    /// Looks at the header only, so the cost does not depend on the vocabulary; whoever needs to know that the rest is whole
    /// checks the file's digest.
    ///
    /// # Errors
    ///
    /// Which rule of the header is broken.
    pub fn open(bytes: B) -> Result<Self, TokenizeError> {
        let (header, sections) = Header::read(bytes.as_ref())?;
        Ok(Self { bytes, header, sections })
    }

    /// Replaces the content of `out` by the tokens of a normalized text, without special tokens.
    pub fn encode(&self, text: &str, out: &mut Tokens) {
        out.clear();
        let table = self.table();
        let mut scratch = mem::take(&mut out.scratch);
        bert::words(text, self.header.rules, &mut scratch, |word| table.split(text, &word, out));
        out.scratch = scratch;
    }

    /// Id of the token that a lower-case word is whole, where there is one.
    #[must_use]
    pub fn whole_word(&self, word: &str) -> Option<u32> {
        let word = word.as_bytes();
        if word.is_empty() || word.len() > self.header.max_initial_bytes as usize {
            return None;
        }
        self.table().find(word, hash(word, false), false)
    }

    /// The number of tokens of a lower-case word without punctuation; its length in bytes where a part is in no token.
    #[must_use]
    pub fn pieces(&self, word: &str) -> usize {
        let table = self.table();
        let mut hashes = Vec::new();
        let (mut start, mut pieces) = (0, 0);
        while let Some(rest) = word.as_bytes().get(start..).filter(|rest| !rest.is_empty()) {
            let Some((_, len)) = table.longest(rest, start > 0, &mut hashes) else { return word.len() };
            start += len;
            pieces += 1;
        }
        pieces
    }

    /// Id of the token that opens a window, `[CLS]`.
    #[must_use]
    pub const fn cls(&self) -> u32 {
        self.header.cls
    }

    /// Id of the token that closes a window, `[SEP]`.
    #[must_use]
    pub const fn sep(&self) -> u32 {
        self.header.sep
    }

    /// Id of the token that stands for a word outside the vocabulary, `[UNK]`.
    #[must_use]
    pub const fn unknown(&self) -> u32 {
        self.header.unknown
    }

    /// How many tokens there are; every id is below.
    #[must_use]
    pub const fn vocabulary_size(&self) -> usize {
        self.header.count as usize
    }

    fn table(&self) -> Table<'_> {
        let bytes = self.bytes.as_ref();
        let section = |range: &std::ops::Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        Table {
            header: &self.header,
            slots: section(&self.sections.slots).as_chunks().0,
            offsets: section(&self.sections.offsets).as_chunks().0,
            strings: section(&self.sections.strings),
        }
    }
}

impl<B> fmt::Debug for WordPiece<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WordPiece").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The sections, borrowed for one text.
struct Table<'a> {
    header: &'a Header,
    slots: &'a [[u8; 8]],
    offsets: &'a [[u8; 4]],
    strings: &'a [u8],
}

impl Table<'_> {
    /// Appends the tokens of one word, or one unknown token for the whole of it.
    fn split(&self, text: &str, word: &Word<'_>, out: &mut Tokens) {
        let read = text.get(word.span.start..word.span.end);
        let source_chars =
            if word.is_plain() { word.text.len() } else { read.map_or(0, |read| read.chars().count()) };
        out.chars += source_chars;
        let before = out.ids.len();
        if !self.pieces(word, out) {
            out.ids.truncate(before);
            out.spans.truncate(before);
            out.unknown_chars += source_chars;
            out.push(self.header.unknown, word.span);
        }
    }

    /// Appends the pieces of one word; false if a part of it is in no token.
    fn pieces(&self, word: &Word<'_>, out: &mut Tokens) -> bool {
        let max = self.header.max_word_chars as usize;
        // Only a word of more bytes than `max` can have more characters.
        if word.text.len() > max && word.text.iter().filter(|&&byte| starts_char(byte)).count() > max {
            return false;
        }
        let mut start = 0;
        while let Some(rest) = word.text.get(start..).filter(|rest| !rest.is_empty()) {
            let Some((id, len)) = self.longest(rest, start > 0, &mut out.hashes) else { return false };
            out.push(id, word.span_of(start..start + len));
            start += len;
        }
        true
    }

    /// The longest token that `rest` begins with, and its length, which is not 0.
    fn longest(&self, rest: &[u8], continues: bool, hashes: &mut Vec<Hash>) -> Option<(u32, usize)> {
        let max = if continues { self.header.max_continuing_bytes } else { self.header.max_initial_bytes };
        hashes.clear();
        hashes.extend(rest.iter().take(max as usize).scan(Hash::seed(continues), |hash, &byte| {
            *hash = hash.byte(byte);
            Some(*hash)
        }));
        hashes.iter().enumerate().rev().find_map(|(last, &hash)| {
            let (token, behind) = rest.split_at_checked(last + 1)?;
            if behind.first().is_some_and(|&byte| !starts_char(byte)) {
                return None;
            }
            Some((self.find(token, hash, continues)?, token.len()))
        })
    }

    fn find(&self, token: &[u8], hash: Hash, continues: bool) -> Option<u32> {
        let first = hash.slot(self.header.slots_log2);
        for probe in 0..self.header.max_probe as usize {
            // Slots are a power of two.
            let slot = self.slots.get((first + probe) & (self.slots.len().wrapping_sub(1)))?;
            let (&tag, entry) = slot.split_first_chunk::<4>()?;
            let entry = u32::from_le_bytes(*entry.first_chunk()?);
            if entry == 0 {
                return None;
            }
            let same_kind = (entry & CONTINUES != 0) == continues;
            if same_kind && u32::from_le_bytes(tag) == hash.tag() {
                let id = (entry & !CONTINUES).wrapping_sub(1);
                if self.string(id) == Some(token) {
                    return Some(id);
                }
            }
        }
        None
    }

    /// The bytes of a token; none for an id outside the vocabulary.
    fn string(&self, id: u32) -> Option<&[u8]> {
        let (&[start, end], _) = self.offsets.get(id as usize..)?.split_first_chunk::<2>()?;
        self.strings.get(u32::from_le_bytes(start) as usize..u32::from_le_bytes(end) as usize)
    }
}

/// Whether the byte is the first of a UTF-8 character.
const fn starts_char(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}
