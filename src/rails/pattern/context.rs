//! The words just before a number, which often say what it is.

/// What the nearest telling word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// A word from the list asked for.
    For,
    /// A word that announces some other kind of number.
    Against,
    /// No telling word.
    Silent,
}

/// How far back words are read, in bytes.
const WINDOW: usize = 48;

/// Words after which a number is an identifier, not a telephone, card or address.
const AGAINST: [&str; 42] = [
    "account",
    "acct",
    "build",
    "case",
    "chapter",
    "clause",
    "commit",
    "doi",
    "epoch",
    "error",
    "figure",
    "iban",
    "id",
    "ids",
    "invoice",
    "isbn",
    "issn",
    "item",
    "line",
    "model",
    "order",
    "page",
    "part",
    "patent",
    "pid",
    "pmid",
    "port",
    "postcode",
    "ref",
    "reference",
    "release",
    "revision",
    "section",
    "serial",
    "sku",
    "ssn",
    "ticket",
    "timestamp",
    "tracking",
    "v",
    "version",
    "zip",
];

/// Reads back from byte `at` to the nearest word of either list.
///
/// `words` are lower-case; those of scripts without spaces go in `unspaced` and are looked for anywhere in the window.
/// A `]` ends the window: it is what a placeholder leaves behind, and `[PHONE]` is no announcement of the next number.
pub(super) fn nearest(text: &str, at: usize, words: &[&str], unspaced: &[&str]) -> Context {
    let mut from = at.saturating_sub(WINDOW);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let window = text.get(from..at).unwrap_or_default();
    let window = window.rsplit(']').next().unwrap_or_default();
    for word in window.rsplit(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if is_one_of(word, words) {
            return Context::For;
        }
        if is_one_of(word, &AGAINST) {
            return Context::Against;
        }
    }
    if unspaced.iter().any(|word| window.contains(word)) { Context::For } else { Context::Silent }
}

/// Whether the word, in lower case, is in the list.
fn is_one_of(word: &str, words: &[&str]) -> bool {
    // Most of what stands before a number is another number, and none of the lists holds one.
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    if word.is_ascii() {
        return words.iter().any(|known| known.eq_ignore_ascii_case(word));
    }
    let lower = word.to_lowercase();
    words.contains(&lower.as_str())
}
