//! Rails of the host's own: what a program that embeds the guard looks for itself, weighed by the policy as all else.

#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use thiserror::Error;

use crate::request::Role;
use crate::span::Span;
use crate::verdict::{Detection, Disguise, Source};

/// What the detectors' names begin with.
pub(crate) const FAMILY: &str = "host.";
/// Longest name, in bytes.
const LONGEST_NAME: usize = 64;

/// A rail of the host's own, given to a guard by [`crate::GuardBuilder::rail`].
///
/// Rules of the policy name it `host.NAME`; without a rule for it, what it reports decides nothing. It is asked on the thread that
/// calls the guard, before the classifiers are, and its time counts towards the deadline; it is not interrupted.
///
/// ```
/// use portcullis::policy::Policy;
/// use portcullis::{Decision, Guard, Rail, RailFault, RailText, Request, Role, Sighting};
///
/// /// Names of projects that nobody outside may read.
/// struct Projects(Vec<String>);
///
/// impl Rail for Projects {
///     fn name(&self) -> &str {
///         "projects"
///     }
///
///     fn scan(&self, text: &RailText<'_>) -> Result<Vec<Sighting>, RailFault> {
///         let found = self.0.iter().flat_map(|name| text.text.match_indices(name.as_str()));
///         Ok(found.map(|(at, name)| Sighting::at(1.0, [(at, at + name.len())])).collect())
///     }
/// }
///
/// let policy = r#"
/// schema = 1
/// id = "office"
/// version = "1.0.0"
///
/// [[rule]]
/// id = "projects"
/// detector = "host.projects"
/// roles = ["assistant"]
/// threshold = 1.0
/// action = "rewrite"
/// "#;
/// let guard = Guard::builder()
///     .policy(Policy::parse(policy, "office.toml")?)
///     .rail(Projects(vec!["Heron".to_owned()]))
///     .build()?;
/// let verdict = guard.check(&Request::new("The launch of Heron is on Monday.", Role::Assistant)?);
/// assert_eq!(verdict.decision, Decision::Rewrite);
/// assert_eq!(verdict.text.as_deref(), Some("The launch of [REDACTED] is on Monday."));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Rail: Send + Sync {
    /// Its name: 1 to 64 lower-case letters, digits and `_`, unlike that of any other rail of the guard. Asked once.
    fn name(&self) -> &str;

    /// The kind of harm that its findings carry where a rule names none; by default its name. Asked once.
    fn category(&self) -> &str {
        self.name()
    }

    /// Whether a stream can only be judged when all of it is there. It is then held to its end, and is a fault as soon as it is
    /// longer than the policy's `max_bytes`. Asked once.
    fn needs_whole(&self) -> bool {
        false
    }

    /// Looks at a text. The answers for one text must not differ from call to call.
    ///
    /// A text in disguise is shown once more in each form that a person or a machine would read, with [`RailText::via`] saying what
    /// was seen through; what is reported there is found in the caller's text. What was rewritten is shown again, as it would be
    /// released. Of a tool call each string of the arguments is a text. In a stream the text is a segment with what was released
    /// before it and what was seen behind it; what lies in the segment counts, and so does what is said of the whole.
    ///
    /// # Errors
    /// [`RailFault`] when the rail cannot judge the text. That is a fault, which takes the policy's `on_fault`, and so is a panic
    /// that unwinds, a score outside `0..=1`, and a span that is empty, beyond the text or inside a character.
    fn scan(&self, text: &RailText<'_>) -> Result<Vec<Sighting>, RailFault>;
}

impl<R: Rail + ?Sized> Rail for Arc<R> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn category(&self) -> &str {
        (**self).category()
    }

    fn needs_whole(&self) -> bool {
        (**self).needs_whole()
    }

    fn scan(&self, text: &RailText<'_>) -> Result<Vec<Sighting>, RailFault> {
        (**self).scan(text)
    }
}

/// One form of a text, for a host's rail.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RailText<'a> {
    /// The form, never empty.
    pub text: &'a str,
    /// Who produced it.
    pub role: Role,
    /// The data slice that the request names.
    pub slice: Option<&'a str>,
    /// The language in which the reader wants templates.
    pub locale: Option<&'a str>,
    /// What this form sees through, sorted; empty for the text as it stands.
    pub via: &'a [Disguise],
}

impl fmt::Debug for RailText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RailText")
            .field("bytes", &self.text.len())
            .field("role", &self.role)
            .field("via", &self.via)
            .finish_non_exhaustive()
    }
}

/// Something that a host's rail saw.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sighting {
    /// How sure the rail is, in `0..=1`.
    pub score: f32,
    /// Where in the text that it was shown, in bytes; nowhere when the whole text is meant.
    pub spans: Vec<Span>,
}

impl Sighting {
    /// Of the whole text.
    #[must_use]
    pub const fn of_whole(score: f32) -> Self {
        Self { score, spans: Vec::new() }
    }

