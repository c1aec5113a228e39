//! What happened to an installation, beside its decisions: the other kind of entry in the log.

use serde::{Deserialize, Serialize};

use crate::verdict::{Decision, PolicyRef};

/// Something that an audit must be able to tell. Kinds and keys are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A policy was put in force.
    PolicyActivated {
        /// The policy.
        policy: PolicyRef,
        /// Its revision.
        revision: u64,
        /// Who did it.
        by: String,
    },
    /// An earlier policy was put in force again.
    PolicyRolledBack {
        /// The policy that was in force.
        from: PolicyRef,
        /// The policy that is in force now.
        to: PolicyRef,
        /// Its revision.
        revision: u64,
        /// Who did it; `monitor` where no person did.
        by: String,
        /// Why.
        reason: String,
    },
    /// An alert was raised.
    AlertRaised {
        /// What is watched, such as `veto_rate` or `drift.toxicity`.
        indicator: String,
        /// The rule, head or slice it is about, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// What was measured.
        value: f64,
        /// The bound that it passed.
        limit: f64,
        /// The policy in force.
        policy: PolicyRef,
        /// A sentence for people.
        message: String,
    },
    /// An alert is over.
    AlertCleared {
        /// What is watched.
        indicator: String,
        /// The rule, head or slice it is about, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// What was measured.
        value: f64,
    },
    /// An exception was taken up.
    ExceptionAdded {
        /// Its id.
        id: String,
        /// Who approved it.
        approved_by: String,
        /// When it ends, RFC 3339.
        expires: String,
    },
    /// An exception was taken back before its time.
    ExceptionRevoked {
        /// Its id.
        id: String,
        /// Who did it.
        by: String,
        /// Why.
        reason: String,
    },
    /// A person decided a case.
    ReviewDecided {
        /// The case: the id of its decision.
        decision_id: String,
        /// What was decided: `approve` or `reject`.
        outcome: String,
        /// Who decided.
        by: String,
        /// Why.
        reason: String,
        /// Labels that the person gave, sorted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<String>,
    },
    /// A candidate policy would have decided otherwise.
    ShadowDifference {
        /// The decision in force.
        decision_id: String,
        /// What was decided.
        from: Decision,
        /// What the candidate would have decided.
        to: Decision,
        /// Rules that applied for the candidate alone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gained: Vec<String>,
        /// Rules that applied for the policy in force alone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lost: Vec<String>,
        /// The data slice that the request named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slice: Option<String>,
        /// The policy in force.
        policy: PolicyRef,
        /// The candidate.
        candidate: PolicyRef,
    },
    /// Entries could not be appended, such as on a full disk; the verdicts among them were decided as the policy's
    /// `on_log_failure` says.
    RecordsLost {
        /// How many.
        count: u64,
        /// When the first was, RFC 3339.
        since: String,
    },
    /// The log ended inside a line when it was opened, as after a crash, and this beginning of a line was removed.
    LogTailCut {
        /// Its bytes.
        bytes: u64,
    },
    /// Entries that had been signed for were gone when the log was opened: after a loss of power, or since they were removed.
    LogEntriesLost {
        /// The last entry that was there; absent where the whole log was gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<u64>,
        /// The last entry that had been signed for.
        signed: u64,
    },
    /// The text of an escalated case could not be kept for review.
    SampleLost {
        /// The case: the id of its decision.
        decision_id: String,
        /// Why.
        reason: String,
    },
    /// The signed head was gone or unreadable when the log was opened.
    LogHeadLost {},
    /// A device that runs the classifiers failed; told once by each process.
    DeviceFailed {
        /// What it is: `cuda`, `metal` or `cpu-float`.
        device: String,
        /// Its name.
        name: String,
        /// What its driver said.
        reason: String,
        /// Whether it is not asked any more.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lost: bool,
    },
}

impl Event {
    /// The word in `event`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::PolicyActivated { .. } => "policy_activated",
            Self::PolicyRolledBack { .. } => "policy_rolled_back",
            Self::AlertRaised { .. } => "alert_raised",
            Self::AlertCleared { .. } => "alert_cleared",
            Self::ExceptionAdded { .. } => "exception_added",
            Self::ExceptionRevoked { .. } => "exception_revoked",
            Self::ReviewDecided { .. } => "review_decided",
            Self::ShadowDifference { .. } => "shadow_difference",
            Self::RecordsLost { .. } => "records_lost",
            Self::LogTailCut { .. } => "log_tail_cut",
            Self::LogEntriesLost { .. } => "log_entries_lost",
            Self::SampleLost { .. } => "sample_lost",
            Self::LogHeadLost {} => "log_head_lost",
            Self::DeviceFailed { .. } => "device_failed",
        }
    }
}
