//! Letters of other scripts in the place of Latin ones that look the same.
//!
//! What looks the same is told by the confusables of
//! [Unicode Technical Standard #39](https://www.unicode.org/reports/tr39/), and by a few letters more that pass for Latin
//! ones in the middle of a word. Only words that mix scripts are folded, and those that are confusable throughout where the
//! text around them is Latin and the word that they look like is known.

use super::super::lexicon::Words;
use super::super::unveil::is_mark;
use super::survey::Survey;
use super::{Piece, runs, spell};
use unicode_script::{Script, UnicodeScript};
use unicode_security::confusable_detection::skeleton;

/// Letters of a word, at least, that is folded though it is not known, or though it is all in another script.
const LEAST_MIXED: usize = 3;

/// Mixed words that make a text one of look-alikes.
const MANY_MIXED: usize = 2;

/// What a person takes the letters for that are not confusable by themselves.
const ALIKE: &[(char, char)] = &[
    ('ʀ', 'r'),
    ('Κ', 'k'),
    ('η', 'n'),
    ('κ', 'k'),
    ('τ', 't'),
    ('υ', 'u'),
    ('ω', 'w'),
    ('б', 'b'),
    ('в', 'b'),
    ('к', 'k'),
    ('м', 'm'),
    ('н', 'h'),
    ('п', 'n'),
    ('т', 't'),
    ('ь', 'b'),
    ('ᴀ', 'a'),
    ('ᴄ', 'c'),
    ('ᴅ', 'd'),
    ('ᴇ', 'e'),
    ('ᴊ', 'j'),
    ('ᴋ', 'k'),
    ('ᴍ', 'm'),
    ('ᴏ', 'o'),
    ('ᴘ', 'p'),
    ('ᴛ', 't'),
    ('ᴜ', 'u'),
    ('ᴠ', 'v'),
    ('ᴡ', 'w'),
    ('ᴢ', 'z'),
];

/// What surrounds a word.
#[derive(Clone, Copy)]
pub(super) struct Surroundings {
    /// Whether the letters of the text, those aside that may be Latin in disguise, are mostly Latin.
    latin: bool,
    /// Whether several of its words mix look-alikes with Latin letters.
    pub(super) mixed: bool,
}

/// Looks at the words of the text that are not ASCII.
pub(super) fn surroundings(text: &str, survey: &Survey) -> Surroundings {
    if survey.ascii_letters == 0 {
        return Surroundings { latin: false, mixed: false };
    }
    let (mut other, mut mixed) = (0, 0);
    for odd in &survey.odd {
        let source = text.get(odd.range.clone()).unwrap_or_default();
        if source.is_ascii() {
            continue;
        }
        let pieces = super::pieces(source, 0);
        for run in runs(&pieces, is_word) {
            let word = pieces.get(run).unwrap_or_default();
            let is_mixed = Scripts::of(word).is_mixed();
            if folded(word, is_mixed).is_some() {
                mixed += usize::from(is_mixed);
                continue;
            }
            if is_mixed {
                continue;
            }
            other += word.iter().filter(|piece| is_foreign(piece.c)).count();
        }
    }
    Surroundings { latin: survey.ascii_letters > 2 * other, mixed: mixed >= MANY_MIXED }
}

/// Folds the words of a chunk; whether there were any to fold.
pub(super) fn fold(pieces: &mut [Piece], around: Surroundings, words: &Words<'_>) -> bool {
    // What is no part of a Latin text is a language of its own.
    if !around.latin {
        return false;
    }
    let mut changed = false;
    for run in runs(pieces, is_word) {
        let Some(word) = pieces.get_mut(run) else { continue };
        let scripts = Scripts::of(word);
        if scripts.foreign == 0 && scripts.odd_latin == 0 {
            continue;
        }
        let Some(folded) = folded(word, scripts.is_mixed() || around.mixed) else { continue };
        let letters = scripts.latin + scripts.foreign;
        let known = || words.knows(&spell(&folded));
        let meant = match scripts {
            Scripts { latin: 1.., foreign: 1.., .. } => letters >= LEAST_MIXED || around.mixed,
            // Letters of phonetics: the alphabets of languages have one of them at a time.
            Scripts { odd_latin, foreign: 0, .. } => {
                letters >= LEAST_MIXED && 2 * odd_latin >= letters && known()
            }
            _ => around.mixed || (letters >= LEAST_MIXED && known()),
        };
        if meant {
            word.copy_from_slice(&folded);
            changed = true;
        }
    }
    changed
}

