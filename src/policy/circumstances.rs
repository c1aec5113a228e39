//! What of a request decides which rules apply to its text.

#[cfg(test)]
mod tests;

use crate::policy::Rule;
use crate::request::{Request, Role};

/// Who produced a text, and for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances<'a> {
    /// Who produced it.
    pub role: Role,
    /// The data slice that the request names.
    pub slice: Option<&'a str>,
    /// The language in which the reader wants templates, such as `de` or `pt-BR`.
    pub locale: Option<&'a str>,
}

impl<'a> From<&'a Request> for Circumstances<'a> {
    fn from(request: &'a Request) -> Self {
        Self { role: request.role, slice: request.slice.as_deref(), locale: request.locale.as_deref() }
    }
}

impl Rule {
    /// Whether it is for texts in these circumstances. A rule with slices is not for a text without one, nor a rule with
    /// locales for a text without one.
    #[must_use]
    pub fn applies_in(&self, circumstances: Circumstances<'_>) -> bool {
        let slice = || circumstances.slice.is_some_and(|slice| self.slices.iter().any(|own| own == slice));
        let locale = || {
            let is_of = |tag: &str| self.locales.iter().any(|prefix| tag_begins_with(tag, prefix));
            circumstances.locale.is_some_and(is_of)
        };
        self.roles.contains(&circumstances.role)
            && (self.slices.is_empty() || slice())
            && (self.locales.is_empty() || locale())
    }

    /// Whether it is for every text that `other` is for.
    pub(super) fn is_for_all_of(&self, other: &Self) -> bool {
        let slices = self.slices.is_empty()
            || !other.slices.is_empty() && other.slices.iter().all(|slice| self.slices.contains(slice));
        let is_of = |tag: &String| self.locales.iter().any(|prefix| tag_begins_with(tag, prefix));
        let locales = self.locales.is_empty() || !other.locales.is_empty() && other.locales.iter().all(is_of);
        slices && locales && other.roles.iter().all(|role| self.roles.contains(role))
    }
}

/// Whether a language tag is `prefix` or begins with its parts (RFC 4647, basic filtering). Capitals do not matter, and `_`
/// is as good as `-`.
fn tag_begins_with(tag: &str, prefix: &str) -> bool {
    let mut parts = tag.split(['-', '_']);
    prefix.split(['-', '_']).all(|wanted| parts.next().is_some_and(|part| part.eq_ignore_ascii_case(wanted)))
}
