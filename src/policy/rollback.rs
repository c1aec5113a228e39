//! `[rollback]`: the conditions under which the policy gives way to one before it, and to which.

use std::fmt;

use serde::Serialize;

/// Where a rollback leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// To the revision that was in force before.
    #[default]
    Previous,
    /// To this revision.
    Revision(u64),
}

/// `[rollback]` of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rollback {
    /// To which policy.
    pub to: Target,
    /// The greatest share of vetoes.
    pub veto_rate_above: Option<f64>,
    /// The least share of vetoes.
    pub veto_rate_below: Option<f64>,
    /// The greatest share of faults.
    pub error_rate_above: Option<f64>,
    /// The greatest population stability index of any signal.
    pub drift_above: Option<f64>,
    /// The seconds that are looked at; without it the last verdicts, a tenth of the monitor's long window.
    pub window: Option<i64>,
    /// The fewest verdicts from which anything is concluded.
    pub min_verdicts: u64,
    /// The seconds after an automatic rollback in which there is no other.
    pub cooldown: i64,
}

impl fmt::Display for Rollback {
    /// In words: `to the revision before, veto_rate_above 0.2, min_verdicts 100, cooldown 3600 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Target::Previous => f.write_str("to the revision before")?,
            Target::Revision(revision) => write!(f, "to revision {revision}")?,
        }
        let bounds = [
            ("veto_rate_above", self.veto_rate_above),
            ("veto_rate_below", self.veto_rate_below),
            ("error_rate_above", self.error_rate_above),
            ("drift_above", self.drift_above),
        ];
        for (name, bound) in bounds {
            if let Some(bound) = bound {
                write!(f, ", {name} {bound}")?;
            }
        }
        if let Some(window) = self.window {
            write!(f, ", window {window} s")?;
        }
        write!(f, ", min_verdicts {}, cooldown {} s", self.min_verdicts, self.cooldown)
    }
}
