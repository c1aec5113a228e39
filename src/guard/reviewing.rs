//! Puts held texts into the queue for people, by their records.

use std::path::Path;

use crate::installation::ReviewSettings;
use crate::record::DecisionRecord;
use crate::verdict::Decision;

#[cfg(feature = "review")]
pub(super) use crate::review::ReviewError;
#[cfg(not(feature = "review"))]
pub(super) use std::convert::Infallible as ReviewError;

/// The queue of an installation that has one, opened when the first text is held.
#[derive(Debug, Default)]
pub(super) struct Reviewing {
    #[cfg(feature = "review")]
    state: Option<std::path::PathBuf>,
    #[cfg(feature = "review")]
    queue: std::sync::Mutex<Option<crate::review::Queue>>,
}

#[cfg(feature = "review")]
impl Reviewing {
    pub(super) fn new(state: &Path, settings: &ReviewSettings) -> Self {
        Self { state: settings.enabled.then(|| state.to_owned()), ..Self::default() }
    }

    /// Whether a verdict with this decision goes into the queue.
    pub(super) fn takes(&self, decision: Decision) -> bool {
        self.state.is_some() && decision == Decision::Escalate
    }

    /// Puts it there.
    pub(super) fn put(&self, record: &DecisionRecord) -> Result<(), ReviewError> {
        let Some(state) = self.state.as_deref().filter(|_| self.takes(record.decision)) else {
            return Ok(());
        };
        let mut queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let queue = match &mut *queue {
            Some(queue) => queue,
            none => none.insert(crate::review::Queue::open(state)?),
        };
        queue.enqueue(record)?;
        Ok(())
    }
}

#[cfg(not(feature = "review"))]
impl Reviewing {
    pub(super) fn new(_: &Path, _: &ReviewSettings) -> Self {
        Self::default()
    }

    pub(super) const fn takes(&self, _: Decision) -> bool {
        false
    }

    pub(super) const fn put(&self, _: &DecisionRecord) -> Result<(), ReviewError> {
        Ok(())
    }
}
