//! One rule of a policy: what it looks at, from which score, and what it asks for.

use std::fmt;
use std::ops::Range;

use super::hazard::Hazard;
use crate::request::Role;
use crate::verdict::Decision;

/// One `[[rule]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Name, unique in the policy.
    pub id: String,
    /// The detectors it looks at.
    pub detector: Selector,
    /// The category its findings carry; the detection's own when absent.
    pub category: Option<String>,
    /// The roles it applies to, in [`Role::ALL`]'s order; never empty.
    pub roles: Vec<Role>,
    /// From which score it applies.
    pub limit: Limit,
    /// What it asks for.
    pub action: Action,
    /// Whether it may look at experimental detectors.
    pub experimental: bool,
    /// Who answers for it; the policy's owner where it names none.
    pub owner: Option<String>,
    /// The harm that it is against.
    pub hazard: Option<Hazard>,
    /// What calls for it, such as `OWASP LLM01`, in the order of the document.
    pub references: Vec<String>,
    /// Why it is there, or is as it is.
    pub rationale: Option<String>,
    /// The data slices that it is limited to; empty for no limit.
    pub slices: Vec<String>,
    /// The language tags that it is limited to, each with all tags that begin with its parts; empty for no limit.
    pub locales: Vec<String>,
    /// Where the document has what; not part of the rule's meaning.
    pub(super) places: Places,
}

/// Byte ranges of the document that later messages point at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Places {
    pub(super) rule: Range<usize>,
    pub(super) detector: Range<usize>,
    pub(super) limit: Range<usize>,
    /// The template's name where there is one, else the action.
    pub(super) action: Range<usize>,
}

/// Which detectors a rule looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// One, by its full name: `pii.email`.
    Name(String),
    /// Every one of a family: `pii.*`, kept as the prefix `pii.`.
    Family(String),
}

impl Selector {
    /// Whether the rule looks at `detector`.
    #[must_use]
    pub fn covers(&self, detector: &str) -> bool {
        match self {
            Self::Name(name) => name == detector,
            Self::Family(prefix) => detector.starts_with(prefix.as_str()),
        }
    }

    /// Whether it looks at everything that `other` looks at.
    pub(super) fn includes(&self, other: &Self) -> bool {
        match other {
            Self::Name(name) => self.covers(name),
            Self::Family(prefix) => matches!(self, Self::Family(own) if prefix.starts_with(own.as_str())),
        }
    }

    /// The name or prefix without the `*`.
    pub(super) fn stem(&self) -> &str {
        match self {
            Self::Name(text) | Self::Family(text) => text,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Family(prefix) => write!(f, "{prefix}*"),
        }
    }
}

/// From which score a rule applies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// From this calibrated score, in `0..=1`.
    Threshold(f32),
    /// From the score that this share of benign texts reaches, in `0..=0.5` without 0, by the bundle's calibration.
    TargetFpr(f64),
}

/// What a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Release with edits.
    Rewrite(Replacement),
    /// Hold for a person.
    Escalate,
    /// Do not release.
    Veto,
}

impl Action {
    /// The decision it amounts to.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        match self {
            Self::Rewrite(_) => Decision::Rewrite,
            Self::Escalate => Decision::Escalate,
            Self::Veto => Decision::Veto,
        }
    }
}

impl fmt::Display for Action {
    /// The action in words: `veto`, `rewrite (mask, keep 4)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rewrite(replacement) => write!(f, "rewrite ({replacement})"),
            Self::Escalate | Self::Veto => f.write_str(self.decision().as_str()),
        }
    }
}

/// What takes the place of the text, or of part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// The detector's placeholder, for each span.
    Redact,
    /// `*` for each letter and digit of a span but the last few.
    Mask {
        /// How many are kept, at most half of them.
        keep: usize,
    },
    /// The placeholder with a keyed hash of the span.
    Hash,
    /// A value of the span's format that belongs to nobody; the placeholder for kinds that have none.
    Synthetic,
    /// Nothing, for the whole sentences that a span touches.
    RemoveSentence,
    /// The text of this template, for the whole text.
    Template(String),
    /// The text of this template, added after the text.
    Append(String),
    /// What the rail says would mend the text; where it says nothing the rule asks for a veto.
    Repair,
}

impl fmt::Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redact => f.write_str("redact"),
            Self::Mask { keep } => write!(f, "mask, keep {keep}"),
            Self::Hash => f.write_str("hash"),
            Self::Synthetic => f.write_str("synthetic"),
            Self::RemoveSentence => f.write_str("remove_sentence"),
            Self::Template(name) => write!(f, "template `{name}`"),
            Self::Append(name) => write!(f, "append `{name}`"),
            Self::Repair => f.write_str("repair"),
        }
    }
}

impl Replacement {
    /// The template that it names.
    #[must_use]
    pub fn template(&self) -> Option<&str> {
        match self {
            Self::Template(name) | Self::Append(name) => Some(name),
            _ => None,
        }
    }
}
