//! The report of a log: what was decided, how well, how steadily and under whose responsibility, as numbers and as one page.
//!
//! [`Aggregate`] reads the entries once, in order, in memory that does not grow with the log; [`Report`] is what comes out, the
//! same for the same entries; [`html::page`] draws it. `docs/report.md` tells every figure.

mod aggregate;
mod audit;
mod drift;
pub mod html;
mod kpi;
mod labels;
mod latency;
mod names;
mod oversight;
mod rules;
mod slices;
mod tally;
#[cfg(test)]
mod tests;
mod timeline;

pub use aggregate::Aggregate;
pub use audit::{Audit, Verification};
pub use drift::{MonitorDrift, ScoreDrift};
pub use kpi::{Kpi, Unit};
pub use labels::{HeadReliability, Label, LabelError, MAX_LABELS};
pub use names::MAX_NAMES;
pub use oversight::{AlertLine, ExceptionLine, OpenReview, Oversight, PolicyChange, Reviews};
pub use rules::{PolicyRule, RuleLine};
pub use slices::{Gap, SliceLine, Slices};
pub use tally::{Rate, Tally};
pub use timeline::{Period, Trend};

use jiff::Timestamp;
use serde::Serialize;

/// The categories whose findings in an assistant's text count against the brand, unless others are named.
pub const BRAND_CATEGORIES: [&str; 7] =
    ["toxicity", "hate", "insult", "obscenity", "threat", "sexual", "violence"];

/// What a report is about.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The heading of the page.
    pub title: String,
    /// The time that the report is made for: what is open or about to expire is measured from it.
    pub at: Timestamp,
    /// Entries before this are left out.
    pub since: Option<Timestamp>,
    /// Entries at or after this are left out.
    pub until: Option<Timestamp>,
    /// The categories that count against the brand.
    pub brand_categories: Vec<String>,
    /// The rules of the policy that the report is held against; empty without one.
    pub policy_rules: Vec<PolicyRule>,
}

/// A name and how many decisions bear it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Count {
    /// The name.
    pub name: String,
    /// How many.
    pub n: u64,
}

/// A policy, a model or a calibration that decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deployed {
    /// `policy`, `model` or `calibration`.
    pub kind: &'static str,
    /// Its id, with its version where it has one.
    pub name: String,
    /// Its digest, in hex.
    pub digest: String,
    /// The time of its first decision.
    pub first: String,
    /// The time of its last decision.
    pub last: String,
    /// Its decisions.
    pub decisions: Tally,
}

/// The numbers of a report. Keys are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The heading of the page.
    pub title: String,
    /// The time that the report is made for, RFC 3339.
    pub at: String,
    /// The time asked for, RFC 3339; none where all of the log was.
    pub since: Option<String>,
    /// The end of the time asked for, RFC 3339, not itself in it.
    pub until: Option<String>,
    /// The earliest time of a decision; none without decisions.
    pub first: Option<String>,
    /// The latest time of a decision.
    pub last: Option<String>,
    /// Decisions by what was decided.
    pub decisions: Tally,
    /// Decisions whose time cannot be read; they are in no trend.
    pub undated: u64,
    /// The key figures, in the order of the page.
    pub kpis: Vec<Kpi>,
    /// The categories that `brand_safety_rate` counts.
    pub brand_categories: Vec<String>,
    /// How the figures went over time.
    pub trend: Trend,
    /// Decisions by who wrote the text.
    pub roles: Vec<Count>,
    /// Why texts were not judged in full, by reason.
    pub coverage_reasons: Vec<Count>,
    /// The rules that applied, those with the most texts first.
    pub rules: Vec<RuleLine>,
    /// Rules of the policy that never applied.
    pub unused_rules: Vec<PolicyRule>,
    /// The data slices, and how far apart they are.
    pub slices: Slices,
    /// How well the scores of each head hold as probabilities, where there are labels.
    pub reliability: Vec<HeadReliability>,
    /// Labels that named a decision of the period.
    pub labelled: u64,
    /// Labels that named none.
    pub unmatched_labels: u64,
    /// How the scores of each head moved within the period.
    pub drift: Vec<ScoreDrift>,
    /// What the monitor of the state directory knows of drift, at the time of the report's making; none without one.
    pub monitor: Option<MonitorDrift>,
    /// Why that is not known, where there is a monitor; none where nothing is wrong.
    pub monitor_problem: Option<String>,
    /// What decided.
    pub deployed: Vec<Deployed>,
    /// Reviews, exceptions, alerts and the policy's history.
    pub oversight: Oversight,
    /// How whole the log is.
    pub audit: Audit,
}

/// The time as the report writes it.
fn written(time: Timestamp) -> String {
    format!("{time:.0}")
}
