//! Emoji in words. A text model's vocabulary has none, so that abuse written in emoji and its innocent twin would be the
//! same unknown tokens.
//!
//! The words are the short names of Unicode CLDR, one character each: the parts of a joined emoji are named one after
//! the other. Characters that NFKC changes, arrows, card suits and shapes that stand for bullets are no emoji here.

use std::sync::LazyLock;

/// One a line: the code point in hexadecimal, a tab, and the name in ASCII; code points rise.
const TABLE: &str = include_str!("emoji.tsv");

static NAMES: LazyLock<Vec<(char, &str)>> = LazyLock::new(|| {
    let entry = |line: &'static str| {
        let (code, name) = line.split_once('\t')?;
        Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, name))
    };
    TABLE.lines().filter_map(entry).collect()
});

/// No emoji comes before it.
const FIRST: char = '\u{231A}';

/// What an emoji is called.
pub(super) fn name(c: char) -> Option<&'static str> {
    if c < FIRST {
        return None;
    }
    let index = NAMES.binary_search_by_key(&c, |&(emoji, _)| emoji).ok()?;
    NAMES.get(index).map(|&(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    #[test]
    fn every_line_is_an_emoji_in_order() {
        assert_eq!(NAMES.len(), TABLE.lines().count());
        assert!(NAMES.is_sorted_by(|(one, _), (other, _)| one < other));
        assert_eq!(NAMES.first().map(|&(c, _)| c), Some(FIRST));
        for &(c, name) in NAMES.iter() {
            assert!(!name.is_empty() && name.is_ascii() && name.trim() == name, "{name:?}");
            assert!(std::iter::once(c).nfkc().eq([c]), "{name}");
        }
    }

    #[test]
    fn the_names_are_those_of_the_data_repository() {
        let mut found = 0;
        for emoji in emojis::iter() {
            let mut chars = emoji.as_str().chars().filter(|&c| c != '\u{FE0F}');
            if let (Some(c), None) = (chars.next(), chars.next())
                && let Some(name) = name(c)
            {
                assert_eq!(name, emoji.name().replace('’', "'").replace('ñ', "n"));
                found += 1;
            }
        }
        // What is missing there are the nine parts that stand in no text alone: skin tones and hair.
        assert_eq!(found, NAMES.len() - 9);
    }
}
