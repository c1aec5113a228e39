//! The watch over the verdicts of one policy: windows, alerts, and what they say together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::alert::{Alert, Bounds, Change, Reading, readings};
use super::counts::{Counts, Names};
use super::observation::{Observation, References};
use super::rollback::{self, Condition};
use super::window::{Shape, Windows};
use crate::installation::MonitorSettings;
use crate::policy::Rollback;
use crate::verdict::PolicyRef;

/// The limits are looked at after every so many verdicts.
pub const EVERY: u64 = 32;
/// Most alerts at a time.
const MOST_ALERTS: usize = 64;
/// Most alerts that are remembered to be over.
const MOST_CLEARED: usize = 256;

/// The watch over the verdicts of one policy.
///
/// It is a function of the verdicts that it is given, in their order, and of their times: it reads no clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Watch {
    policy: PolicyRef,
    /// Digests of model and calibration.
    model: String,
    /// The references by which signals were counted.
    references: String,
    windows: Windows,
    alerts: Vec<Alert>,
    /// When alerts were cleared, by what names them.
    cleared: BTreeMap<String, i64>,
    /// The time of the first verdict, in microseconds since 1970.
    began: i64,
    /// Verdicts so far.
    fed: u64,
    /// The names that are counted one by one; from the windows where it is not known.
    #[serde(skip)]
    names: Option<Names>,
}

impl Watch {
    /// A watch that has seen nothing, for verdicts like this one.
    #[must_use]
    pub fn new(observation: &Observation, settings: &MonitorSettings) -> Self {
        Self {
            policy: observation.policy.clone(),
            model: observation.model.clone(),
            references: observation.references.id().to_owned(),
            windows: Windows::new(Shape::of(settings)),
            alerts: Vec::new(),
            cleared: BTreeMap::new(),
            began: observation.micros,
            fed: 0,
            names: None,
        }
    }

    /// Whether verdicts like this one can be counted with those before it.
    pub(super) fn takes(&self, observation: &Observation, settings: &MonitorSettings) -> bool {
        self.model == observation.model
            && self.references == observation.references.id()
            && self.windows.shape() == Shape::of(settings)
    }

    /// Whether what was read from a file can be gone on with.
    pub(super) fn is_sound(&self) -> bool {
        self.windows.is_sound() && self.alerts.len() <= MOST_ALERTS && self.cleared.len() <= MOST_CLEARED
    }

    /// Counts a verdict; whether the limits are to be looked at now.
    pub fn record(&mut self, observation: &Observation) -> bool {
        if self.fed.is_multiple_of(1 << 12) {
            // Names that no window holds any more make room for others.
            self.names = None;
        }
        let names = self.names.get_or_insert_with(|| self.windows.names());
        self.windows.record(observation, names);
        self.fed += 1;
        self.fed.is_multiple_of(EVERY)
    }

    /// The time of the first verdict, in microseconds since 1970.
    pub(super) const fn began(&self) -> i64 {
        self.began
    }

    /// Compares the windows with their limits, and answers the alerts that have come or gone.
    pub fn evaluate(&mut self, bounds: &Bounds<'_>) -> Vec<Change> {
        let Some(now) = self.windows.latest() else { return Vec::new() };
        let baseline = bounds.baseline.filter(|baseline| baseline.model == self.model);
        let bounds = &Bounds { baseline, ..*bounds };
        let read = [
            readings("short", &self.windows.short(), bounds),
            readings("long", &self.windows.long(), bounds),
            readings("timed", &self.windows.timed(now), bounds),
        ]
        .concat();
        let mut changes = Vec::new();
        let cooldown = bounds.settings.cooldown;
        self.cleared.retain(|_, at| now.saturating_sub(*at) < cooldown);

        let mut kept = Vec::new();
        for mut alert in std::mem::take(&mut self.alerts) {
            let own: Vec<&Reading> = read.iter().filter(|reading| reading.is_of(&alert)).collect();
            // Without enough verdicts nobody knows whether it is over.
            let over = !own.is_empty() && own.iter().all(|reading| reading.over);
            match own.first().filter(|_| over) {
                Some(reading) => {
                    alert.value = reading.value;
                    if self.cleared.len() < MOST_CLEARED {
                        self.cleared.insert(name(reading), now);
                    }
                    changes.push(Change::Cleared(alert));
                }
                None => kept.push(alert),
            }
        }
        self.alerts = kept;
        for reading in read.iter().filter(|reading| reading.passed) {
            let known = self.alerts.iter().any(|alert| reading.is_of(alert));
            if known || self.cleared.contains_key(&name(reading)) || self.alerts.len() >= MOST_ALERTS {
                continue;
            }
            let alert = reading.alert(&self.policy, now);
            self.alerts.push(alert.clone());
            changes.push(Change::Raised(alert));
        }
        changes
    }

    /// Every condition of `[rollback]` with what was measured.
    #[must_use]
    pub fn conditions(&self, rollback: &Rollback, references: &References, sigmas: f64) -> Vec<Condition> {
        let now = self.windows.latest().unwrap_or(0);
        rollback::conditions(rollback, &self.windows, references, sigmas, now)
    }

    /// The policy whose verdicts are watched.
    #[must_use]
    pub const fn policy(&self) -> &PolicyRef {
        &self.policy
    }

    /// The digests of model and calibration.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The references by which signals were counted, by their name.
    #[must_use]
    pub fn references(&self) -> &str {
        &self.references
    }

    /// The alerts that are there now.
    #[must_use]
    pub fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    /// Verdicts since the watch began.
    #[must_use]
    pub const fn verdicts(&self) -> u64 {
        self.fed
    }

    /// The time of the newest verdict, in seconds since 1970.
    #[must_use]
    pub fn latest(&self) -> Option<i64> {
        self.windows.latest()
    }

    /// The windows, under their names.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, Counts); 3] {
        let now = self.windows.latest().unwrap_or(0);
        [("short", self.windows.short()), ("long", self.windows.long()), ("timed", self.windows.timed(now))]
    }
}

fn name(reading: &Reading) -> String {
    format!("{}/{}/{:?}", reading.indicator, reading.subject.as_deref().unwrap_or_default(), reading.side)
}
