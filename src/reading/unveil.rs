//! What shows otherwise than it is stored: tag characters, overridden direction, letters drawn as emoji.
//!
//! [`Normalized`](crate::normalize::Normalized) drops or names these characters, so this looks at the text before it.

use super::edited::{Edited, Editor};
use super::lexicon::Words;
use crate::normalize::is_invisible;
use crate::verdict::Disguise;
use std::ops::Range;

/// Letters in a run of flags that are words rather than flags, at least.
const LEAST_FLAGS: usize = 3;
/// Bytes hidden in a run of variation selectors, at least: one behind a character has a use.
const LEAST_SELECTORS: usize = 4;
const OVERRIDE: char = '\u{202E}';
const CANCEL_TAG: char = '\u{E007F}';
const BLACK_FLAG: char = '\u{1F3F4}';

/// The text as it shows, tags as the ASCII that they spell; nothing where that is the text as it is stored.
pub(super) fn unveil(text: &str, words: &Words<'_>) -> Option<(Edited, Vec<Disguise>)> {
    if text.is_ascii() || !may_hide(text.as_bytes()) {
        return None;
    }
    let mut editor = Editor::new(text);
    let mut via = Vec::new();
    let mut at = 0;
    let mut before = None;
    while let Some(c) = rest(text, at).chars().next() {
        let found = match c {
            OVERRIDE => forwards(text, at, &mut editor).map(|end| (end, Disguise::Bidi)),
            '\u{E0000}'..='\u{E007F}' => {
                smuggled_tags(text, at, before, &mut editor).map(|end| (end, Disguise::Smuggled))
            }
            '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => {
                smuggled_bytes(text, at, &mut editor).map(|end| (end, Disguise::Smuggled))
            }
            '\u{1F1E6}'..='\u{1F1FF}' => {
                let (end, spelt) = flags(text, at, words, &mut editor);
                if !spelt {
                    at = end;
                    before = Some(c);
                    continue;
                }
                Some((end, Disguise::EmojiLetters))
            }
            _ => boxed(c).map(|letter| {
                let range = at..at + c.len_utf8();
                editor.begin(&range);
                editor.letter(letter, range.clone());
                (range.end, Disguise::EmojiLetters)
            }),
        };
        match found {
            Some((end, disguise)) => {
                via.push(disguise);
                at = end;
            }
            // A run that was looked through is not looked through again.
            None => at += run_of_same(text, at, c),
        }
        before = Some(c);
    }
    via.sort_unstable();
    via.dedup();
    Some((editor.finish()?, via))
}

fn rest(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

/// Whether a byte begins one of the characters that are looked for.
fn may_hide(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|three| {
        matches!(
            three,
            [0xF3, 0xA0, _] | [0xF0, 0x9F, 0x84..=0x87] | [0xE2, 0x80, 0xAE] | [0xEF, 0xB8, 0x80..=0x8F]
        )
    })
}

/// Length of what follows from `at` on that is of the same kind as `c`, its first character.
fn run_of_same(text: &str, at: usize, c: char) -> usize {
    let kind: fn(char) -> bool = match c {
        '\u{E0000}'..='\u{E007F}' => is_tag,
        '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => |c| selected(c).is_some(),
        _ => return c.len_utf8(),
    };
    rest(text, at).chars().take_while(|&c| kind(c)).map(char::len_utf8).sum()
}

/// Turns the letters under an override around; answers where its effect ends.
fn forwards(text: &str, at: usize, editor: &mut Editor<'_>) -> Option<usize> {
    let start = at + OVERRIDE.len_utf8();
    let under = rest(text, start);
    // The pop, or the end of the paragraph (UAX #9, X7 and X8).
    let end = under.find(['\u{202C}', '\n', '\u{2029}']).unwrap_or(under.len());
    let turned: String = backwards(under.get(..end)?);
    if turned.is_empty() {
        return None;
    }
    editor.begin(&(at..start + end));
    editor.block(&turned, at..start + end);
    Some(start + end)
}

/// The characters from last to first, marks behind the letters that they stand on.
pub(super) fn backwards(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks: Vec<char> = Vec::new();
    for c in text.chars().rev() {
        if is_mark(c) {
            marks.push(c);
        } else {
            out.push(c);
            out.extend(marks.drain(..).rev());
        }
    }
    out.extend(marks.into_iter().rev());
    out
}

/// Whether the character combines with the one before it.
pub(super) fn is_mark(c: char) -> bool {
    !c.is_ascii() && unicode_normalization::char::is_combining_mark(c)
}

const fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0000}'..='\u{E007F}')
}