    /// In these places, each from its first byte to one past its last.
    #[must_use]
    pub fn at(score: f32, places: impl IntoIterator<Item = (usize, usize)>) -> Self {
        Self { score, spans: places.into_iter().map(Span::from).collect() }
    }
}

/// That a host's rail could not judge a text, and why. The words are fixed, so that none can be of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RailFault(pub &'static str);

/// Why a rail cannot be part of a guard.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RailNameError {
    /// A name that no rule could name.
    #[error("a rail is named {name:?}, expected 1 to {LONGEST_NAME} lower-case letters, digits and `_`")]
    Name {
        /// The name.
        name: String,
    },
    /// Two rails of one name.
    #[error("two rails are named `{name}`, expected a name of its own for each")]
    Twice {
        /// The name.
        name: String,
    },
}

/// What a host's rail did wrong; never a part of the text.
#[derive(Clone, Debug, Error, PartialEq)]
pub(crate) enum RailError {
    #[error("the rail `{detector}` failed: {why}")]
    Failed { detector: String, why: &'static str },
    #[error("the rail `{detector}` panicked")]
    Panicked { detector: String },
    #[error("the rail `{detector}` gave the score {score}, expected a number from 0 to 1")]
    Score { detector: String, score: f32 },
    #[error(
        "the rail `{detector}` gave the span {}..{} of a text of {bytes} bytes, expected one or more whole characters of it",
        span.start, span.end
    )]
    Span { detector: String, span: Span, bytes: usize },
}

/// A rail, and what it said of itself when it was given.
#[derive(Clone)]
struct Named {
    detector: String,
    category: String,
    needs_whole: bool,
    rail: Arc<dyn Rail>,
}

/// The host's rails of a guard.
#[derive(Clone, Default)]
pub(crate) struct HostRails {
    rails: Vec<Named>,
    /// Whether rules may name others, which are not here.
    pub(crate) may_lack: bool,
}

impl HostRails {
    /// Adds a rail, as it now says that it is.
    pub(crate) fn add(&mut self, rail: Arc<dyn Rail>) {
        let detector = format!("{FAMILY}{}", rail.name());
        let category = rail.category().to_owned();
        let needs_whole = rail.needs_whole();
        self.rails.push(Named { detector, category, needs_whole, rail });
    }

    /// Whether each rail has a name that rules can tell from all others.
    pub(crate) fn check_names(&self) -> Result<(), RailNameError> {
        let is_named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        for (place, detector) in self.names().enumerate() {
            let name = detector.strip_prefix(FAMILY).unwrap_or(detector).to_owned();
            if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(is_named) {
                return Err(RailNameError::Name { name });
            }
            if self.names().take(place).any(|other| other == detector) {
                return Err(RailNameError::Twice { name });
            }
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rails.is_empty()
    }

    /// The names of the detectors.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.rails.iter().map(|named| named.detector.as_str())
    }

    /// Whether one of them needs all of a stream.
    pub(crate) fn need_whole(&self) -> bool {
        self.rails.iter().any(|named| named.needs_whole)
    }

    /// Appends what the rails see in `text`, rail by rail; spans are in order and do not overlap. All are asked, and what is right
    /// is kept, whichever fails.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub(crate) fn scan(&self, text: &RailText<'_>, found: &mut Vec<Detection>) -> Result<(), RailError> {
        let mut first = Ok(());
        for named in &self.rails {
            first = first.and(named.scan(text, found));
        }
        first
    }
}

impl Named {
    fn scan(&self, text: &RailText<'_>, found: &mut Vec<Detection>) -> Result<(), RailError> {
        let detector = || self.detector.clone();
        // Whatever state a panic leaves the rail in: what it did not say of this text is a fault.
        let seen = catch_unwind(AssertUnwindSafe(|| self.rail.scan(text)));
        let seen = match seen {
            Ok(Ok(seen)) => seen,
            Ok(Err(RailFault(why))) => return Err(RailError::Failed { detector: detector(), why }),
            Err(_) => return Err(RailError::Panicked { detector: detector() }),
        };
        let mut first = Ok(());
        for Sighting { score, spans } in seen {
            let is_wrong = |span: &&Span| {
                span.is_empty() || text.text.get(span.start..span.end).is_none_or(str::is_empty)
            };
            let wrong = if (0.0..=1.0).contains(&score) {
                let span = spans.iter().find(is_wrong).copied();
                span.map(|span| RailError::Span { detector: detector(), span, bytes: text.text.len() })
            } else {
                Some(RailError::Score { detector: detector(), score })
            };
            match wrong {
                Some(error) => first = first.and(Err(error)),
                None => found.push(Detection {
                    detector: detector(),
                    category: self.category.clone(),
                    score,
                    spans: apart(spans),
                    source: Source::Host,
                    via: text.via.to_vec(),
                    place: None,
                    repair: None,
                }),
            }
        }
        first
    }
}

impl fmt::Debug for HostRails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// The spans in order, those that overlap as one.
fn apart(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    spans.dedup_by(|next, last| {
        let overlap = next.start < last.end;
        if overlap {
            last.end = last.end.max(next.end);
        }
        overlap
    });
    spans
}
