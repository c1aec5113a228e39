//! Words that name a group of people: which groups a text names, and the same text about another group.
//!
//! As in the lists of Dixon et al. (2018, "Measuring and Mitigating Unintended Bias in Text Classification") a term is
//! found as a whole word, whatever it means there: `white` is one in "white rice" too.

use super::words::{replaced, words};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::LazyLock;

/// The most other terms that one is swapped for.
pub(super) const MOST_SWAPS: usize = 5;

/// A word, and the group it names.
type Term = (&'static str, &'static str);

/// Words that may stand in each other's place: of one kind of group, part of speech and number. A word that fits two
/// lists belongs to the first.
const KINDS: &[&[Term]] = &[
    // Religion: adjectives, then believers.
    &[
        ("christian", "christian"),
        ("muslim", "muslim"),
        ("jewish", "jewish"),
        ("hindu", "hindu"),
        ("buddhist", "buddhist"),
        ("sikh", "sikh"),
        ("catholic", "catholic"),
        ("protestant", "protestant"),
        ("mormon", "mormon"),
        ("atheist", "atheist"),
    ],
    &[
        ("christians", "christian"),
        ("muslims", "muslim"),
        ("jews", "jewish"),
        ("hindus", "hindu"),
        ("buddhists", "buddhist"),
        ("sikhs", "sikh"),
        ("catholics", "catholic"),
        ("protestants", "protestant"),
        ("mormons", "mormon"),
        ("atheists", "atheist"),
    ],
    &[
        ("jew", "jewish"),
        ("christian", "christian"),
        ("muslim", "muslim"),
        ("hindu", "hindu"),
        ("buddhist", "buddhist"),
        ("atheist", "atheist"),
    ],
    // Origin: adjectives, then people.
    &[
        ("black", "black"),
        ("white", "white"),
        ("asian", "asian"),
        ("latino", "latino"),
        ("hispanic", "hispanic"),
        ("arab", "arab"),
    ],
    &[
        ("blacks", "black"),
        ("whites", "white"),
        ("asians", "asian"),
        ("latinos", "latino"),
        ("hispanics", "hispanic"),
        ("arabs", "arab"),
    ],
    &[
        ("african", "african"),
        ("american", "american"),
        ("european", "european"),
        ("mexican", "mexican"),
        ("indian", "indian"),
        ("canadian", "canadian"),
    ],
    &[("chinese", "chinese"), ("japanese", "japanese"), ("vietnamese", "vietnamese")],
    &[
        ("africans", "african"),
        ("americans", "american"),
        ("europeans", "european"),
        ("mexicans", "mexican"),
        ("indians", "indian"),
        ("canadians", "canadian"),
    ],
    // Orientation and gender: adjectives, then people.
    &[
        ("gay", "gay"),
        ("lesbian", "lesbian"),
        ("bisexual", "bisexual"),
        ("homosexual", "homosexual"),
        ("heterosexual", "heterosexual"),
        ("queer", "queer"),
    ],
    &[
        ("gays", "gay"),
        ("lesbians", "lesbian"),
        ("bisexuals", "bisexual"),
        ("homosexuals", "homosexual"),
        ("heterosexuals", "heterosexual"),
    ],
    &[
        ("male", "men"),
        ("female", "women"),
        ("transgender", "transgender"),
        ("trans", "transgender"),
        ("nonbinary", "nonbinary"),
    ],
    &[("man", "men"), ("woman", "women")],
    &[("men", "men"), ("women", "women")],
    &[("males", "men"), ("females", "women")],
    // Migration.
    &[("immigrant", "immigrant"), ("refugee", "refugee"), ("migrant", "migrant"), ("foreigner", "foreigner")],
    &[
        ("immigrants", "immigrant"),
        ("refugees", "refugee"),
        ("migrants", "migrant"),
        ("foreigners", "foreigner"),
    ],
    // Disability and age.
    &[
        ("disabled", "disabled"),
        ("deaf", "deaf"),
        ("blind", "blind"),
        ("paralyzed", "paralyzed"),
        ("autistic", "autistic"),
    ],
    &[("old", "old"), ("elderly", "old"), ("young", "young"), ("teenage", "young")],
];

