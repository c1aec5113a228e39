//! Which entries of a log are asked for.

use super::{Body, Entry};
use crate::record::DecisionRecord;
use crate::request::Role;
use crate::verdict::Decision;

/// What an entry must be to be answered. What is empty or absent asks for nothing.
///
/// Anything that only a decision can have leaves events out, unless events are asked for too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// One of these decisions.
    pub decisions: Vec<Decision>,
    /// A finding by one of these rules.
    pub rules: Vec<String>,
    /// A text in this role.
    pub role: Option<Role>,
    /// A text of this data slice.
    pub slice: Option<String>,
    /// A policy whose digest begins so.
    pub policy: Option<String>,
    /// A decision whose id begins so.
    pub id: Option<String>,
    /// A text with this digest: the same text, under the installation's key.
    pub text: Option<String>,
    /// A finding that this exception took out.
    pub exception: Option<String>,
    /// A decision that something had gone wrong before.
    pub fault: bool,
    /// An event of one of these kinds; `any` for all.
    pub events: Vec<String>,
    /// At this time or after it, in the form of [`crate::record::timestamp`].
    pub since: Option<String>,
    /// Before this time, in the same form.
    pub until: Option<String>,
}

impl Query {
    /// Whether the entry is one that is asked for.
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        // Times of one form are in the order of their letters.
        let time = entry.body.time();
        if self.since.as_deref().is_some_and(|since| time < since)
            || self.until.as_deref().is_some_and(|until| time >= until)
        {
            return false;
        }
        match &entry.body {
            Body::Decision(record) => {
                (self.events.is_empty() || self.asks_for_decisions()) && self.fits(record)
            }
            Body::Event { .. } if self.events.is_empty() => !self.asks_for_decisions(),
            Body::Event { event, .. } => self.events.iter().any(|kind| kind == "any" || kind == event.kind()),
        }
    }

    /// Whether it asks for something that only a decision has.
    fn asks_for_decisions(&self) -> bool {
        let Self { decisions, rules, role, slice, policy, id, text, exception, fault, .. } = self;
        !decisions.is_empty()
            || !rules.is_empty()
            || role.is_some()
            || *fault
            || [slice, policy, id, text, exception].into_iter().any(Option::is_some)
    }

    fn fits(&self, record: &DecisionRecord) -> bool {
        let begins = |prefix: &Option<String>, whole: &str| {
            prefix.as_deref().is_none_or(|prefix| whole.starts_with(prefix))
        };
        (self.decisions.is_empty() || self.decisions.contains(&record.decision))
            && (self.rules.is_empty()
                || record.findings.iter().any(|finding| self.rules.contains(&finding.rule)))
            && self.role.is_none_or(|role| role == record.role)
            && (self.slice.is_none() || self.slice == record.slice)
            && begins(&self.policy, &record.policy.digest)
            && begins(&self.id, &record.decision_id)
            && begins(&self.text, &record.text_digest)
            && self.exception.as_ref().is_none_or(|id| record.exceptions.iter().any(|used| used.id == *id))
            && (!self.fault || record.fault.is_some())
    }
}
