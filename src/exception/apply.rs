//! Which findings of one text an exception takes out.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{Exception, Exceptions};
use crate::request::Role;
use crate::span::Span;
use crate::verdict::{Detection, ExceptionUse, Part, Place};

/// A text, as exceptions are held against it.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// What spans point into.
    pub text: &'a str,
    /// What the text is named by: the text as it came, where `text` is what a rewrite made of it.
    pub named_by: &'a str,
    /// Who produced it.
    pub role: Role,
    /// The data slice that the request names.
    pub slice: Option<&'a str>,
    /// The language that the request names.
    pub locale: Option<&'a str>,
    /// When it is judged.
    pub now: SystemTime,
}

/// That findings of one rule do not count, in one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exemption {
    /// The exception's id.
    pub id: String,
    /// Who approved it.
    pub approved_by: String,
    /// The rule.
    pub rule: String,
    /// Which of its findings.
    pub reach: Reach,
}

/// Which findings of a rule do not count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reach {
    /// Every one.
    Everything,
    /// Every one in the text; none in earlier turns and in the names and values of a tool call.
    Text,
    /// Those in the text that lie at these places.
    Places {
        /// Whether those on all of the text are among them.
        whole: bool,
        /// The others.
        spans: Vec<Span>,
    },
    /// Those that lie exactly here, as a record tells.
    Exactly {
        /// The spans; none for all of the text.
        spans: Vec<Span>,
        /// The place, where spans do not say it.
        place: Option<Place>,
    },
}

impl Reach {
    /// Whether it takes in what `detection` has found in these of its spans.
    #[must_use]
    pub fn covers(&self, detection: &Detection, spans: &[Span]) -> bool {
        let in_text = detection.place.as_ref().is_none_or(|place| place.part == Part::Text);
        let all_in = |list: &[Span]| spans.iter().all(|span| list.contains(span));
        match self {
            Self::Everything => true,
            Self::Text => in_text,
            Self::Places { whole, spans: places } => {
                in_text && if spans.is_empty() { *whole } else { all_in(places) }
            }
            Self::Exactly { spans: places, place } => {
                let without_pointer = |place: &Option<Place>| place.as_ref().map(Place::without_pointer);
                without_pointer(place) == without_pointer(&detection.place)
                    && spans.is_empty() == places.is_empty()
                    && all_in(places)
            }
        }
    }
}

impl From<&ExceptionUse> for Exemption {
    /// What a record says was used, to decide the same again.
    fn from(used: &ExceptionUse) -> Self {
        Self {
            id: used.id.clone(),
            approved_by: used.approved_by.clone(),
            rule: used.rule.clone(),
            reach: Reach::Exactly { spans: used.spans.clone(), place: used.place.clone() },
        }
    }
}

impl Exceptions {
    /// What the exceptions in force take out of the findings on a text in which the rails have seen `detections`.
    ///
    /// `digest` names a text under the installation's key; it is called once where an exception names texts.
    #[must_use]
    pub fn exemptions(
        &self,
        whole: Whole<'_>,
        digest: impl Fn(&str) -> String,
        detections: &[Detection],
    ) -> Vec<Exemption> {
        let mut named: Option<String> = None;
        let mut exemptions = Vec::new();
        for exception in self.list() {
            if !exception.is_for(whole) {
                continue;
            }
            if let Some(texts) = &exception.scope.texts
                && !texts.contains(named.get_or_insert_with(|| digest(whole.named_by)))
            {
                continue;
            }
            let Some(reach) = exception.reach(whole, detections) else { continue };
            exemptions.extend(exception.scope.rules.iter().map(|rule| Exemption {
                id: exception.id.clone(),
                approved_by: exception.approved_by.clone(),
                rule: rule.clone(),
                reach: reach.clone(),
            }));
        }
        exemptions
    }
}

impl Exception {
    /// Whether its time, roles, slices and locales are those of the text.
    fn is_for(&self, whole: Whole<'_>) -> bool {
        let scope = &self.scope;
        let names = |list: &Option<Vec<String>>, found: Option<&str>, same: fn(&str, &str) -> bool| {
            list.as_ref()
                .is_none_or(|list| found.is_some_and(|found| list.iter().any(|one| same(one, found))))
        };
        self.is_in_force(whole.now)
            && scope.roles.as_ref().is_none_or(|roles| roles.contains(&whole.role))
            && names(&scope.slices, whole.slice, |one, found| one == found)
            && names(&scope.locales, whole.locale, is_locale)
    }

    /// How far it reaches in this text; `None` where it reaches nothing.
    fn reach(&self, whole: Whole<'_>, detections: &[Detection]) -> Option<Reach> {
        let Some(pattern) = &self.scope.pattern else {
            return Some(if self.scope.texts.is_some() { Reach::Text } else { Reach::Everything });
        };
        let is_met =
            |span: &Span| whole.text.get(span.start..span.end).is_some_and(|found| pattern.is_match(found));
        let mut spans: Vec<Span> =
            detections.iter().flat_map(|detection| &detection.spans).copied().filter(is_met).collect();
        spans.sort_unstable();
        spans.dedup();
        let on_whole = pattern.is_match(whole.named_by);
        (on_whole || !spans.is_empty()).then_some(Reach::Places { whole: on_whole, spans })
    }
}

/// Whether a language tag is `wanted` or begins with it. Capitals do not matter, and `_` is as good as `-`.
fn is_locale(wanted: &str, found: &str) -> bool {
    let (wanted, found) = (wanted.replace('_', "-"), found.replace('_', "-"));
    match found.split_at_checked(wanted.len()) {
        Some((start, rest)) => {
            start.eq_ignore_ascii_case(&wanted) && (rest.is_empty() || rest.starts_with('-'))
        }
        None => false,
    }
}
