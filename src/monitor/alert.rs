//! Indicators beside their limits, and alerts that are raised and cleared with hysteresis.

use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::counts::{Counts, Events, Rate};
use super::drift;
use super::observation::References;
use crate::installation::MonitorSettings;
use crate::policy::Rollback;
use crate::verdict::PolicyRef;

/// On which side of its limit something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// More than the limit.
    Above,
    /// Less than the limit.
    Below,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// What is watched, such as `veto_rate` or `drift`.
    pub indicator: String,
    /// The rule, slice or signal it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What was measured.
    pub value: f64,
    /// The limit that it passed.
    pub limit: f64,
    /// On which side.
    pub side: Side,
    /// The verdicts it was measured on.
    pub verdicts: u64,
    /// Which window these are: `short`, `long` or `timed`.
    pub window: String,
    /// When it was raised: the time of the verdict, in seconds since 1970.
    pub raised_at: i64,
    /// The policy in force.
    pub policy: PolicyRef,
    /// A sentence for people.
    pub message: String,
}

/// An alert that has come or gone.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Change {
    /// It is there now.
    Raised(Alert),
    /// It is over; the value is the present one.
    Cleared(Alert),
}

impl Change {
    /// The alert.
    #[must_use]
    pub const fn alert(&self) -> &Alert {
        match self {
            Self::Raised(alert) | Self::Cleared(alert) => alert,
        }
    }
}

/// What is watched is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// The installation's.
    pub settings: &'a MonitorSettings,
    /// The policy's conditions, which go before the installation's limits.
    pub rollback: Option<&'a Rollback>,
    /// What the installation was like before.
    pub baseline: Option<&'a Baseline>,
    /// How signals are spread where all is well.
    pub references: &'a References,
}

impl Bounds<'_> {
    /// Whether drift is more than told.
    fn alerts_on_drift(&self) -> bool {
        self.baseline.is_some_and(|baseline| !baseline.references().is_empty())
            || self.settings.alert_on_calibration_drift
    }
}

/// What one window shows of one indicator.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) indicator: &'static str,
    pub(super) subject: Option<String>,
    pub(super) value: f64,
    pub(super) limit: f64,
    pub(super) side: Side,
    pub(super) verdicts: u64,
    pub(super) window: &'static str,
    /// Whether the limit is passed for sure.
    pub(super) passed: bool,
    /// Whether it is well within the limit again.
    pub(super) over: bool,
}

impl Reading {
    /// Names the alert that it would be.
    pub(super) fn is_of(&self, alert: &Alert) -> bool {
        alert.indicator == self.indicator && alert.subject == self.subject && alert.side == self.side
    }

    pub(super) fn alert(&self, policy: &PolicyRef, raised_at: i64) -> Alert {
        let subject = self.subject.as_ref().map_or_else(String::new, |subject| format!(" of {subject}"));
        let side = if self.side == Side::Above { "above" } else { "below" };
        Alert {
            indicator: self.indicator.to_owned(),
            subject: self.subject.clone(),
            value: self.value,
            limit: self.limit,
            side: self.side,
            verdicts: self.verdicts,
            window: self.window.to_owned(),
            raised_at,
            policy: policy.clone(),
            message: format!(
                "{}{subject} is {:.4}, {side} the limit of {:.4}, over {} verdicts",
                self.indicator.replace('_', " "),
                self.value,
                self.limit,
                self.verdicts
            ),
        }
    }
}

