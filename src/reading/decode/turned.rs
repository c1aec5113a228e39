//! Whole words written backwards or with their letters shifted by thirteen places.
//!
//! Only the words themselves can tell: a stretch of text counts as turned where its words are unknown as they stand and known
//! once turned, clearly more often than the other way round. Each way of turning sums up the letters for and against it
//! from word to word and takes the stretches with the highest sums, in one pass.

use super::super::lexicon::Words;
use super::super::unveil::backwards;
use super::{Part, Says};
use crate::verdict::Disguise;
use std::ops::Range;

/// Letters of words that are known turned only, less those of words against it, from which a stretch is turned.
const LEAST_LETTERS: i64 = 8;
/// Words that are known turned only, at least.
const LEAST_WORDS: usize = 2;
/// Bytes before a stretch in which words may go along with it.
const LEAD: usize = 64;
/// Characters on either side that may be taken along.
const WIDENED: usize = 12;
/// Letters of a word that is looked up.
const SHORTEST: usize = 3;
const LONGEST: usize = 32;

/// Adds the turned stretches.
pub(super) fn find(text: &str, words: &Words<'_>, parts: &mut Vec<Part>) {
    let mut shifted = Stretch::new(Disguise::Rot13);
    let mut reversed = Stretch::new(Disguise::Reversed);
    for word in super::runs(text, SHORTEST, |byte| byte.is_ascii_alphabetic()) {
        let read = text.get(word.clone()).unwrap_or_default();
        let known = words.knows(read);
        if known && shifted.sum == 0 && reversed.sum == 0 {
            continue;
        }
        for stretch in [&mut shifted, &mut reversed] {
            let turned = knows_turned(read, stretch.disguise, words);
            stretch.add(text, &word, known, turned, words, parts);
        }
    }
    shifted.close(text, words, parts);
    reversed.close(text, words, parts);
}

/// The word turned, in lower case; nothing for a word that is too long to be looked up.
fn turn<'b>(word: &str, disguise: Disguise, buffer: &'b mut [u8; LONGEST]) -> Option<&'b str> {
    let turned = buffer.get_mut(..word.len())?;
    let backwards = disguise == Disguise::Reversed;
    for (place, byte) in word.bytes().enumerate() {
        let to = if backwards { turned.len() - 1 - place } else { place };
        if let Some(to) = turned.get_mut(to) {
            *to = if backwards { byte } else { rot13(byte) }.to_ascii_lowercase();
        }
    }
    std::str::from_utf8(turned).ok()
}

/// Whether the word is known once it is turned.
fn knows_turned(word: &str, disguise: Disguise, words: &Words<'_>) -> bool {
    turn(word, disguise, &mut [0; LONGEST]).is_some_and(|turned| words.knows(turned))
}

/// Whether an unknown word falls into fewer pieces once it is turned.
fn nears_turned(word: &str, disguise: Disguise, words: &Words<'_>) -> bool {
    let nearer = |turned| words.cost(turned).pieces < words.cost(&word.to_ascii_lowercase()).pieces;
    turn(word, disguise, &mut [0; LONGEST]).is_some_and(nearer)
}

/// Letters by thirteen places on.
const fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        _ => byte,
    }
}

/// The stretch that is being read, for one way of turning.
struct Stretch {
    disguise: Disguise,
    /// Letters for it less those against it; the stretch ends when it falls to 0.
    sum: i64,
    start: usize,
    words: usize,
    /// The last word for it.
    last: Range<usize>,
    /// The highest sum so far, the words that it has and where it ends.
    best: (i64, usize, usize),
    /// Where the last stretch that was turned ends.
    floor: usize,
}

impl Stretch {
    const fn new(disguise: Disguise) -> Self {
        Self { disguise, sum: 0, start: 0, words: 0, last: 0..0, best: (0, 0, 0), floor: 0 }
    }

