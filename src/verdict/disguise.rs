//! The names of what a text can hide behind.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A disguise that a reading saw through, in the order in which a verdict lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Disguise {
    /// Invisible characters inside, or compatibility forms such as full-width letters.
    Unicode,
    /// ASCII in tag characters or variation selectors, which show nothing.
    Smuggled,
    /// Letters stored backwards under a bidirectional override, which shows them forwards.
    Bidi,
    /// Letters in squares, circles or flags.
    EmojiLetters,
    /// Combining marks heaped on letters.
    Marks,
    /// Letters of another script that look the same (UTS #39).
    Homoglyphs,
    /// Letters of a word parted by spaces or punctuation.
    Spaced,
    /// Digits and signs for letters.
    Leetspeak,
    /// Letters repeated.
    Stretched,
    /// Two letters of a word swapped.
    Typos,
    /// Base64 (RFC 4648, sections 4 and 5).
    Base64,
    /// Bytes as hexadecimal digits.
    Hex,
    /// Percent-encoding (RFC 3986).
    Percent,
    /// Character references of HTML.
    HtmlEntities,
    /// Quoted-printable (RFC 2045).
    QuotedPrintable,
    /// Backslash escapes such as `\u0068` and `\x68`.
    Escapes,
    /// Letters shifted by thirteen places.
    Rot13,
    /// Text written backwards.
    Reversed,
}

impl Disguise {
    /// Whether something had to be decoded, rather than read otherwise letter by letter.
    #[must_use]
    pub const fn is_encoding(self) -> bool {
        matches!(
            self,
            Self::Base64
                | Self::Hex
                | Self::Percent
                | Self::HtmlEntities
                | Self::QuotedPrintable
                | Self::Escapes
                | Self::Rot13
                | Self::Reversed
                | Self::Smuggled
        )
    }

    /// The word used in JSON and on the terminal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unicode => "unicode",
            Self::Smuggled => "smuggled",
            Self::Bidi => "bidi",
            Self::EmojiLetters => "emoji_letters",
            Self::Marks => "marks",
            Self::Homoglyphs => "homoglyphs",
            Self::Spaced => "spaced",
            Self::Leetspeak => "leetspeak",
            Self::Stretched => "stretched",
            Self::Typos => "typos",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Percent => "percent",
            Self::HtmlEntities => "html_entities",
            Self::QuotedPrintable => "quoted_printable",
            Self::Escapes => "escapes",
            Self::Rot13 => "rot13",
            Self::Reversed => "reversed",
        }
    }
}

impl fmt::Display for Disguise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
