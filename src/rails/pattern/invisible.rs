//! Characters that show nothing: tags that hide ASCII, controls that turn the order of text, and zero-width characters.
//!
//! What writing needs is not reported: joiners inside emoji and inside words of Arabic, Indic and other joining scripts,
//! zero-width spaces of scripts without spaces, the tags of subdivision flags, and a byte order mark that opens the text.

use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const TAGS: Detector = Detector {
    name: "invisible.tag_characters",
    category: "invisible",
    placeholder: "",
    trigger: Trigger::Bytes(b"\xf3"),
    at: tags,
};
pub(super) const BIDI: Detector = Detector {
    name: "invisible.bidi",
    category: "invisible",
    placeholder: "",
    trigger: Trigger::Bytes(b"\xe2"),
    at: bidi,
};
pub(super) const ZERO_WIDTH: Detector = Detector {
    name: "invisible.zero_width",
    category: "invisible",
    placeholder: "",
    trigger: Trigger::Bytes(b"\xe1\xe2\xef"),
    at: zero_width,
};

/// Tag characters that spell something, and tags in no order.
const SMUGGLED: f32 = 0.95;
/// Right-to-left and left-to-right overrides; embeddings and isolates in a text without right-to-left letters.
const OVERRIDE: f32 = 0.9;
const NEEDLESS: f32 = 0.6;
/// Embeddings and isolates beside right-to-left letters: what they are for.
const USUAL: f32 = 0.2;
/// Eight and more in a row, as when they encode bits; inside a word; anywhere else.
const ENCODED: f32 = 0.95;
const INSIDE_WORD: f32 = 0.8;
const STRAY: f32 = 0.3;

/// Longest run of invisible characters that one span takes, in characters.
const MOST: usize = 4096;
/// How far right-to-left letters are looked for, in bytes.
const NEAR: usize = 64;

fn tags(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let rest = text.get(at..)?;
    // The rest of a flag.
    if text.get(floor..at)?.chars().next_back().is_some_and(is_tag) {
        return None;
    }
    let run: Vec<char> = rest.chars().take(MOST).take_while(|c| is_tag(*c)).collect();
    let before = text.get(..at)?.chars().next_back();
    // U+1F3F4, three to six tag letters, U+E007F: England, Scotland, Wales, Texas.
    let flag = match run.split_last() {
        Some((end, letters)) => {
            before == Some('\u{1f3f4}') && *end == '\u{e007f}' && (3..=6).contains(&letters.len())
        }
        None => return None,
    };
    let length = run.len() * 4;
    (!flag).then(|| Hit::new(Span::new(at, at + length), SMUGGLED))
}

fn bidi(text: &str, at: usize, _floor: usize) -> Option<Hit> {
    let rest = text.get(at..)?;
    let run: Vec<char> = rest.chars().take(MOST).take_while(|c| is_bidi(*c)).collect();
    let length: usize = run.iter().map(|c| c.len_utf8()).sum();
    if run.is_empty() {
        return None;
    }
    let turned = run.iter().any(|c| matches!(c, '\u{202d}' | '\u{202e}'));
    let from = text.floor_char_boundary(at.saturating_sub(NEAR));
    let to = text.ceil_char_boundary((at + length + NEAR).min(text.len()));
    let score = match text.get(from..to)?.chars().any(is_right_to_left) {
        _ if turned => OVERRIDE,
        true => USUAL,
        false => NEEDLESS,
    };
    Some(Hit::new(Span::new(at, at + length), score))
}

fn zero_width(text: &str, at: usize, _floor: usize) -> Option<Hit> {
    let rest = text.get(at..)?;
    let run: Vec<char> = rest.chars().take(MOST).take_while(|c| is_zero_width(*c)).collect();
    let length: usize = run.iter().map(|c| c.len_utf8()).sum();
    let first = *run.first()?;
    let before = text.get(..at)?.chars().next_back();
    let after = text.get(at + length..)?.chars().next();
    if run.len() == 1 && is_needed(first, before, after) {
        return None;
    }
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let score = match run.len() {
        8.. => ENCODED,
        _ if inside(before) && inside(after) => INSIDE_WORD,
        _ => STRAY,
    };
    Some(Hit::new(Span::new(at, at + length), score))
}

/// Whether writing needs the character between these two.
fn is_needed(c: char, before: Option<char>, after: Option<char>) -> bool {
    let of = |c: Option<char>, kind: fn(char) -> bool| c.is_some_and(kind);
    match c {
        '\u{200d}' => {
            (of(before, joins) && of(after, joins))
                || (of(before, is_emoji) && of(after, is_emoji))
                || of(before, joins)
        }
        '\u{200c}' => of(before, joins),
        '\u{200b}' => of(before, is_unspaced) || of(after, is_unspaced),
        '\u{feff}' => before.is_none(),
        '\u{2060}' => of(before, is_unspaced),
        '\u{180e}' => of(before, |c| ('\u{1800}'..='\u{18af}').contains(&c)),
        _ => false,
    }
}

const fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{180e}')
}

const fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Letters and marks of scripts in which joiners choose between forms.
const fn joins(c: char) -> bool {
    matches!(c,
        '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{1800}'..='\u{18af}' | '\u{1b00}'..='\u{1bff}' | '\u{a800}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{10fff}' | '\u{11000}'..='\u{11fff}' | '\u{1e900}'..='\u{1e95f}')
}

/// Scripts without spaces between words, where a zero-width space says where a line may break.
const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{1aaf}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Pictographs, their modifiers and what joins them.
const fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{20e3}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{fe0f}'
        | '\u{1f000}'..='\u{1faff}')
}