    /// A word that is known as it stands, turned, both or neither.
    fn add(
        &mut self,
        text: &str,
        word: &Range<usize>,
        known: bool,
        turned: bool,
        words: &Words<'_>,
        parts: &mut Vec<Part>,
    ) {
        match (known, turned) {
            (false, true) => {
                if self.sum == 0 {
                    self.start = word.start;
                }
                self.sum += word.len() as i64;
                // The same word over and over is a name.
                let read = text.get(word.clone()).unwrap_or_default();
                self.words += usize::from(text.get(self.last.clone()) != Some(read));
                self.last = word.clone();
                if self.sum > self.best.0 {
                    self.best = (self.sum, self.words, word.end);
                }
            }
            (true, true) if self.sum > 0 => self.best.2 = self.best.2.max(self.end_of(word)),
            (true, true) => {}
            (true, false) => self.against(text, word.len(), words, parts),
            (false, false) if self.sum == 0 => {}
            // No word either way: nearer to one turned, it goes along.
            (false, false)
                if nears_turned(text.get(word.clone()).unwrap_or_default(), self.disguise, words) =>
            {
                self.sum += 1;
                if self.sum > self.best.0 {
                    self.best = (self.sum, self.words, word.end);
                }
            }
            (false, false) => self.against(text, word.len().div_ceil(2), words, parts),
        }
    }

    /// A word known both ways goes with the stretch where it stands at its end.
    const fn end_of(&self, word: &Range<usize>) -> usize {
        if self.sum == self.best.0 { word.end } else { self.best.2 }
    }

    fn against(&mut self, text: &str, letters: usize, words: &Words<'_>, parts: &mut Vec<Part>) {
        self.sum -= letters as i64;
        if self.sum <= 0 {
            self.close(text, words, parts);
        }
    }

    /// Where the stretch begins with the words before it that go along.
    fn led(&self, text: &str, words: &Words<'_>) -> usize {
        let from = text.ceil_char_boundary(self.start.saturating_sub(LEAD).max(self.floor));
        let before = text.get(from..self.start).unwrap_or_default();
        let runs: Vec<Range<usize>> =
            super::runs(before, SHORTEST, |byte| byte.is_ascii_alphabetic()).collect();
        let turned = |word: &&Range<usize>| {
            // One that begins where the look back does may be cut.
            let whole = word.start > 0 || from == 0;
            let read = before.get((*word).clone()).unwrap_or_default();
            let known = || knows_turned(read, self.disguise, words);
            whole && (known() || (!words.knows(read) && nears_turned(read, self.disguise, words)))
        };
        let first = runs.iter().rev().take_while(turned).last();
        first.map_or(self.start, |word| from + word.start)
    }

    /// Ends the stretch.
    fn close(&mut self, text: &str, words: &Words<'_>, parts: &mut Vec<Part>) {
        let (sum, found, end) = self.best;
        if sum >= LEAST_LETTERS && found >= LEAST_WORDS {
            let start = self.led(text, words);
            let range = widened(text, start..end, self.floor);
            self.floor = range.end;
            let encoded = text.get(range.clone()).unwrap_or_default();
            let says = match self.disguise {
                Disguise::Reversed => backwards(encoded),
                _ => encoded.chars().map(shift).collect(),
            };
            parts.push(Part { range, says: Says::Block(says), disguise: self.disguise });
        }
        (self.sum, self.words, self.best) = (0, 0, (0, 0, 0));
    }
}

fn shift(c: char) -> char {
    u8::try_from(c).map_or(c, |byte| char::from(rot13(byte)))
}

/// The range with what stands around it without white space, and with words too short to tell on either side; not before
/// `floor`.
fn widened(text: &str, range: Range<usize>, floor: usize) -> Range<usize> {
    let (mut start, mut end) = (range.start, range.end);
    let before = text.get(floor..start).unwrap_or_default();
    start -= taken(before.chars().rev());
    end += taken(text.get(end..).unwrap_or_default().chars());
    start..end
}

/// Bytes that the characters away from a stretch add to it.
fn taken(chars: impl Iterator<Item = char>) -> usize {
    let (mut walked, mut word_end, mut kept, mut letters) = (0, 0, 0, 0);
    let mut seen = 0;
    for c in chars.take(WIDENED) {
        seen += 1;
        walked += c.len_utf8();
        if c.is_whitespace() {
            (kept, letters) = (word_end, 0);
        } else {
            word_end = walked;
            letters += usize::from(c.is_alphanumeric());
            if letters >= SHORTEST {
                return kept;
            }
        }
    }
    // At the end of the text the last word is whole; elsewhere it may go on.
    if seen < WIDENED { word_end } else { kept }
}