/// Spells the ASCII of a run of tags, unless they name the region of a flag; answers where the run ends.
fn smuggled_tags(text: &str, at: usize, before: Option<char>, editor: &mut Editor<'_>) -> Option<usize> {
    let run: Vec<char> = rest(text, at).chars().take_while(|&c| is_tag(c)).collect();
    let letter = |c: char| char::from_u32(u32::from(c).checked_sub(0xE0000)?);
    let hidden = run.iter().filter(|c| letter(**c).is_some_and(|c| matches!(c, ' '..='~'))).count();
    // UTS #51: a black flag, the region in lower case and digits, at most six of them, the cancel tag.
    let region = before == Some(BLACK_FLAG) && run.last() == Some(&CANCEL_TAG) && run.len() <= 7;
    if hidden == 0 || region {
        return None;
    }
    let end = at + run.iter().map(|c| c.len_utf8()).sum::<usize>();
    editor.begin(&(at..end));
    let mut place = at;
    for c in run {
        let range = place..place + c.len_utf8();
        if let Some(shown) = letter(c).filter(|c| matches!(c, ' '..='~' | '\n' | '\t')) {
            editor.letter(shown, range.clone());
        }
        place = range.end;
    }
    editor.end(end);
    Some(end)
}

/// The byte that a variation selector stands for, where they are used to hide bytes.
fn selected(c: char) -> Option<u8> {
    let code = u32::from(c);
    match c {
        '\u{FE00}'..='\u{FE0F}' => u8::try_from(code - 0xFE00).ok(),
        '\u{E0100}'..='\u{E01EF}' => u8::try_from(code - 0xE0100 + 16).ok(),
        _ => None,
    }
}

/// Spells the text of a run of variation selectors, where it is one; answers where the run ends.
fn smuggled_bytes(text: &str, at: usize, editor: &mut Editor<'_>) -> Option<usize> {
    let mut end = at;
    let mut bytes = Vec::new();
    for c in rest(text, at).chars() {
        let Some(byte) = selected(c) else { break };
        bytes.push(byte);
        end += c.len_utf8();
    }
    let hidden = String::from_utf8(bytes).ok()?;
    let shows = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if hidden.len() < LEAST_SELECTORS || !hidden.chars().all(shows) {
        return None;
    }
    editor.begin(&(at..end));
    editor.block(&hidden, at..end);
    Some(end)
}

/// The letter in a negative circle or a negative square; others fall to their letters by NFKC.
fn boxed(c: char) -> Option<char> {
    let code = u32::from(c);
    let place = match c {
        '\u{1F150}'..='\u{1F169}' => code - 0x1F150,
        '\u{1F170}'..='\u{1F189}' => code - 0x1F170,
        _ => return None,
    };
    char::from_u32(u32::from('a') + place)
}

fn flag_letter(c: char) -> Option<char> {
    let place = u32::from(c).checked_sub(0x1F1E6).filter(|place| *place < 26)?;
    char::from_u32(u32::from('a') + place)
}

/// Spells a run of regional indicators that is no row of flags; answers where the run ends, spelt or not.
///
/// Two that touch are a flag. Letters that stand apart, by a space or something invisible, and an odd one are none; a row
/// of pairs is spelt where it is a known word.
fn flags(text: &str, at: usize, words: &Words<'_>, editor: &mut Editor<'_>) -> (usize, bool) {
    let mut letters: Vec<(char, Range<usize>)> = Vec::new();
    let (mut place, mut end) = (at, at);
    let (mut touching, mut alone) = (0_usize, false);
    for c in rest(text, at).chars() {
        let range = place..place + c.len_utf8();
        place = range.end;
        if let Some(letter) = flag_letter(c) {
            end = range.end;
            touching += 1;
            letters.push((letter, range));
        } else if c == ' ' || is_invisible(c) {
            alone |= touching % 2 == 1;
            touching = 0;
        } else {
            break;
        }
    }
    alone |= touching % 2 == 1;
    let word: String = letters.iter().map(|(letter, _)| *letter).collect();
    if letters.len() < LEAST_FLAGS || !(alone || words.knows(&word)) {
        return (end, false);
    }
    editor.begin(&(at..end));
    let mut written = at;
    for (letter, range) in letters {
        // Several spaces part words; one parts letters.
        let between = text.get(written..range.start).unwrap_or_default();
        if between.len() > 1 && between.chars().all(|c| c == ' ') {
            editor.letter(' ', written..range.start);
        }
        written = range.end;
        editor.letter(letter, range);
    }
    editor.end(end);
    (end, true)
}
