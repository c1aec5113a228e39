//! Every rail that needs no model, behind one call: patterns, addresses, word lists and repetition.

#[cfg(test)]
mod tests;

use super::list::{ListError, ListRail, WordList};
use super::pattern::PatternRail;
use super::repetition;
use super::url::{Hosts, UrlRail};
use crate::normalize::Normalized;
use crate::verdict::Detection;

/// The rails that look at the text alone, made for one policy.
#[derive(Clone, Debug)]
pub struct TextRails {
    patterns: PatternRail,
    urls: UrlRail,
    lists: ListRail,
}

impl TextRails {
    /// The rails over a policy's word lists and hosts.
    ///
    /// # Errors
    /// [`ListError`] when the lists are too large.
    pub fn new(lists: &[WordList], hosts: &Hosts) -> Result<Self, ListError> {
        Ok(Self { patterns: PatternRail::new(), urls: UrlRail::new(hosts), lists: ListRail::new(lists)? })
    }

    /// Appends what the rails find in `text`, rail by rail; spans are byte ranges of `text` on character boundaries.
    ///
    /// Time and memory are linear in `text.len()`.
    pub fn scan(&self, text: &str, out: &mut Vec<Detection>) {
        self.scan_places(text, out);
        Self::scan_whole(text, out);
    }

    /// Of [`TextRails::scan`] what depends on the neighbourhood of a place alone.
    pub(crate) fn scan_places(&self, text: &str, out: &mut Vec<Detection>) {
        self.patterns.scan(text, out);
        self.urls.scan(text, out);
        if !self.lists.is_empty() {
            self.lists.scan(&Normalized::new(text), out);
        }
    }

    /// Of [`TextRails::scan`] what depends on all of the text.
    pub(crate) fn scan_whole(text: &str, out: &mut Vec<Detection>) {
        repetition::scan(text, out);
    }

    /// The names of the detectors, for checking a policy's rules.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let fixed: Vec<&str> =
            PatternRail::names().chain(UrlRail::names()).chain([repetition::NAME]).collect();
        fixed.into_iter().chain(self.lists.names())
    }
}
