//! Whether a text is in a language that the classifiers were trained on: English.
//!
//! `whichlang` names the likeliest of sixteen languages from the words that begin with a lower-case letter, or have no
//! case: names, headings and tables say little about the language around them. A text counts as foreign when that is
//! not English, hardly any of its words is a common English one, many are unknown to the model's English vocabulary, and
//! it is not code; or when most of its letters are not Latin. Text too short to tell counts as English, as does an
//! English text that quotes something else.

use whichlang::{Lang, detect_language};

/// How much of a text is in another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// None, or too little to tell.
    No,
    /// A part.
    Partly,
    /// Every part that can be told.
    Wholly,
}

/// Characters of each part that is looked at.
const PART: usize = 600;
/// Least letters and words that a language can be told from.
const LETTERS: usize = 24;
const WORDS: usize = 4;
/// Least letters that a script can be told from.
const LETTERS_OF_A_SCRIPT: usize = 6;
/// Share of the words that are [`COMMON`] from which a text is English, whatever else it looks like.
const ENGLISH_SHARE: f32 = 0.07;
/// Share of the longer words that are whole in the vocabulary from which a text is English; it has the short words of
/// other languages too.
const KNOWN_SHARE: f32 = 0.7;
/// Letters of a longer word, at least.
const LONGER: usize = 4;
/// Share of the characters that are [`SIGNS`] from which a text is code.
const CODE_SHARE: f32 = 0.03;
/// Signs that code is full of and prose is not.
const SIGNS: &str = "{}()[];=<>_";
/// A word with one of these is a link, a mention, a cell or code.
const NO_WORD: &str = "@#/\\|_={<.0123456789";
/// Frequent English words that are no words of other large languages.
const COMMON: &[&str] = &[
    "about", "all", "are", "at", "be", "been", "but", "by", "can", "don't", "for", "from", "get", "have",
    "her", "how", "i'm", "if", "is", "it", "just", "like", "my", "not", "of", "please", "she", "that", "the",
    "their", "there", "they", "this", "to", "was", "we", "what", "when", "which", "who", "why", "with",
    "would", "you", "your",
];

/// Whether the word, in lower case, is a frequent one of English and of no other large language.
pub(crate) fn is_common(word: &str) -> bool {
    COMMON.binary_search(&word).is_ok()
}

/// Looks at the beginning, the middle and the end of a normalized text; `is_known` says whether a word is whole in the
/// model's vocabulary.
#[must_use]
pub fn foreign(text: &str, mut is_known: impl FnMut(&str) -> bool) -> Foreign {
    let (mut told, mut other) = (0, 0);
    for part in parts(text) {
        if let Some(foreign) = is_foreign(part, &mut is_known) {
            told += 1;
            other += usize::from(foreign);
        }
    }
    match other {
        0 => Foreign::No,
        _ if other == told => Foreign::Wholly,
        _ => Foreign::Partly,
    }
}

/// The whole of a short text, three parts of a long one.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.len();
    let starts = if bytes <= 3 * PART {
        [Some(0), None, None]
    } else {
        [Some(0), Some(bytes / 2), Some(bytes - PART)]
    };
    let longest = if bytes <= 3 * PART { bytes } else { PART };
    starts.into_iter().flatten().filter_map(move |start| {
        let (start, end) = (text.ceil_char_boundary(start), text.ceil_char_boundary(start + longest));
        text.get(start..end)
    })
}

/// `None` when there is too little to tell.
fn is_foreign(part: &str, is_known: impl FnMut(&str) -> bool) -> Option<bool> {
    if is_other_script(part) {
        return Some(true);
    }
    let prose: Vec<&str> = part
        .split_whitespace()
        .filter(|word| !word.contains(|sign| NO_WORD.contains(sign)))
        .map(|word| word.trim_matches(|c: char| !c.is_alphabetic()))
        .filter(|word| word.chars().next().is_some_and(|first| !first.is_uppercase()))
        .collect();
    let letters: usize = prose.iter().map(|word| word.chars().filter(|c| c.is_alphabetic()).count()).sum();
    let spaced = prose.iter().any(|word| word.chars().any(char::is_lowercase));
    if letters < LETTERS || (spaced && prose.len() < WORDS) {
        return None;
    }
    // The cheapest first: most text is English.
    Some(
        detect_language(&prose.join(" ")) != Lang::Eng
            && english_share(part) < ENGLISH_SHARE
            && code_share(part) < CODE_SHARE
            && known_share(&prose, is_known) < KNOWN_SHARE,
    )
}

fn is_other_script(part: &str) -> bool {
    let (mut letters, mut other) = (0, 0);
    for letter in part.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        // Latin ends with the phonetic letters, but for its additional block.
        other += usize::from(letter > '\u{2af}' && !('\u{1e00}'..='\u{1eff}').contains(&letter));
    }
    letters >= LETTERS_OF_A_SCRIPT && 2 * other > letters
}

/// Of the longer words that are letters alone.
fn known_share(words: &[&str], mut is_known: impl FnMut(&str) -> bool) -> f32 {
    let longer = || {
        words.iter().filter(|word| word.chars().count() >= LONGER && word.chars().all(char::is_alphabetic))
    };
    longer().filter(|word| is_known(word)).count() as f32 / longer().count().max(1) as f32
}

fn english_share(part: &str) -> f32 {
    let (mut words, mut common) = (0_u32, 0_u32);
    for word in part.split(|c: char| !c.is_alphabetic() && c != '\'').filter(|word| !word.is_empty()) {
        words += 1;
        common += u32::from(COMMON.iter().any(|known| word.eq_ignore_ascii_case(known)));
    }
    common as f32 / words.max(1) as f32
}

fn code_share(part: &str) -> f32 {
    let signs = part.chars().filter(|c| SIGNS.contains(*c)).count();
    signs as f32 / part.chars().count().max(1) as f32
}

#[cfg(test)]
mod tests;
