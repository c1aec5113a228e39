//! Combining marks heaped on Latin letters.

use super::super::unveil::is_mark;
use super::Piece;
use unicode_normalization::UnicodeNormalization;

/// Marks on one letter, after composition, from which they are noise.
const HEAP: usize = 2;

/// Drops every mark on ASCII letters and digits, composed or not, where most of them are marked and some letter carries a
/// heap, or marks that hardly a language puts on Latin letters; whether there was such noise.
pub(super) fn drop_noise(pieces: &mut Vec<Piece>) -> bool {
    if !pieces.iter().any(|piece| is_mark(piece.c)) {
        return false;
    }
    let (mut letters, mut marked, mut marks) = (0, 0, 0);
    let mut on_letter = false;
    let mut noise = false;
    for piece in pieces.iter() {
        if is_mark(piece.c) {
            marks += 1;
            marked += usize::from(on_letter && marks == 1);
            noise |= on_letter && (marks >= HEAP || !is_ordinary(piece.c));
        } else {
            marks = 0;
            on_letter = base(piece.c).is_some();
            letters += usize::from(on_letter);
        }
    }
    // Languages that heap marks do so on a vowel here and there.
    if !noise || 2 * marked <= letters {
        return false;
    }
    let mut kept: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut on_letter = false;
    for piece in pieces.iter() {
        if on_letter && is_mark(piece.c) {
            // The marks belong to the letter: what is found there takes them along.
            if let Some(letter) = kept.last_mut() {
                letter.end = piece.end;
            }
            continue;
        }
        let letter = base(piece.c);
        on_letter = letter.is_some();
        kept.push(Piece { c: letter.unwrap_or(piece.c), ..*piece });
    }
    *pieces = kept;
    true
}

/// The ASCII letter or digit that the character is, or is composed of with marks.
fn base(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric().then_some(c);
    }
    let mut parts = std::iter::once(c).nfd();
    let first = parts.next().filter(char::is_ascii_alphanumeric)?;
    parts.all(is_mark).then_some(first)
}

/// Whether the alphabet of a larger language has the mark on a Latin letter. The keycap is an emoji's.
const fn is_ordinary(mark: char) -> bool {
    matches!(
        mark,
        '\u{300}'..='\u{30C}'
            | '\u{30F}'
            | '\u{311}'
            | '\u{31B}'
            | '\u{323}'..='\u{328}'
            | '\u{32D}'..='\u{32E}'
            | '\u{330}'..='\u{331}'
            | '\u{20E3}'
    )
}