/// What a window shows of every indicator that has a limit.
pub(super) fn readings(window: &'static str, counts: &Counts, bounds: &Bounds<'_>) -> Vec<Reading> {
    let settings = bounds.settings;
    if counts.all.verdicts < settings.min_verdicts {
        return Vec::new();
    }
    let mut reader = Reader { window, settings, readings: Vec::new() };
    let rollback = bounds.rollback;
    let before = bounds.baseline;
    let rate = |events| counts.rate(events, settings.sigmas);
    let earlier = |events: Events| {
        before.map(|base| Rate::new(events(&base.all), base.all.verdicts, settings.sigmas))
    };

    let above = rollback.and_then(|own| own.veto_rate_above).unwrap_or(settings.veto_rate_above);
    reader.above("veto_rate", None, rate(counts.all.vetoes), above);
    if let Some(below) = rollback.and_then(|own| own.veto_rate_below) {
        reader.below("veto_rate", None, rate(counts.all.vetoes), below);
    }
    let above = rollback.and_then(|own| own.error_rate_above).unwrap_or(settings.fault_rate_above);
    reader.above("fault_rate", None, rate(counts.all.faults), above);

    let rates: [(&'static str, Events); 4] = [
        ("veto_rate", |all| all.vetoes),
        ("escalate_rate", |all| all.escalations),
        ("rewrite_rate", |all| all.rewrites),
        ("uncovered_rate", |all| all.uncovered),
    ];
    for (indicator, events) in rates {
        reader.band(indicator, None, rate(events(&counts.all)), earlier(events));
    }
    if let Some(base) = before {
        let names =
            base.rules.keys().chain(counts.rules.keys().filter(|name| !base.rules.contains_key(*name)));
        for rule in names {
            let events =
                |rules: &std::collections::BTreeMap<String, u64>| rules.get(rule).copied().unwrap_or(0);
            let earlier = Rate::new(events(&base.rules), base.all.verdicts, settings.sigmas);
            reader.band("rule_rate", Some(rule), rate(events(&counts.rules)), Some(earlier));
        }
        for (slice, now) in &counts.slices {
            let Some(then) = base.slices.get(slice) else { continue };
            if now.verdicts.min(then.verdicts) < settings.min_verdicts {
                continue;
            }
            let earlier = Rate::new(then.vetoes, then.verdicts, settings.sigmas);
            let now = Rate::new(now.vetoes, now.verdicts, settings.sigmas);
            reader.band("slice_veto_rate", Some(slice), now, Some(earlier));
        }
        reader.latency("latency_p50", 0.5, base.p50_us, counts);
        reader.latency("latency_p99", 0.99, base.p99_us, counts);
    }
    if bounds.alerts_on_drift() {
        for found in drift::all(bounds.references, counts) {
            let limit = settings.drift_above;
            reader.readings.push(Reading {
                indicator: "drift",
                value: found.psi,
                limit,
                side: Side::Above,
                verdicts: found.verdicts,
                window,
                passed: found.verdicts >= settings.min_verdicts && found.psi > limit && found.is_sure(),
                over: found.psi < limit * settings.clear,
                subject: Some(found.signal),
            });
        }
    }
    reader.readings
}

struct Reader<'a> {
    window: &'static str,
    settings: &'a MonitorSettings,
    readings: Vec<Reading>,
}

impl Reader<'_> {
    fn add(&mut self, indicator: &'static str, subject: Option<&str>, rate: Rate, limit: f64, side: Side) {
        let clear = self.settings.clear;
        let (passed, over) = match side {
            Side::Above => (rate.low > limit, rate.value <= limit * clear),
            Side::Below => (rate.high < limit, rate.value >= limit / clear),
        };
        self.readings.push(Reading {
            indicator,
            subject: subject.map(str::to_owned),
            value: rate.value,
            limit,
            side,
            verdicts: rate.verdicts,
            window: self.window,
            passed,
            over,
        });
    }

    fn above(&mut self, indicator: &'static str, subject: Option<&str>, rate: Rate, limit: f64) {
        self.add(indicator, subject, rate, limit, Side::Above);
    }

    fn below(&mut self, indicator: &'static str, subject: Option<&str>, rate: Rate, limit: f64) {
        self.add(indicator, subject, rate, limit, Side::Below);
    }

    /// The rate may be the baseline's times and over the band, and wherever the baseline's own interval reaches.
    fn band(&mut self, indicator: &'static str, subject: Option<&str>, rate: Rate, earlier: Option<Rate>) {
        let Some(earlier) = earlier else { return };
        self.above(indicator, subject, rate, (earlier.value * self.settings.band).max(earlier.high));
        let below = (earlier.value / self.settings.band).min(earlier.low);
        if below > 0.0 {
            self.below(indicator, subject, rate, below);
        }
    }

    /// Passed where more verdicts than the quantile allows, for sure, take longer than the baseline's time and its band.
    fn latency(&mut self, indicator: &'static str, share: f64, base_us: f64, counts: &Counts) {
        let Some(value) = counts.latency.quantile(share).filter(|_| base_us > 0.0) else { return };
        let limit = base_us * self.settings.latency_band;
        let total = counts.latency.total();
        let slower = Rate::new(counts.latency.slower_than(limit), total, self.settings.sigmas);
        self.readings.push(Reading {
            indicator,
            subject: None,
            value,
            limit,
            side: Side::Above,
            verdicts: total,
            window: self.window,
            passed: slower.low > 1.0 - share,
            over: value <= limit * self.settings.clear,
        });
    }
}
