//! The use of an exception, as a verdict and a record tell it.

use serde::{Deserialize, Serialize};

use super::Place;
use crate::span::Span;

/// That an exception took a finding out of a decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExceptionUse {
    /// The rule whose finding does not count.
    pub rule: String,
    /// The exception.
    pub id: String,
    /// Who approved it.
    pub approved_by: String,
    /// Where in the caller's text the finding is, in bytes; empty when the whole text is meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// Where, when spans of the text do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl ExceptionUse {
    /// The use as a record may hold it: a pointer is made of the keys of judged JSON.
    #[must_use]
    pub fn without_pointer(&self) -> Self {
        Self { place: self.place.as_ref().map(Place::without_pointer), ..self.clone() }
    }
}
