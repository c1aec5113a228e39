//! What the monitor knows, as it is shown: rates with their intervals, drift, alerts, conditions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::alert::Alert;
use super::counts::{Counts, Events, Rate};
use super::drift::{self, Drift};
use super::observation::References;
use super::rollback::Condition;
use super::watch::Watch;
use crate::policy::Rollback;
use crate::verdict::PolicyRef;

/// What the monitor knows of the verdicts by one policy.
///
/// Names with dots follow OpenTelemetry's conventions for attributes; there is none for verdicts of a guard, so what is not
/// `gen_ai.…` is under `portcullis.…`.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The policy.
    #[serde(rename = "portcullis.policy")]
    pub policy: PolicyRef,
    /// The operation: what a guard does is `guardrail`.
    #[serde(rename = "gen_ai.operation.name")]
    pub operation: &'static str,
    /// Digests of model and calibration.
    #[serde(rename = "portcullis.model")]
    pub model: String,
    /// Verdicts that were counted.
    pub verdicts: u64,
    /// The time of the newest one, in UTC.
    pub latest: String,
    /// Where references come from: `baseline`, `calibration` or `unavailable`.
    pub reference: &'static str,
    /// Each window by its name.
    pub windows: BTreeMap<&'static str, WindowStatus>,
    /// The alerts that are there.
    pub alerts: Vec<Alert>,
    /// The policy's conditions for a rollback.
    pub conditions: Vec<Condition>,
}

/// One window.
#[derive(Clone, Debug, Serialize)]
pub struct WindowStatus {
    /// Verdicts in it.
    pub verdicts: u64,
    /// The rates of decisions, faults and coverage, by name.
    pub rates: BTreeMap<&'static str, Rate>,
    /// How often each rule applied.
    pub rules: Vec<SubjectRate>,
    /// The share of vetoes in each slice.
    pub slices: Vec<SubjectRate>,
    /// Each signal beside its reference.
    pub drift: Vec<Drift>,
    /// The median time of a verdict.
    #[serde(rename = "gen_ai.server.request.duration.p50_us")]
    pub p50_us: Option<f64>,
    /// The time that one verdict in a hundred exceeds.
    #[serde(rename = "gen_ai.server.request.duration.p99_us")]
    pub p99_us: Option<f64>,
}

/// The rate of a rule or slice.
#[derive(Clone, Debug, Serialize)]
pub struct SubjectRate {
    /// The rule or slice.
    pub name: String,
    /// Its rate.
    #[serde(flatten)]
    pub rate: Rate,
}

/// The rates that every window has.
pub(super) const RATES: [(&str, Events); 6] = [
    ("veto", |all| all.vetoes),
    ("escalate", |all| all.escalations),
    ("rewrite", |all| all.rewrites),
    ("fault", |all| all.faults),
    ("partial", |all| all.partial),
    ("uncovered", |all| all.uncovered),
];

impl Status {
    /// What `watch` knows. `references` are those that verdicts are compared with, from a baseline where `has_baseline`.
    #[must_use]
    pub fn new(
        watch: &Watch,
        references: &References,
        has_baseline: bool,
        rollback: Option<&Rollback>,
        sigmas: f64,
    ) -> Self {
        let counted = watch.references() == references.id() && !references.list().is_empty();
        let windows = watch
            .counts()
            .into_iter()
            .map(|(name, counts)| (name, WindowStatus::new(&counts, counted.then_some(references), sigmas)));
        let latest = watch.latest().and_then(|at| jiff::Timestamp::from_second(at).ok());
        Self {
            policy: watch.policy().clone(),
            operation: "guardrail",
            model: watch.model().to_owned(),
            verdicts: watch.verdicts(),
            latest: latest.map(|at| at.to_string()).unwrap_or_default(),
            reference: match (counted, has_baseline) {
                (false, _) => "unavailable",
                (true, true) => "baseline",
                (true, false) => "calibration",
            },
            windows: windows.collect(),
            alerts: watch.alerts().to_vec(),
            conditions: rollback.map(|own| watch.conditions(own, references, sigmas)).unwrap_or_default(),
        }
    }
}

impl WindowStatus {
    fn new(counts: &Counts, references: Option<&References>, sigmas: f64) -> Self {
        let rates = RATES.iter().map(|(name, events)| (*name, counts.rate(events(&counts.all), sigmas)));
        let rules = counts
            .rules
            .iter()
            .map(|(name, verdicts)| SubjectRate { name: name.clone(), rate: counts.rate(*verdicts, sigmas) });
        let slices = counts.slices.iter().map(|(name, all)| SubjectRate {
            name: name.clone(),
            rate: Rate::new(all.vetoes, all.verdicts, sigmas),
        });
        Self {
            verdicts: counts.all.verdicts,
            rates: rates.collect(),
            rules: rules.collect(),
            slices: slices.collect(),
            drift: references.map(|references| drift::all(references, counts)).unwrap_or_default(),
            p50_us: counts.latency.quantile(0.5),
            p99_us: counts.latency.quantile(0.99),
        }
    }
}
