//! One vendor's token: a prefix, then so many characters of an alphabet that look random.

use super::super::Hit;
use super::super::near::{before, run};
use super::entropy::entropy;
use crate::span::Span;

/// Prefix, alphabet and length agree, and the characters look random.
const TOKEN: f32 = 0.95;
/// The form of a token, filled with a word or a pattern as documentation does.
const EXAMPLE: f32 = 0.3;

/// A token's form.
#[derive(Debug)]
pub(in crate::rails::pattern) struct Token {
    pub(in crate::rails::pattern) prefix: &'static str,
    alphabet: Alphabet,
    least: usize,
    most: usize,
}

/// The characters after the prefix.
#[derive(Clone, Copy, Debug)]
pub(super) enum Alphabet {
    /// `a-f` and digits.
    Hex,
    /// `A-Z` and digits.
    Upper,
    /// `a-z` and digits.
    Lower,
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `_` and `-`.
    Word,
    /// Letters, digits, `_`, `-` and `.`.
    Dotted,
    /// Letters, digits, `+`, `/` and `=`.
    Base64,
    /// Letters, digits, `+`, `/`, `=`, `-` and `_`: parts of a path.
    Path,
}

impl Alphabet {
    const fn holds(self, b: u8) -> bool {
        match self {
            Self::Hex => b.is_ascii_digit() || matches!(b, b'a'..=b'f'),
            Self::Upper => b.is_ascii_digit() || b.is_ascii_uppercase(),
            Self::Lower => b.is_ascii_digit() || b.is_ascii_lowercase(),
            Self::Alnum => b.is_ascii_alphanumeric(),
            Self::Word => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Self::Dotted => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'),
            Self::Base64 => b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='),
            Self::Path => b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'_' | b'-'),
        }
    }

    /// Least entropy of random characters, in thousandths of a bit, for a run of twenty and more.
    const fn floor(self) -> u32 {
        match self {
            Self::Hex => 2500,
            _ => 3000,
        }
    }
}

pub(super) const fn token(prefix: &'static str, alphabet: Alphabet, least: usize, most: usize) -> Token {
    Token { prefix, alphabet, least, most }
}

/// The first of the forms that stands at byte `at`.
pub(super) fn find(forms: &[Token], text: &str, at: usize, floor: usize) -> Option<Hit> {
    let one = before(text.as_bytes(), at, 1, floor);
    if one.is_ascii_alphanumeric() || one == b'_' {
        return None;
    }
    forms.iter().find_map(|form| matching(form, text, at))
}

fn matching(form: &Token, text: &str, at: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let body = at + form.prefix.len();
    if bytes.get(at..body) != Some(form.prefix.as_bytes()) {
        return None;
    }
    let run = run(bytes, body, form.most + 1, |b| form.alphabet.holds(b));
    // A sentence may end, or a path go on, after the token.
    let characters = text.get(body..body + run)?.trim_end_matches(['.', '-', '/']);
    if !(form.least..=form.most).contains(&characters.len()) {
        return None;
    }
    let score =
        if is_example(characters) || entropy(characters) < form.alphabet.floor() { EXAMPLE } else { TOKEN };
    Some(Hit::new(Span::new(at, body + characters.len()), score))
}

/// Whether documentation would write it so.
pub(super) fn is_example(characters: &str) -> bool {
    let lower = characters.to_ascii_lowercase();
    [
        "example",
        "xxxxx",
        "your-",
        "your_",
        "-your",
        "_your",
        "00000000",
        "12345678901234",
        "abcdefghijklm",
        "placeholder",
        "redacted",
    ]
    .iter()
    .any(|word| lower.contains(word))
}
