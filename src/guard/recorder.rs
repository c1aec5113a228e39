//! Names decisions and, when asked to, appends their records.

use std::path::Path;
use std::time::SystemTime;

use crate::policy::BoundPolicy;
use crate::record::{
    DecisionIds, DecisionRecord, InstallationKey, RecordError, RecordFile, thresholds, timestamp,
};
use crate::request::Request;
use crate::verdict::{Finding, Place, Verdict};

/// The key, the identifiers made with it, and the file.
#[derive(Debug)]
pub(super) struct Recorder {
    key: InstallationKey,
    ids: DecisionIds,
    file: Option<RecordFile>,
}

impl Recorder {
    /// Loads the key of the state directory, or makes one for this guard alone, and opens the file if there is one.
    pub(super) fn open(file: Option<&Path>, state: Option<&Path>) -> Result<Self, RecordError> {
        let key = match state {
            Some(state) => InstallationKey::load_or_create(state)?,
            None => InstallationKey::ephemeral()?,
        };
        let ids = DecisionIds::new(&key)?;
        Ok(Self { key, ids, file: file.map(RecordFile::append).transpose()? })
    }

    /// Fills in the verdict's identifier and appends its record.
    pub(super) fn record(
        &self,
        request: &Request,
        verdict: &mut Verdict,
        policy: &BoundPolicy,
        calibration: &str,
    ) -> Result<(), RecordError> {
        let time = SystemTime::now();
        let text_digest = self.key.text_digest(&request.text);
        verdict.decision_id = self.ids.next(time, &text_digest);
        let Some(file) = &self.file else { return Ok(()) };
        file.write(&DecisionRecord {
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
            scores: verdict.scores.iter().cloned().collect(),
            thresholds: thresholds(policy, request.into()),
            coverage: verdict.coverage,
            coverage_reasons: verdict.coverage_reason.into_iter().collect(),
            exit: verdict.exit.clone(),
            policy: verdict.policy.clone(),
            model: Some(verdict.model.clone()),
            calibration: Some(calibration.to_owned()),
            slice: request.slice.clone(),
            timing_us: verdict.timing,
        })
    }
}

/// The finding as a record may hold it.
fn without_pointer(finding: &Finding) -> Finding {
    let place = finding.place.as_ref().map(Place::without_pointer);
    Finding { place, ..finding.clone() }
}