/// Letters of a word by script.
#[derive(Default)]
struct Scripts {
    latin: usize,
    /// Latin letters that are neither ASCII nor made of it with marks.
    odd_latin: usize,
    foreign: usize,
}

impl Scripts {
    fn of(word: &[Piece]) -> Self {
        let mut scripts = Self::default();
        for c in word.iter().map(|piece| piece.c).filter(|c| !is_mark(*c)) {
            if is_foreign(c) {
                scripts.foreign += 1;
            } else {
                scripts.latin += 1;
                scripts.odd_latin += usize::from(!c.is_ascii() && look_alike(c).is_some());
            }
        }
        scripts
    }

    const fn is_mixed(&self) -> bool {
        self.latin > 0 && self.foreign > 0
    }
}

fn is_word(c: char) -> bool {
    c.is_alphabetic() || is_mark(c)
}

fn is_foreign(c: char) -> bool {
    !c.is_ascii()
        && c.is_alphabetic()
        && !matches!(c.script(), Script::Latin | Script::Common | Script::Inherited)
}

/// The word in Latin letters, one for one; nothing where a letter has no Latin look-alike, or only one that passes for it
/// in company, unless this is `loose`.
fn folded(word: &[Piece], loose: bool) -> Option<Vec<Piece>> {
    word.iter()
        .map(|piece| {
            let stays = piece.c.is_ascii() || is_mark(piece.c);
            let strict = loose || !is_foreign(piece.c) || !passes(piece.c);
            let c = if stays {
                piece.c
            } else {
                look_alike(piece.c).filter(|_| strict).or_else(|| own(piece.c))?
            };
            Some(Piece { c, ..*piece })
        })
        .collect()
}

/// A Latin letter with marks is its own.
fn own(c: char) -> Option<char> {
    (!is_foreign(c)).then_some(c)
}

/// The ASCII letter that the character looks like. Nothing for ASCII, and for letters made of it with marks.
fn look_alike(c: char) -> Option<char> {
    if let Some((_, latin)) = ALIKE.iter().find(|(like, _)| *like == c) {
        return Some(*latin);
    }
    let mut buffer = [0; 4];
    let mut prototype = skeleton(c.encode_utf8(&mut buffer));
    let first = prototype.next().filter(char::is_ascii_alphabetic)?;
    if !prototype.all(is_mark) || (!is_foreign(c) && decomposes(c)) {
        return None;
    }
    // The prototype of every upright stroke is a small l, also of capitals that are read as I.
    Some(if first == 'l' && c.is_uppercase() { 'I' } else { first })
}

/// Whether the letter is one of those that are [`ALIKE`] only.
fn passes(c: char) -> bool {
    ALIKE.iter().any(|(like, _)| *like == c)
}

fn decomposes(c: char) -> bool {
    let mut whole = true;
    unicode_normalization::char::decompose_canonical(c, |part| whole &= part == c);
    !whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_latin_letters() {
        for (like, latin) in [
            ('а', Some('a')),
            ('с', Some('c')),
            ('е', Some('e')),
            ('і', Some('i')),
            ('ѕ', Some('s')),
            ('ν', Some('v')),
            ('Ι', Some('I')),
            ('Υ', Some('Y')),
            ('ɡ', Some('g')),
            ('ж', None),
            ('é', None),
            ('中', None),
            ('ש', None),
        ] {
            assert_eq!(look_alike(like), latin, "{like}");
        }
    }
}
