//! The shapes of other interfaces for moderation: their requests as ours, our verdicts as their answers.
//!
//! Everything here is a function of a line or of verdicts; nothing is judged. What an interface has no word for stays in
//! the answer beside its own keys, and a text that is held is never told as harmless: see [`openai`], [`fms`] and [`agent`].
//!
//! ```
//! use portcullis::exchange::openai::{Moderation, read};
//! use portcullis::Guard;
//!
//! let guard = Guard::embedded()?;
//! let requests = read(br#"{"input": ["Where is the library?", "You are a worthless idiot."]}"#, false)?;
//! let verdicts = guard.check_batch(&requests);
//! let moderation = Moderation::of(&verdicts).ok_or("no text")?;
//! let flagged: Vec<bool> = moderation.results.iter().map(|result| result.flagged).collect();
//! assert_eq!(flagged, [false, true]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod agent;
pub mod fms;
pub mod openai;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde::de::IgnoredAny;
use std::time::Duration;
use thiserror::Error;

use crate::request::{Request, RequestError, Role, read_object};

/// The most texts that one line may bring.
pub const MOST_TEXTS: usize = 1024;

/// Why a line holds no texts to judge. Messages never hold its content.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The line, or its only text, cannot be judged.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// One of several texts cannot be judged.
    #[error("item {at} of `{key}`: {source}")]
    Item {
        /// The key that holds the texts.
        key: &'static str,
        /// Its place among them, from 0.
        at: usize,
        /// Why it cannot be judged.
        source: RequestError,
    },
    /// An agent's event of a kind that is not known.
    #[error("unknown event: expected {}", agent::EVENTS)]
    UnknownEvent,
    /// An agent's event without a key that it must have.
    #[error("no `{key}` in the event, or not of its type")]
    EventKey {
        /// The key.
        key: &'static str,
    },
    /// No text, or too many.
    #[error("`{key}` holds {found} texts: expected 1 to {MOST_TEXTS}")]
    Count {
        /// The key that holds the texts.
        key: &'static str,
        /// How many there are.
        found: usize,
    },
}

impl ExchangeError {
    /// The word in an error's `code` or `kind`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Request(error) | Self::Item { source: error, .. } => error.kind(),
            Self::UnknownEvent => "unknown_event",
            Self::EventKey { .. } => "event_key",
            Self::Count { .. } => "text_count",
        }
    }

    /// The key of the request that is at fault, where one is.
    #[must_use]
    pub const fn key(&self) -> Option<&'static str> {
        match self {
            Self::Request(_) | Self::UnknownEvent => None,
            Self::Item { key, .. } | Self::EventKey { key } | Self::Count { key, .. } => Some(key),
        }
    }
}

/// The keys of our own that apply to every text of a line.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Setting {
    role: Option<String>,
    slice: Option<String>,
    locale: Option<String>,
    deadline_ms: Option<u64>,
}

impl Setting {
    /// A request for each text.
    fn requests(self, key: &'static str, texts: Vec<String>) -> Result<Vec<Request>, ExchangeError> {
        if texts.is_empty() || texts.len() > MOST_TEXTS {
            return Err(ExchangeError::Count { key, found: texts.len() });
        }
        let role = self.role.as_deref().map_or(Ok(Role::default()), str::parse)?;
        let alone = texts.len() == 1;
        let request = |(at, text)| match Request::new(text, role) {
            Ok(request) => Ok(Request {
                slice: self.slice.clone(),
                locale: self.locale.clone(),
                deadline: self.deadline_ms.map(Duration::from_millis),
                ..request
            }),
            Err(error) if alone => Err(error.into()),
            Err(source) => Err(ExchangeError::Item { key, at, source }),
        };
        texts.into_iter().enumerate().map(request).collect()
    }
}

/// Whether the line is an object with this key; where it is not, it is read as a request of our own.
fn has_key(line: &[u8], key: &str) -> Result<bool, RequestError> {
    let entries: std::collections::BTreeMap<String, IgnoredAny> = read_object(line, &[], false)?;
    Ok(entries.contains_key(key))
}
