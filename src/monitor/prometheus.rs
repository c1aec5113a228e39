//! The monitor's state in the text format of Prometheus (version 0.0.4), for a collector of text files.

use std::fmt::Write as _;

use super::counts::Latency;
use super::drift;
use super::observation::References;
use super::state::State;
use super::status::RATES;

/// Upper bounds, in seconds, of the buckets in which verdicts are told.
const BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The text: counters since the state was begun, and gauges of the policy whose verdict was the last.
#[must_use]
pub fn exposition(state: &State, references: &References, sigmas: f64) -> String {
    let mut text = Text(String::new());
    let all = &state.totals.counts.all;
    text.family("portcullis_verdicts_total", "counter", "Verdicts by decision.");
    let released = all.rewrites + all.escalations + all.vetoes;
    for (decision, count) in [
        ("allow", all.verdicts.saturating_sub(released)),
        ("rewrite", all.rewrites),
        ("escalate", all.escalations),
        ("veto", all.vetoes),
    ] {
        text.sample("portcullis_verdicts_total", &[("decision", decision)], count);
    }
    text.family("portcullis_faults_total", "counter", "Verdicts on which something went wrong.");
    text.sample("portcullis_faults_total", &[], all.faults);
    text.family("portcullis_coverage_total", "counter", "Verdicts on texts that were not judged whole.");
    text.sample("portcullis_coverage_total", &[("coverage", "partial")], all.partial);
    text.sample("portcullis_coverage_total", &[("coverage", "none")], all.uncovered);
    text.family("portcullis_rule_verdicts_total", "counter", "Verdicts in which the rule applied.");
    for (rule, count) in &state.totals.counts.rules {
        text.sample("portcullis_rule_verdicts_total", &[("rule", rule)], count);
    }
    text.family(
        "portcullis_slice_verdicts_total",
        "counter",
        "Verdicts by data slice and whether it is a veto.",
    );
    for (slice, all) in &state.totals.counts.slices {
        let rest = all.verdicts.saturating_sub(all.vetoes);
        text.sample("portcullis_slice_verdicts_total", &[("slice", slice), ("vetoed", "false")], rest);
        text.sample("portcullis_slice_verdicts_total", &[("slice", slice), ("vetoed", "true")], all.vetoes);
    }
    duration(&mut text, &state.totals.counts.latency, state.totals.latency_us);
    text.family("portcullis_alerts_total", "counter", "Alerts raised, by indicator.");
    for (indicator, count) in &state.totals.alerts {
        text.sample("portcullis_alerts_total", &[("indicator", indicator)], count);
    }
    text.family("portcullis_rollbacks_total", "counter", "Policies that the monitor rolled back.");
    text.sample("portcullis_rollbacks_total", &[], state.totals.rollbacks);
    text.family("portcullis_watch_created_seconds", "gauge", "When counting began, in seconds since 1970.");
    text.sample("portcullis_watch_created_seconds", &[], state.totals.since);
    let Some(watch) = state.newest() else { return text.0 };

    text.family("portcullis_policy_info", "gauge", "The policy whose verdict was the last; always 1.");
    let policy = watch.policy();
    let labels = [("id", &*policy.id), ("version", &*policy.version), ("digest", &*policy.digest)];
    text.sample("portcullis_policy_info", &labels, 1);
    text.family("portcullis_window_verdicts", "gauge", "Verdicts in the window.");
    let windows = watch.counts();
    for (window, counts) in &windows {
        text.sample("portcullis_window_verdicts", &[("window", window)], counts.all.verdicts);
    }
    let help = "Share of the window's verdicts, and the ends of its interval.";
    text.family("portcullis_window_rate", "gauge", help);
    for (window, counts) in &windows {
        for (kind, events) in RATES {
            let rate = counts.rate(events(&counts.all), sigmas);
            for (bound, value) in [("value", rate.value), ("low", rate.low), ("high", rate.high)] {
                let labels = [("window", *window), ("kind", kind), ("bound", bound)];
                text.sample("portcullis_window_rate", &labels, value);
            }
        }
    }
    text.family(
        "portcullis_drift_psi",
        "gauge",
        "Population stability index of a signal against its reference.",
    );
    if watch.references() == references.id() {
        for (window, counts) in &windows {
            for found in drift::all(references, counts) {
                let labels = [("window", *window), ("signal", &*found.signal)];
                text.sample("portcullis_drift_psi", &labels, found.psi);
            }
        }
    }
    text.family("portcullis_alert_active", "gauge", "1 for every alert that is there.");
    for alert in watch.alerts() {
        let subject = alert.subject.as_deref().unwrap_or_default();
        let side = format!("{:?}", alert.side).to_lowercase();
        let labels = [("indicator", &*alert.indicator), ("subject", subject), ("side", &*side)];
        text.sample("portcullis_alert_active", &labels, 1);
    }
    text.0
}

/// The histogram of times. Bins that straddle a bucket's bound count as slower than it.
fn duration(text: &mut Text, latency: &Latency, sum_us: u64) {
    const NAME: &str = "portcullis_verdict_duration_seconds";
    text.family(NAME, "histogram", "Time from a request to its verdict.");
    for bound in BUCKETS {
        let within = latency.bins().filter(|(upper, _)| *upper <= bound * 1e6).map(|(_, count)| count);
        let label = bound.to_string();
        text.sample(&format!("{NAME}_bucket"), &[("le", &label)], within.sum::<u64>());
    }
    text.sample(&format!("{NAME}_bucket"), &[("le", "+Inf")], latency.total());
    text.sample(&format!("{NAME}_sum"), &[], sum_us as f64 / 1e6);
    text.sample(&format!("{NAME}_count"), &[], latency.total());
}

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // A String takes any text.
        _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (place, (label, value)) in labels.iter().enumerate() {
            self.0.push(if place == 0 { '{' } else { ',' });
            _ = write!(self.0, "{label}=\"{}\"", escaped(value));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        _ = writeln!(self.0, " {value}");
    }
}

/// A label's value as the format writes it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
