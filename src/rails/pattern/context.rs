//! The words beside a number, which often say what it is.

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
const AGAINST: [&str; 47] = [
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
    "itin",
    "line",
    "model",
    "nhs",
    "nino",
    "order",
    "page",
    "part",
    "passport",
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
    "vin",
    "zip",
];

/// Words that announce a number of yet another kind than the identity numbers do.
const OTHERS: [&str; 18] = [
    "build", "commit", "flight", "invoice", "isbn", "line", "order", "page", "phone", "port", "postcode",
    "release", "sku", "tel", "ticket", "tracking", "version", "zip",
];

/// Whether one of `words` announces what begins at byte `at`, and no word for something else comes between.
///
/// For numbers that are identifiers themselves: words such as "id" and "reference", which speak against a telephone
/// number, say nothing here.
pub(super) fn announces(text: &str, at: usize, words: &[&str], unspaced: &[&str]) -> bool {
    let window = window(text, at);
    for word in words_back(window) {
        if is_one_of(word, words) {
            return true;
        }
        if is_one_of(word, &OTHERS) {
            return false;
        }
    }
    unspaced.iter().any(|word| window.contains(word))
}

/// The text after byte `from` in which an announced number is looked for: [`WINDOW`] bytes, the rest of the sentence, up
/// to a placeholder.
pub(super) fn ahead(text: &str, from: usize) -> &str {
    let to = text.floor_char_boundary(from.saturating_add(WINDOW).min(text.len()));
    let ahead = text.get(from..to).unwrap_or_default();
    let ahead = ahead.split(['[', ']', '?', '!', ';']).next().unwrap_or_default();
    // A full stop after a short word is an abbreviation's: `Passport No. 123456789`.
    let stop = ahead.match_indices(". ").find(|(stop, _)| {
        let word = ahead.get(..*stop).unwrap_or_default().rsplit(|c: char| !c.is_alphanumeric()).next();
        word.is_some_and(|word| word.len() > 3)
    });
    stop.map_or(ahead, |(stop, _)| ahead.get(..stop).unwrap_or_default())
}

/// Reads back from byte `at` to the nearest word of either list.
///
/// `words` are lower-case; those of scripts without spaces go in `unspaced` and are looked for anywhere in the window.
/// A `]` ends the window: it is what a placeholder leaves behind, and `[PHONE]` is no announcement of the next number.
pub(super) fn nearest(text: &str, at: usize, words: &[&str], unspaced: &[&str]) -> Context {
    let window = window(text, at);
    for word in words_back(window) {
        if is_one_of(word, words) {
            return Context::For;
        }
        if is_one_of(word, &AGAINST) {
            return Context::Against;
        }
    }
    if unspaced.iter().any(|word| window.contains(word)) { Context::For } else { Context::Silent }
}

/// The [`WINDOW`] bytes before `at`, up to a placeholder.
fn window(text: &str, at: usize) -> &str {
    let from = text.ceil_char_boundary(at.saturating_sub(WINDOW));
    let window = text.get(from..at).unwrap_or_default();
    window.rsplit(']').next().unwrap_or_default()
}

fn words_back(window: &str) -> impl Iterator<Item = &str> {
    window.rsplit(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
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
