//! One look over a text for chunks that may hide a word.

use super::super::lexicon::Words;
use std::ops::Range;

/// A chunk to look at closer, or a row of single letters.
pub(super) struct Odd {
    pub(super) range: Range<usize>,
    /// A row of letters parted by white space.
    pub(super) spaced: bool,
    /// Letters alone, none of them repeated, that are no known word.
    pub(super) unknown: bool,
}

/// What was seen.
pub(super) struct Survey {
    /// In order; they do not overlap.
    pub(super) odd: Vec<Odd>,
    /// Short chunks with digits that are not odd: words where the text is full of leet. Some are in rows, too.
    pub(super) numbers: Vec<Range<usize>>,
    /// Single letters that are not ASCII: words where the text is full of look-alikes. Some are in rows, too.
    pub(super) singles: Vec<Range<usize>>,
    /// Chunks between white space.
    pub(super) chunks: usize,
    /// Letters in ASCII.
    pub(super) ascii_letters: usize,
    /// Chunks of letters alone that are known words of [`LEAST_WORD`] letters or more.
    pub(super) known: usize,
}

/// Letters of a word that is looked up, at least.
pub(super) const LEAST_WORD: usize = 4;
/// Single letters in a row, at least.
const LEAST_ROW: usize = 3;
/// Most white space between two letters of a row, in bytes.
const WIDEST_GAP: usize = 3;
/// The longest chunk that is kept as a number, in bytes.
const LONGEST_NUMBER: usize = 12;
/// Equal letters in a row, at least.
const LEAST_REPEATED: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    Digit,
    /// A sign that can stand for a letter.
    Sign,
    /// Other signs of ASCII and controls.
    Other,
    /// Not ASCII.
    Foreign,
}

const CLASSES: [Class; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "evaluated when compiling, with the index below 256")]
const fn classes() -> [Class; 256] {
    let mut classes = [Class::Foreign; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'@' | b'$' | b'!' | b'|' => Class::Sign,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
}

fn class(byte: u8) -> Class {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(Class::Other)
}

impl Survey {
    /// Looks at `text`.
    pub(super) fn of(text: &str, words: &Words<'_>) -> Self {
        let mut survey = Self {
            odd: Vec::new(),
            numbers: Vec::new(),
            singles: Vec::new(),
            chunks: 0,
            ascii_letters: 0,
            known: 0,
        };
        let bytes = text.as_bytes();
        let mut row = Row::default();
        let mut at = 0;
        loop {
            let spaces = bytes.iter().skip(at).take_while(|&&byte| class(byte) == Class::Space).count();
            at += spaces;
            let rest = bytes.get(at..).unwrap_or_default();
            let len = rest.iter().take_while(|&&byte| class(byte) != Class::Space).count();
            let chunk = rest.get(..len).unwrap_or_default();
            if chunk.is_empty() {
                row.end(&mut survey.odd);
                return survey;
            }
            survey.chunks += 1;
            let range = at..at + len;
            at = range.end;
            // A row of letters takes its chunks out again, so it sees them first.
            if row.takes(text, &range, spaces, &mut survey.odd) {
                survey.ascii_letters += 1;
                if chunk.iter().any(|&byte| matches!(class(byte), Class::Digit | Class::Sign)) {
                    survey.numbers.push(range);
                } else if !chunk.is_ascii() {
                    survey.singles.push(range);
                }
                continue;
            }
            survey.look(text, chunk, range, words);
        }
    }

    fn look(&mut self, text: &str, chunk: &[u8], range: Range<usize>, words: &Words<'_>) {
        let mut letters = 0;
        let (mut mixed, mut repeated, mut parted) = (false, 1, 0);
        let (mut foreign, mut long, mut digit) = (false, false, false);
        let (mut last, mut before_last) = (0_u8, 0_u8);
        for &byte in chunk {
            let kind = class(byte);
            match kind {
                Class::Letter => {
                    letters += 1;
                    mixed |= matches!(class(last), Class::Digit | Class::Sign) && last != 0;
                    repeated = if byte.eq_ignore_ascii_case(&last) { repeated + 1 } else { 1 };
                    long |= repeated >= LEAST_REPEATED;
                }
                Class::Digit | Class::Sign => {
                    // What ends a sentence or a cell is no letter there.
                    mixed |= class(last) == Class::Letter && !matches!(byte, b'!' | b'|');
                    digit = true;
                }
                Class::Foreign => foreign = true,
                Class::Other | Class::Space => {}
            }
            // A letter behind a sign behind a letter or a digit.
            let is_word = |byte: u8| matches!(class(byte), Class::Letter | Class::Digit);
            if is_word(byte) && last != 0 && before_last != 0 && !is_word(last) && is_word(before_last) {
                parted += 1;
            }
            (before_last, last) = (last, byte);
        }
        self.ascii_letters += letters;
        let mut unknown = false;
        if !(mixed || foreign || long) && letters >= LEAST_WORD {
            let trimmed = text.get(range.clone()).unwrap_or_default();
            let word = trimmed.trim_matches(|c: char| !c.is_ascii_alphabetic());
            if word.len() == letters {
                unknown = !words.knows(word);
                self.known += usize::from(!unknown);
            }
        }
        if mixed || foreign || long || parted + 1 >= LEAST_ROW || unknown {
            self.odd.push(Odd { range, spaced: false, unknown });
        } else if digit && chunk.len() <= LONGEST_NUMBER {
            self.numbers.push(range);
        }
    }
}

/// A row of single letters that is being read.
#[derive(Default)]
struct Row {
    range: Range<usize>,
    letters: usize,
}

impl Row {
    /// Whether the chunk belongs to a row. Signs may stand before the first letter and behind the last.
    fn takes(&mut self, text: &str, range: &Range<usize>, gap: usize, odd: &mut Vec<Odd>) -> bool {
        // Longer ones cannot be a letter with a sign or two.
        let chunk = if range.len() <= 6 { text.get(range.clone()).unwrap_or_default() } else { "" };
        let sign = |c: char| c.is_ascii_punctuation() && !matches!(c, '@' | '$');
        let core = chunk.trim_matches(sign);
        let mut chars = core.chars();
        let single = matches!((chars.next(), chars.next()), (Some(c), None) if is_row_letter(c));
        if !single || gap > WIDEST_GAP {
            self.end(odd);
        }
        if !single {
            return false;
        }
        let opens = chunk.starts_with(sign);
        let closes = chunk.ends_with(sign);
        if opens {
            self.end(odd);
        }
        if self.letters == 0 {
            self.range.start = range.start + (chunk.len() - chunk.trim_start_matches(sign).len());
        }
        self.letters += 1;
        self.range.end = range.start + chunk.trim_end_matches(sign).len();
        if closes {
            self.end(odd);
        }
        true
    }

    fn end(&mut self, odd: &mut Vec<Odd>) {
        if self.letters >= LEAST_ROW {
            odd.push(Odd { range: self.range.clone(), spaced: true, unknown: false });
        }
        self.letters = 0;
    }
}

fn is_row_letter(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '@' | '$')
}
