//! Matches that may be under way though no digit is near: key blocks over many lines, and recovery phrases of bare words.

/// How a block of key material begins and ends (RFC 7468).
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// So many bare words in a row may be the beginning of a recovery phrase (BIP-39: 12 to 24 words of 3 to 8 letters).
const WORDS: usize = 4;
const SHORTEST: usize = 3;
const LONGEST: usize = 8;
/// Frequent words that no recovery phrase has.
const OTHER: [&str; 13] =
    ["and", "are", "but", "for", "from", "not", "out", "some", "the", "their", "was", "with", "your"];

/// Whether a match may have begun in the text that goes on after its end.
pub(super) fn is_open(text: &str) -> bool {
    in_block(text) || in_phrase(text)
}

fn in_block(text: &str) -> bool {
    let Some((_, block)) = text.rsplit_once(BEGIN) else { return false };
    // The closing line has a label and dashes after it, too.
    !block.split_once(END).is_some_and(|(_, label)| label.contains(DASHES))
}

fn in_phrase(text: &str) -> bool {
    // What is longer than so many words of a phrase need not be looked at.
    let from = text.ceil_char_boundary(text.len().saturating_sub(WORDS * (LONGEST + 3) + 1));
    let tail = text.get(from..).unwrap_or_default();
    let gap = |c: char| c.is_ascii_whitespace() || c == ',';
    let words = tail.trim_end_matches(gap).rsplit(gap).filter(|word| !word.is_empty()).take(WORDS);
    words.map(is_bare).fold(0, |count, bare| if bare { count + 1 } else { 0 }) == WORDS
}

fn is_bare(word: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphabetic())
        && !OTHER.iter().any(|other| other.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::is_open;

    #[test]
    fn a_block_is_open_until_its_end() {
        let begun = "Here it is:\n-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n";
        assert!(is_open(begun));
        assert!(!is_open(&format!("{begun}-----END PRIVATE KEY-----\n")));
        assert!(is_open(&format!("{begun}-----END PRIVATE KEY-----\n{begun}")));
        assert!(!is_open("-----END PRIVATE KEY-----\n"));
    }

    #[test]
    fn a_row_of_bare_words_is_open() {
        for text in [
            "abandon ability able about\n",
            "my phrase: legal winner, thank Year\n",
            "a b legal winner thank year ",
        ] {
            assert!(is_open(text), "{text}");
        }
        for text in [
            "",
            " \n",
            "legal winner thank\n",
            "legal winner thank year. ",
            "the winner thank year\n",
            "legal winner of thank year\n",
            "legal winner thank extraordinary\n",
            "legal winner thank é\n",
            "ééééééééééééééééééééééééééééééééé\n",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }
}
