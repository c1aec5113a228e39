//! Decisions made again by this guard's policy, from their records.

use thiserror::Error;

use super::Guard;
use crate::policy::Circumstances;
use crate::record::{DecisionRecord, thresholds};
use crate::replay::{Policies, Replayed, replay};

/// Why a decision cannot be made again.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// A record that does not hold what was decided about.
    #[error("the record holds no evidence: it is of a version that did not keep it")]
    NoEvidence,
    /// Scores of another model or calibration, which this guard's thresholds do not fit.
    #[error("the record is of the model {found}, expected {expected} with the same calibration")]
    OtherModel {
        /// The record's model.
        found: String,
        /// This guard's.
        expected: String,
    },
    /// Rules that have other thresholds now, under the same policy and calibration.
    #[error("the rule `{rule}` had another threshold when the record was made")]
    OtherThreshold {
        /// The first such rule.
        rule: String,
    },
}

impl Guard {
    /// Makes the decision of a record again, by this guard's policy. Nothing but the record is read.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn replay(&self, record: &DecisionRecord) -> Result<Replayed, ReplayError> {
        let inner = &*self.0;
        let model = record.model.as_ref().map(|model| model.digest.as_str());
        if model != Some(&inner.model_ref.digest)
            || record.calibration.as_deref() != Some(self.0.calibration_digest())
        {
            return Err(ReplayError::OtherModel {
                found: record.model.as_ref().map_or_else(|| "-".to_owned(), |model| model.id.clone()),
                expected: inner.model_ref.id.clone(),
            });
        }
        if record.policy.digest == inner.policy_ref.digest {
            self.same_thresholds(record)?;
        }
        let exit = |name: &str| inner.exits.named(name);
        replay(record, Policies { whole: &inner.policy, exit: &exit }).ok_or(ReplayError::NoEvidence)
    }

    /// The thresholds on record are those of the whole model, or of one of its exits.
    fn same_thresholds(&self, record: &DecisionRecord) -> Result<(), ReplayError> {
        let inner = &*self.0;
        let exit = record.exit.as_deref().and_then(|exit| inner.exits.named(exit));
        let policies = std::iter::once(&inner.policy).chain(exit);
        let circumstances = Circumstances {
            role: record.role,
            slice: record.slice.as_deref(),
            locale: record.locale.as_deref(),
        };
        let bits = |thresholds: &std::collections::BTreeMap<String, f32>| {
            thresholds.iter().map(|(rule, score)| (rule.clone(), score.to_bits())).collect::<Vec<_>>()
        };
        let recorded = bits(&record.thresholds);
        let mut other = None;
        for policy in policies {
            let own = bits(&thresholds(policy, circumstances));
            if own == recorded {
                return Ok(());
            }
            let differs = own.iter().find(|threshold| !recorded.contains(threshold));
            other = other.or_else(|| differs.or(recorded.first()).map(|(rule, _)| rule.clone()));
        }
        Err(ReplayError::OtherThreshold { rule: other.unwrap_or_default() })
    }
}