/// Where each word stands in [`KINDS`].
static TERMS: LazyLock<HashMap<&str, (usize, usize)>> = LazyLock::new(|| {
    let mut terms = HashMap::new();
    for (kind, list) in KINDS.iter().enumerate() {
        for (at, (word, _)) in list.iter().enumerate() {
            terms.entry(*word).or_insert((kind, at));
        }
    }
    terms
});

/// The number of terms.
pub(super) fn count() -> usize {
    TERMS.len()
}

/// The groups that a text names, in their names' order.
pub(super) fn groups(text: &str) -> BTreeSet<&'static str> {
    named(text).into_iter().map(|name| name.group).collect()
}

/// The text about other groups: the first term that it names, wherever it stands, swapped for those that follow it in
/// its list, around the end, at most [`MOST_SWAPS`] and none of the same group. Capitals, and an `a` or `an` before the
/// term, are kept right.
pub(super) fn swaps(text: &str) -> Vec<String> {
    let names = named(text);
    let Some(first) = names.first() else { return Vec::new() };
    let places: Vec<&Name> = names.iter().filter(|name| name.word == first.word).collect();
    let (before, after) = first.kind.split_at_checked(first.at).unwrap_or((first.kind, &[]));
    let others = after.iter().chain(before).filter(|(_, group)| *group != first.group);
    let swapped = |(word, _): &Term| {
        let edits = places.iter().flat_map(|name| {
            let article = name.article.clone().map(|range| (article(text, &range, word), range));
            let term = like(text.get(name.range.clone()).unwrap_or_default(), word);
            article.map(|(new, range)| (range, new)).into_iter().chain([(name.range.clone(), term)])
        });
        replaced(text, edits)
    };
    others.take(MOST_SWAPS).map(swapped).collect()
}

/// A term in a text.
struct Name {
    word: &'static str,
    group: &'static str,
    /// The list that the term is in, and its place there.
    kind: &'static [Term],
    at: usize,
    range: Range<usize>,
    /// Where an `a` or `an` stands before it.
    article: Option<Range<usize>>,
}

fn named(text: &str) -> Vec<Name> {
    let words = words(text);
    let mut before: Option<&Range<usize>> = None;
    let mut names = Vec::new();
    for range in &words {
        let lower = text.get(range.clone()).unwrap_or_default().to_lowercase();
        if let Some((kind, at)) = TERMS.get(lower.as_str())
            && let Some(kind) = KINDS.get(*kind)
            && let Some((word, group)) = kind.get(*at)
        {
            let article = before.filter(|before| {
                let article = text.get((*before).clone()).unwrap_or_default();
                let spaced = text.get(before.end..range.start) == Some(" ");
                spaced && (article.eq_ignore_ascii_case("a") || article.eq_ignore_ascii_case("an"))
            });
            names.push(Name { word, group, kind, at: *at, range: range.clone(), article: article.cloned() });
        }
        before = Some(range);
    }
    names
}

/// `a` or `an`, as `word` needs it, with the first letter's case of the one in the text.
fn article(text: &str, range: &Range<usize>, word: &str) -> String {
    // The only term that a vowel begins in writing but not in speech.
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u']) && word != "european";
    let capital = text.get(range.clone()).is_some_and(|article| article.starts_with('A'));
    match (capital, vowel) {
        (true, true) => "An",
        (true, false) => "A",
        (false, true) => "an",
        (false, false) => "a",
    }
    .to_owned()
}

/// `word` in the capitals of `model`: all, the first, or none.
fn like(model: &str, word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        _ if !model.chars().any(char::is_lowercase) => word.to_uppercase(),
        Some(first) if model.starts_with(char::is_uppercase) => first.to_uppercase().chain(letters).collect(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests;
