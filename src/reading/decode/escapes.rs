//! Characters written as escapes inside words: percent-encoding, references of HTML, quoted-printable, backslashes.
//!
//! Links and markup are full of escapes that hide nothing. So a kind of escape is decoded only where it spells letters of a
//! known word, or the sign of an e-mail address, which none of its uses asks for; then all of its kind are.

use super::super::lexicon::Words;
use super::hex;
use super::{LEAST_WORD, Part, Says};
use crate::verdict::Disguise;
use std::ops::Range;

/// Letters spelt by escapes that are evidence without a known word.
const LEAST_LETTERS: usize = 12;
/// Escapes in a row that are evidence in quoted-printable, where one alone is also a value behind `=`.
const LEAST_QUOTED: usize = 2;
/// Longest escape, in bytes.
const LONGEST: usize = 12;

/// What one escape stands for.
#[derive(Clone, Copy)]
enum Unit {
    Byte(u8),
    Char(char),
    /// Nothing: a line that goes on.
    Nothing,
}

/// A kind of escape.
struct Kind {
    disguise: Disguise,
    /// The byte that begins one.
    opens: u8,
    /// The escape at the beginning of the text and its length.
    unit: fn(&str) -> Option<(Unit, usize)>,
}

const KINDS: [Kind; 4] = [
    Kind { disguise: Disguise::Percent, opens: b'%', unit: percent },
    Kind { disguise: Disguise::HtmlEntities, opens: b'&', unit: reference },
    Kind { disguise: Disguise::QuotedPrintable, opens: b'=', unit: quoted },
    Kind { disguise: Disguise::Escapes, opens: b'\\', unit: backslash },
];

/// Adds the escapes of each kind that hides something, those that touch as one part.
pub(super) fn find(text: &str, words: &Words<'_>, parts: &mut Vec<Part>) {
    for kind in &KINDS {
        if !text.as_bytes().contains(&kind.opens) {
            continue;
        }
        let clusters = clusters(text, kind);
        if hides(text, &clusters, kind, words) {
            parts.extend(clusters.into_iter().map(|cluster| Part {
                range: cluster.range,
                says: Says::Letters(cluster.letters),
                disguise: kind.disguise,
            }));
        }
    }
}

/// Escapes that touch, and what they spell.
struct Cluster {
    range: Range<usize>,
    letters: Vec<(char, Range<usize>)>,
    /// How many escapes they are.
    units: usize,
}

fn clusters(text: &str, kind: &Kind) -> Vec<Cluster> {
    let mut clusters = Vec::new();
    let mut at = 0;
    while let Some(found) =
        text.as_bytes().get(at..).and_then(|rest| rest.iter().position(|&b| b == kind.opens))
    {
        at += found;
        let start = at;
        let mut units = Vec::new();
        while let Some((unit, len)) = text.get(at..).and_then(|rest| (kind.unit)(rest)) {
            units.push((unit, at..at + len));
            at += len;
        }
        if units.is_empty() {
            at += 1;
            continue;
        }
        // Bytes that are no text stay as they are.
        if let Some(letters) = letters(&units) {
            clusters.push(Cluster { range: start..at, letters, units: units.len() });
        }
    }
    clusters
}

/// The characters that the escapes spell, each with its escapes; nothing where they are no text.
fn letters(units: &[(Unit, Range<usize>)]) -> Option<Vec<(char, Range<usize>)>> {
    let mut letters = Vec::with_capacity(units.len());
    let mut bytes: Vec<(u8, Range<usize>)> = Vec::new();
    for (unit, range) in units {
        match unit {
            Unit::Byte(byte) => bytes.push((*byte, range.clone())),
            Unit::Char(c) => {
                spell(&mut bytes, &mut letters)?;
                letters.push((*c, range.clone()));
            }
            Unit::Nothing => {}
        }
    }
    spell(&mut bytes, &mut letters)?;
    let shows = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    letters.iter().all(|(c, _)| shows(*c)).then_some(letters)
}

