//! The list rail: the word lists of a policy, all found in one pass over the normalized text.
//!
//! One automaton (Aho and Corasick, 1975) holds the words of every list, so the time hardly depends on their number.
//! Words are compared in the normalized text and without regard to capitals; spans are the caller's.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use thiserror::Error;

use crate::normalize::Normalized;
use crate::span::{NormalizedSpan, Span};
use crate::verdict::{Detection, Source};

/// A word of the list stands in the text. There is nothing to doubt, and nothing to grade.
const LISTED: f32 = 1.0;
/// The category of what a list finds, where the rule names none.
const CATEGORY: &str = "list";
/// Up to so many bytes of words the automaton is a table of every transition, which is faster and larger.
const DENSE: usize = 1 << 15;

/// One list of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordList {
    /// The list's name; its detector is `list.` and this.
    pub id: String,
    /// Words and phrases that are found.
    pub words: Vec<String>,
    /// Words and phrases inside which nothing is found.
    pub allow: Vec<String>,
    /// Where a word counts.
    pub matching: Matching,
}

/// Where a listed word counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// Where no letter or digit touches it: "ass" is not in "class".
    #[default]
    Word,
    /// Anywhere.
    Substring,
}

/// Why lists cannot be compiled.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListError {
    /// More words than an automaton can hold.
    #[error("the word lists hold {bytes} bytes of words, more than can be searched for together: {what}")]
    TooLarge {
        /// Bytes of all words.
        bytes: usize,
        /// The automaton's words.
        what: String,
    },
}

/// The lists, ready to scan.
#[derive(Clone, Debug)]
pub struct ListRail {
    names: Vec<String>,
    /// Absent where there is no list.
    automaton: Option<AhoCorasick>,
    /// Of each pattern of the automaton.
    patterns: Vec<Pattern>,
}

#[derive(Clone, Copy, Debug)]
struct Pattern {
    list: usize,
    allow: bool,
    matching: Matching,
}

impl ListRail {
    /// Compiles the lists.
    ///
    /// # Errors
    /// [`ListError::TooLarge`].
    pub fn new(lists: &[WordList]) -> Result<Self, ListError> {
        let mut patterns = Vec::new();
        let mut words = Vec::new();
        for (place, list) in lists.iter().enumerate() {
            for (allow, word) in
                list.words.iter().map(|word| (false, word)).chain(list.allow.iter().map(|word| (true, word)))
            {
                let normalized = Normalized::new(word);
                let word = folded(normalized.text().trim()).into_owned();
                if !word.is_empty() {
                    patterns.push(Pattern { list: place, allow, matching: list.matching });
                    words.push(word);
                }
            }
        }
        let bytes = words.iter().map(String::len).sum();
        let automaton = match words.is_empty() {
            true => None,
            false => Some(
                AhoCorasick::builder()
                    .match_kind(MatchKind::Standard)
                    .ascii_case_insensitive(true)
                    .kind((bytes <= DENSE).then_some(AhoCorasickKind::DFA))
                    .build(&words)
                    .map_err(|error| ListError::TooLarge { bytes, what: error.to_string() })?,
            ),
        };
        let names = lists.iter().map(|list| format!("list.{}", list.id)).collect();
        Ok(Self { names, automaton, patterns })
    }

    /// The detectors: `list.` and each list's id.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether there is nothing to find.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }

    /// Appends a detection for each list of which the text holds a word, with every place, in the order of the lists.
    ///
    /// Words of one list that overlap make one span. A word inside an allowed one is not found.
    pub fn scan(&self, text: &Normalized<'_>, out: &mut Vec<Detection>) {
        let Some(automaton) = &self.automaton else { return };
        let haystack = folded(text.text());
        let mut found = vec![Places::default(); self.names.len()];
        for hit in automaton.find_overlapping_iter(haystack.as_bytes()) {
            let Some(pattern) = self.patterns.get(hit.pattern().as_usize()) else { continue };
            if pattern.matching == Matching::Word && !is_word(&haystack, hit.start(), hit.end()) {
                continue;
            }
            if let Some(places) = found.get_mut(pattern.list) {
                let spans = if pattern.allow { &mut places.allowed } else { &mut places.found };
                push(spans, hit.start(), hit.end());
            }
        }
        for (name, places) in self.names.iter().zip(found) {
            let mut spans: Vec<(usize, usize)> = Vec::new();
            for (start, end) in places.outside_allowed() {
                // One character of the caller's may have become several, each with a word in it.
                let Span { start, end } = text.to_caller(NormalizedSpan { start, end });
                push(&mut spans, start, end);
            }
            let spans: Vec<Span> = spans.into_iter().map(Span::from).collect();
            if !spans.is_empty() {
                out.push(Detection {
                    detector: name.clone(),
                    category: CATEGORY.to_owned(),
                    score: LISTED,
                    spans,
                    source: Source::Pattern,
                    via: Vec::new(),
                    place: None,
                    repair: None,
                });
            }
        }
    }
}

/// Where a list's words and allowed words stand: ranges of the folded text, in order, without overlap.
#[derive(Clone, Debug, Default)]
struct Places {
    found: Vec<(usize, usize)>,
    allowed: Vec<(usize, usize)>,
}

impl Places {
    fn outside_allowed(self) -> impl Iterator<Item = (usize, usize)> {
        let mut allowed = self.allowed.into_iter().peekable();
        self.found.into_iter().filter(move |&(start, end)| {
            while allowed.next_if(|&(_, allowed_end)| allowed_end < end).is_some() {}
            allowed.peek().is_none_or(|&(allowed_start, _)| allowed_start > start)
        })
    }
}

/// Adds a range, and joins it to those before that it overlaps; ranges come in the order of their ends.
fn push(spans: &mut Vec<(usize, usize)>, mut start: usize, mut end: usize) {
    while let Some(&(last_start, last_end)) = spans.last().filter(|(_, last_end)| *last_end > start) {
        (start, end) = (start.min(last_start), end.max(last_end));
        spans.pop();
    }
    spans.push((start, end));
}

/// Lower case where it takes as many bytes, so that places stay the same; ASCII is left to the automaton.
fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let fold = |c: char| {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(one), None) if one.len_utf8() == c.len_utf8() => one,
            _ => c,
        }
    };
    Cow::Owned(text.chars().map(fold).collect())
}

/// Whether no letter or digit touches `start..end`.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(end..).and_then(|text| text.chars().next());
    let inside = text.get(start..end).unwrap_or_default();
    !joined(before, inside.chars().next()) && !joined(inside.chars().next_back(), after)
}

/// Whether two neighbours belong to one word, by script: where words are not parted by spaces every place is an edge.
fn joined(left: Option<char>, right: Option<char>) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_unspaced(c));
    part(left) && part(right)
}

/// Letters of scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese.
const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
