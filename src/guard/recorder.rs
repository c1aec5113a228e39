//! Names decisions, and records them: in the installation's log, and in a file when asked to.

use std::path::Path;
use std::time::SystemTime;

use thiserror::Error;

use crate::installation::Installation;
use crate::log::{Body, Event, Log, LogError};
use crate::monitor::Monitor;
use crate::policy::BoundPolicy;
use crate::rails::classifier::SKETCH;
use crate::record::{
    DecisionIds, DecisionRecord, Evidence, InstallationKey, RecordError, RecordFile, thresholds, timestamp,
};
use crate::request::Request;
use crate::verdict::{ExceptionUse, Finding, Place, Verdict};

use super::GuardError;
use super::reviewing::{ReviewError, Reviewing};
use super::samples::Keeper;

/// Most bytes of a locale that is recorded: a language tag has fewer.
const MOST_LOCALE: usize = 64;

/// The key, the identifiers made with it, and what is written to.
#[derive(Debug)]
pub(super) struct Recorder {
    key: InstallationKey,
    ids: DecisionIds,
    file: Option<RecordFile>,
    log: Option<Log>,
    samples: Keeper,
    monitor: Option<Monitor>,
    reviewing: Reviewing,
}

/// Why a decision is not on record.
#[derive(Debug, Error)]
pub(super) enum RecorderError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the decision cannot be logged")]
    Log(#[from] LogError),
    #[error("the held text cannot be put into the review queue")]
    Review(#[from] ReviewError),
}

impl RecorderError {
    /// Whether it is the log that failed.
    pub(super) const fn is_of_log(&self) -> bool {
        matches!(self, Self::Log(_))
    }
}

impl Recorder {
    /// Loads the key of the state directory, or makes one for this guard alone, and opens what there is to write to: the file, and
    /// what the settings of a directory ask for.
    pub(super) fn open(
        file: Option<&Path>,
        state: Option<&Path>,
        place: Option<(&Path, &Installation)>,
    ) -> Result<Self, GuardError> {
        let key = match state {
            Some(state) => InstallationKey::load_or_create(state)?,
            None => InstallationKey::ephemeral()?,
        };
        let ids = DecisionIds::new(&key)?;
        let file = file.map(RecordFile::append).transpose()?;
        let (mut log, mut samples, mut reviewing) = (None, Keeper::default(), Reviewing::default());
        if let Some((state, settings)) = place {
            log = settings.log.enabled.then(|| Log::open(state, &settings.log)).transpose()?;
            samples = Keeper::open(state, &settings.samples)?;
            reviewing = Reviewing::new(state, &settings.review);
        }
        Ok(Self { key, ids, file, log, samples, monitor: None, reviewing })
    }

    /// The same, watched.
    pub(super) fn with_monitor(self, monitor: Option<Monitor>) -> Self {
        Self { monitor, ..self }
    }

    /// One that names texts alike and writes nothing.
    pub(super) fn quiet(&self) -> Result<Self, RecordError> {
        let (key, ids) = (self.key.clone(), DecisionIds::new(&self.key)?);
        let (samples, reviewing) = (Keeper::default(), Reviewing::default());
        Ok(Self { key, ids, file: None, log: None, samples, monitor: None, reviewing })
    }

    /// What watches.
    pub(super) const fn monitor(&self) -> Option<&Monitor> {
        self.monitor.as_ref()
    }

    /// Logs what happened beside the decisions, where there is a log.
    pub(super) fn event(&self, event: Event) -> Result<(), LogError> {
        self.log.as_ref().map_or(Ok(()), |log| log.append_event(event))
    }

    /// The text's name under the installation's key.
    pub(super) fn text_digest(&self, text: &str) -> String {
        self.key.text_digest(text)
    }

    /// Fills in the verdict's identifier and records it.
    pub(super) fn record(
        &self,
        request: &Request,
        verdict: &mut Verdict,
        policy: &BoundPolicy,
        calibration: &str,
        evidence: Evidence,
        sketch: Option<&[f32; SKETCH]>,
    ) -> Result<(), RecorderError> {
        let time = SystemTime::now();
        let text_digest = self.key.text_digest(&request.text);
        verdict.decision_id = self.ids.next(time, &text_digest);
        let is_queued = self.reviewing.takes(verdict.decision);
        if self.file.is_none() && self.log.is_none() && self.monitor.is_none() && !is_queued {
            self.samples.keep(request, verdict, None);
            return Ok(());
        }
        let record = DecisionRecord {
            decision_id: verdict.decision_id.clone(),
            time: timestamp(time)?,
            role: request.role,
            text_digest,
            text_bytes: request.text.len(),
            tool_call_digest: request
                .tool_call
                .as_ref()
                .map(|call| self.key.text_digest(&format!("{}\0{}", call.name, call.arguments))),
            decision: verdict.decision,
            findings: verdict.findings.iter().map(without_pointer).collect(),
            exceptions: verdict.exceptions.iter().map(ExceptionUse::without_pointer).collect(),
            scores: verdict.scores.iter().cloned().collect(),
            thresholds: thresholds(policy, request.into()),
            coverage: verdict.coverage,
            coverage_reasons: verdict.coverage_reason.into_iter().collect(),
            exit: verdict.exit.clone(),
            device: verdict.device.clone(),
            policy: verdict.policy.clone(),
            model: Some(verdict.model.clone()),
            calibration: Some(calibration.to_owned()),
            slice: request.slice.clone(),
            locale: request.locale.as_deref().and_then(tag).map(str::to_owned),
            fault: verdict.fault.clone(),
            timing_us: verdict.timing,
            evidence: Some(evidence),
        };
        if let Some(file) = &self.file {
            file.write(&record)?;
        }
        let body = Body::Decision(Box::new(record));
        if let Some(log) = &self.log {
            log.append(&body)?;
        }
        if let (Some(monitor), Body::Decision(record)) = (&self.monitor, &body) {
            monitor.observe(record, sketch, policy.policy().rollback());
        }
        self.samples.keep(request, verdict, self.log.as_ref());
        if let Body::Decision(record) = &body {
            self.reviewing.put(record)?;
        }
        Ok(())
    }
}

/// The parts of a locale that can be those of a language tag: a text is none, and rules look at nothing else.
fn tag(locale: &str) -> Option<&str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let end = locale.bytes().take(MOST_LOCALE).take_while(|byte| fits(*byte)).count();
    if end == locale.len() {
        return Some(locale);
    }
    locale.get(..end)?.rsplit_once(['-', '_']).map(|(tag, _)| tag)
}

/// The finding as a record may hold it.
fn without_pointer(finding: &Finding) -> Finding {
    let place = finding.place.as_ref().map(Place::without_pointer);
    Finding { place, ..finding.clone() }
}
