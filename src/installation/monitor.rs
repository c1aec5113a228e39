//! The sections `[monitor]` and `[alerts]`: what is watched, from where on it is an alert, and where alerts go.

use std::path::PathBuf;

use jiff::SignedDuration;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};

/// `[monitor]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorSettings {
    /// Whether rates and drift are watched.
    pub enabled: bool,
    /// The verdicts of the long window by count, 100 to 1,000,000; the short one has a tenth of them.
    #[serde(deserialize_with = "window_verdicts")]
    pub window_verdicts: u64,
    /// The seconds of the window by time, 60 to 2,592,000 (30 days); written as a duration, `"1h"`.
    #[serde(deserialize_with = "window")]
    pub window: i64,
    /// The fewest verdicts of a window from which anything is concluded, 20 to 1,000,000.
    #[serde(deserialize_with = "min_verdicts")]
    pub min_verdicts: u64,
    /// How sure an alert is: standard deviations by which the whole interval of a rate is wide to either side, 1 to 10.
    #[serde(deserialize_with = "sigmas")]
    pub sigmas: f64,
    /// The share of vetoes from which on it is an alert, in `0..=1`.
    #[serde(deserialize_with = "rate")]
    pub veto_rate_above: f64,
    /// The share of faults from which on it is an alert, in `0..=1`.
    #[serde(deserialize_with = "rate")]
    pub fault_rate_above: f64,
    /// How many times a rate of the baseline may grow, or fall, before it is an alert; above 1, at most 1000.
    #[serde(deserialize_with = "band")]
    pub band: f64,
    /// How many times the baseline's latency may grow; above 1, at most 1000.
    #[serde(deserialize_with = "band")]
    pub latency_band: f64,
    /// The population stability index from which on drift is an alert, above 0, at most 100.
    #[serde(deserialize_with = "index")]
    pub drift_above: f64,
    /// Whether drift from the calibration's reference is an alert too, where there is no baseline: the calibration's texts are
    /// seldom those of the place.
    pub alert_on_calibration_drift: bool,
    /// The part of a limit below which an alert is over, above 0 and at most 1.
    #[serde(deserialize_with = "clear")]
    pub clear: f64,
    /// The seconds after an alert is over in which the same one is not raised again; written as a duration, `"10m"`.
    #[serde(deserialize_with = "cooldown")]
    pub cooldown: i64,
    /// A file in the text format of Prometheus, written again at most every few seconds while verdicts come.
    pub prometheus: Option<PathBuf>,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            window_verdicts: 10_000,
            window: 3600,
            min_verdicts: 200,
            sigmas: 4.0,
            veto_rate_above: 0.5,
            fault_rate_above: 0.05,
            band: 1.5,
            latency_band: 2.0,
            drift_above: 0.25,
            alert_on_calibration_drift: false,
            clear: 0.8,
            cooldown: 600,
            prometheus: None,
        }
    }
}

/// `[alerts]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertSettings {
    /// A file to which alerts are added, one JSON object a line.
    pub file: Option<PathBuf>,
    /// A program and its arguments, started for each alert with the alert as JSON on its standard input.
    pub command: Vec<String>,
    /// The seconds after which a command that still runs is ended, 1 to 3600; written as a duration, `"10s"`.
    #[serde(deserialize_with = "timeout")]
    pub timeout: i64,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self { file: None, command: Vec::new(), timeout: 10 }
    }
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D, least: u64, most: u64) -> Result<u64, D::Error> {
    let found = u64::deserialize(deserializer)?;
    if (least..=most).contains(&found) {
        return Ok(found);
    }
    let expected = format!("a whole number in {least}..={most}");
    Err(D::Error::invalid_value(Unexpected::Unsigned(found), &expected.as_str()))
}

fn number<'de, D: Deserializer<'de>>(
    deserializer: D,
    holds: impl Fn(f64) -> bool,
    expected: &str,
) -> Result<f64, D::Error> {
    let found = f64::deserialize(deserializer)?;
    if holds(found) { Ok(found) } else { Err(D::Error::invalid_value(Unexpected::Float(found), &expected)) }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D, least: i64, most: i64) -> Result<i64, D::Error> {
    let found = String::deserialize(deserializer)?;
    period(&found, least, most).ok_or_else(|| {
        D::Error::invalid_value(Unexpected::Str(&found), &expected_period(least, most).as_str())
    })
}

/// The seconds of a duration such as `90s`, `10m` or `1h 30m`; `None` where it is none, or none between the two.
pub(crate) fn period(text: &str, least: i64, most: i64) -> Option<i64> {
    let duration: SignedDuration = text.parse().ok()?;
    Some(duration.as_secs()).filter(|seconds| (least..=most).contains(seconds))
}

/// What [`period`] takes.
pub(crate) fn expected_period(least: i64, most: i64) -> String {
    format!("a duration such as \"90s\", \"10m\" or \"1h\" of {least} to {most} seconds")
}

fn window_verdicts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    whole(deserializer, 100, 1_000_000)
}

fn min_verdicts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    whole(deserializer, 20, 1_000_000)
}

fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    seconds(deserializer, 60, 30 * 86_400)
}

fn cooldown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    seconds(deserializer, 0, 30 * 86_400)
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    seconds(deserializer, 1, 3600)
}

fn sigmas<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    number(deserializer, |found| (1.0..=10.0).contains(&found), "a number in 1..=10")
}

fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    number(deserializer, |found| (0.0..=1.0).contains(&found), "a rate in 0..=1")
}

fn band<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    number(deserializer, |found| found > 1.0 && found <= 1000.0, "a number above 1, at most 1000")
}

fn index<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    number(deserializer, |found| found > 0.0 && found <= 100.0, "a number above 0, at most 100")
}

fn clear<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    number(deserializer, |found| found > 0.0 && found <= 1.0, "a number above 0, at most 1")
}