/// Appends the characters of the bytes and empties these.
fn spell(bytes: &mut Vec<(u8, Range<usize>)>, letters: &mut Vec<(char, Range<usize>)>) -> Option<()> {
    let text: Vec<u8> = bytes.iter().map(|(byte, _)| *byte).collect();
    for (at, c) in std::str::from_utf8(&text).ok()?.char_indices() {
        let first = &bytes.get(at)?.1;
        let last = &bytes.get(at + c.len_utf8() - 1)?.1;
        letters.push((c, first.start..last.end));
    }
    bytes.clear();
    Some(())
}

/// Whether the escapes hide anything.
fn hides(text: &str, clusters: &[Cluster], kind: &Kind, words: &Words<'_>) -> bool {
    let mut spelt = 0;
    let mut at = 0;
    while let Some(cluster) = clusters.get(at) {
        // The clusters of one word with what stands between them.
        let mut word = String::new();
        let mut marked = Vec::new();
        let mut units = 0;
        word.push_str(before(text, cluster.range.start));
        let mut end = cluster.range.start;
        while let Some(cluster) = clusters.get(at) {
            let between = text.get(end..cluster.range.start).unwrap_or_default();
            if !between.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                break;
            }
            word.push_str(between);
            let from = word.len();
            word.extend(cluster.letters.iter().map(|(c, _)| *c));
            marked.push(from..word.len());
            units += cluster.units;
            end = cluster.range.end;
            at += 1;
        }
        word.push_str(behind(text, end));
        if kind.disguise == Disguise::QuotedPrintable && units < LEAST_QUOTED {
            continue;
        }
        for marked in &marked {
            let letters = word.get(marked.clone()).unwrap_or_default();
            spelt += letters.bytes().filter(u8::is_ascii_alphabetic).count();
            if is_address(&word, marked) || is_escape(&word, marked, kind) {
                return true;
            }
        }
        if spelt >= LEAST_LETTERS || spells_word(&word, &marked, words) {
            return true;
        }
    }
    false
}

/// Whether a known word of the text has a letter of a marked range.
fn spells_word(text: &str, marked: &[Range<usize>], words: &Words<'_>) -> bool {
    let mut marked = marked.iter().peekable();
    super::runs(text, LEAST_WORD, |byte| byte.is_ascii_alphabetic()).any(|word| {
        while marked.peek().is_some_and(|range| range.end <= word.start) {
            marked.next();
        }
        let touched = marked.peek().is_some_and(|range| range.start < word.end);
        touched && text.get(word).is_some_and(|word| words.knows(word))
    })
}

/// Whether a marked range has an `@` between letters or digits.
fn is_address(text: &str, marked: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let word = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let mut signs = marked.clone().filter(|at| bytes.get(*at) == Some(&b'@'));
    signs.any(|at| word(at.checked_sub(1)) && word(Some(at + 1)))
}

/// Whether a marked range begins another escape of the kind, of a letter.
fn is_escape(text: &str, marked: &Range<usize>, kind: &Kind) -> bool {
    let opens = |at: &usize| text.as_bytes().get(*at) == Some(&kind.opens);
    marked.clone().filter(opens).filter_map(|at| (kind.unit)(text.get(at..)?)).any(|(unit, _)| match unit {
        Unit::Byte(byte) => byte.is_ascii_alphabetic(),
        Unit::Char(c) => c.is_ascii_alphabetic(),
        Unit::Nothing => false,
    })
}

/// Letters and digits that end at `at`, a word's length at most.
fn before(text: &str, at: usize) -> &str {
    let before =
        text.as_bytes().get(at.saturating_sub(super::super::lexicon::LONGEST)..at).unwrap_or_default();
    let len = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    text.get(at - len..at).unwrap_or_default()
}

