//! Keeps the texts of escalated cases, encrypted, where the installation names a recipient.

use std::path::Path;

use crate::installation::SampleSettings;
use crate::log::{Event, Log};
use crate::request::Request;
use crate::samples::{Samples, SamplesError};
use crate::verdict::{Decision, Verdict};

/// The store, if there is one.
#[derive(Debug, Default)]
pub(super) struct Keeper(Option<Samples>);

impl Keeper {
    pub(super) fn open(state: &Path, settings: &SampleSettings) -> Result<Self, SamplesError> {
        let samples = settings.recipient.is_some().then(|| Samples::open(state, settings)).transpose()?;
        if let Some(samples) = &samples {
            samples.remove_expired()?;
        }
        Ok(Self(samples))
    }

    /// Keeps the text of an escalated case. It is held in any case; that a sample is missing is an event.
    pub(super) fn keep(&self, request: &Request, verdict: &Verdict, log: Option<&Log>) {
        let Some(samples) = self.0.as_ref().filter(|_| verdict.decision == Decision::Escalate) else {
            return;
        };
        let Err(error) = samples.put(&verdict.decision_id, &sample(request)) else { return };
        if let Some(log) = log {
            let decision_id = verdict.decision_id.clone();
            // The verdict stands either way, and the log counts what it could not take.
            let _ = log.append_event(Event::SampleLost { decision_id, reason: error.to_string() });
        }
    }
}

/// The text, and below it the tool call where there is one.
fn sample(request: &Request) -> String {
    match request.tool_call.as_ref().map(serde_json::to_string) {
        Some(Ok(call)) if request.text.is_empty() => call,
        Some(Ok(call)) => format!("{}\n{call}", request.text),
        _ => request.text.clone(),
    }
}