/// Letters and digits that begin at `at`, a word's length at most.
fn behind(text: &str, at: usize) -> &str {
    let behind = text.as_bytes().get(at..).unwrap_or_default().iter().take(super::super::lexicon::LONGEST);
    let len = behind.take_while(|byte| byte.is_ascii_alphanumeric()).count();
    text.get(at..at + len).unwrap_or_default()
}

/// The value of all bytes as hexadecimal digits.
fn hexadecimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | u32::from(hex::value(*digit)?)))
}

fn byte_at(text: &str, at: usize) -> Option<u8> {
    u8::try_from(hexadecimal(text.as_bytes().get(at..at + 2)?)?).ok()
}

fn char_at(text: &str, range: Range<usize>) -> Option<char> {
    char::from_u32(hexadecimal(text.as_bytes().get(range)?)?)
}

/// `%68`; RFC 3986, section 2.1.
fn percent(text: &str) -> Option<(Unit, usize)> {
    text.starts_with('%').then_some(())?;
    Some((Unit::Byte(byte_at(text, 1)?), 3))
}

/// `=68`, or `=` at the end of a line; RFC 2045, section 6.7.
fn quoted(text: &str) -> Option<(Unit, usize)> {
    let rest = text.strip_prefix('=')?;
    if rest.starts_with("\r\n") {
        return Some((Unit::Nothing, 3));
    }
    if rest.starts_with('\n') {
        return Some((Unit::Nothing, 2));
    }
    Some((Unit::Byte(byte_at(text, 1)?), 3))
}

/// `&#104;`, `&#x68;` or one of the [`NAMED`]; HTML, section 13.5.
fn reference(text: &str) -> Option<(Unit, usize)> {
    let body = text.strip_prefix('&')?;
    let end = body.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = body.get(..end)?;
    let c = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => char::from_u32(hexadecimal(digits.as_bytes())?)?,
            None => char::from_u32(number.parse().ok()?)?,
        },
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((Unit::Char(c), end + 2))
}

/// Named references that stand between words or stand for signs of a payload.
const NAMED: [(&str, char); 16] = [
    ("amp", '&'),
    ("apos", '\''),
    ("colon", ':'),
    ("comma", ','),
    ("commat", '@'),
    ("excl", '!'),
    ("gt", '>'),
    ("lt", '<'),
    ("nbsp", ' '),
    ("NewLine", '\n'),
    ("num", '#'),
    ("percnt", '%'),
    ("period", '.'),
    ("quest", '?'),
    ("quot", '"'),
    ("Tab", '\t'),
];

/// `\u0068`, `\u{68}`, `\U00000068` or `\x68`; two halves of a character beyond U+FFFF are one escape.
fn backslash(text: &str) -> Option<(Unit, usize)> {
    let rest = text.strip_prefix('\\')?;
    match rest.bytes().next()? {
        b'x' => Some((Unit::Byte(byte_at(text, 2)?), 4)),
        b'U' => Some((Unit::Char(char_at(text, 2..10)?), 10)),
        b'u' if rest.get(1..2) == Some("{") => {
            let digits = rest.get(2..)?;
            let end = digits.bytes().take(LONGEST).position(|byte| byte == b'}')?;
            Some((Unit::Char(char::from_u32(hexadecimal(digits.get(..end)?.as_bytes())?)?), end + 4))
        }
        b'u' => {
            let high = hexadecimal(text.as_bytes().get(2..6)?)?;
            if let Some(c) = char::from_u32(high) {
                return Some((Unit::Char(c), 6));
            }
            let low = text.get(6..8).filter(|next| *next == "\\u")?;
            let low = hexadecimal(text.as_bytes().get(6 + low.len()..12)?)?;
            let mut pair = char::decode_utf16([u16::try_from(high).ok()?, u16::try_from(low).ok()?]);
            Some((Unit::Char(pair.next()?.ok()?), 12))
        }
        _ => None,
    }
}
