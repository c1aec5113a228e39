//! The watch as a function of its verdicts, and the monitor with its files.

mod disk;
mod exposition;
mod rollback;

use std::sync::Arc;

use portcullis_calibration::Reference;
use proptest::prelude::*;

use super::*;
use crate::installation::MonitorSettings;
use crate::verdict::{Coverage, Decision, PolicyRef};

pub(super) fn policy() -> PolicyRef {
    PolicyRef { id: "p".into(), version: "1.0.0".into(), digest: "ab".repeat(32) }
}

const BEGIN: i64 = 1_900_000_000;

fn references() -> Arc<References> {
    let scores: Vec<f32> = (0..1000u16).map(|row| f32::from(row) / 1000.0).collect();
    Arc::new(References::new(vec![Reference::of_sample("toxicity", &scores).unwrap()]))
}

/// Verdict number `number`, one a second; every `every`th is a veto by one of two rules.
fn verdict(number: u64, every: u64, references: &Arc<References>) -> Observation {
    let mut observation = Observation::new(BEGIN + number as i64, &policy(), "m/c", references);
    observation.latency_us = 800 + number % 100;
    observation.slice = Some(if number.is_multiple_of(3) { "a" } else { "b" }.to_owned());
    if number.is_multiple_of(every) {
        observation.decision = Decision::Veto;
        observation.rules = vec![format!("rule{}", number % 2)];
    }
    let score = (number * 7919 % 1000) as f32 / 1000.0;
    observation.measure(|_| Some(score));
    observation
}

fn settings() -> MonitorSettings {
    MonitorSettings { window_verdicts: 1000, window: 600, min_verdicts: 50, ..MonitorSettings::default() }
}

fn bounds<'a>(settings: &'a MonitorSettings, references: &'a References) -> Bounds<'a> {
    Bounds { settings, rollback: None, baseline: None, references }
}

/// What changes while these verdicts come, with the number of the verdict.
fn watch_over(
    watch: &mut Watch,
    verdicts: impl Iterator<Item = Observation>,
    bounds: &Bounds<'_>,
) -> Vec<(usize, Change)> {
    let mut changes = Vec::new();
    for (number, observation) in verdicts.enumerate() {
        if watch.record(&observation) {
            changes.extend(watch.evaluate(bounds).into_iter().map(|change| (number, change)));
        }
    }
    changes
}

fn baseline(counts: &Counts, references: &[Reference]) -> Baseline {
    let at = String::from("2030-03-17T17:46:40Z");
    let taken = Taken {
        by: "a test",
        taken: at.clone(),
        from: at.clone(),
        to: at,
        policy: policy().digest,
        model: "m/c".into(),
    };
    Baseline::new(taken, counts, references)
}

/// The baseline of a thousand verdicts of which every `every`th is a veto.
fn usual(every: u64) -> Baseline {
    let references = references();
    let mut state = State::default();
    for number in 0..5000 {
        state.record(&verdict(number, every, &references), &settings());
    }
    baseline(&state.totals.counts, references.list())
}

#[test]
fn windows_hold_what_they_say() {
    let (references, settings) = (references(), settings());
    let mut watch = Watch::new(&verdict(0, 10, &references), &settings);
    for number in 0..5000 {
        watch.record(&verdict(number, 10, &references));
    }
    let [(_, short), (_, long), (_, timed)] = watch.counts();
    assert!((100..=150).contains(&short.all.verdicts), "{}", short.all.verdicts);
    assert!((1000..=1050).contains(&long.all.verdicts), "{}", long.all.verdicts);
    assert!((590..=600).contains(&timed.all.verdicts), "{}", timed.all.verdicts);
    assert_eq!(long.all.vetoes, long.all.verdicts / 10);
    assert_eq!(long.rules.values().sum::<u64>(), long.all.vetoes);
    assert_eq!(long.slices.values().map(|slice| slice.verdicts).sum::<u64>(), long.all.verdicts);
    assert_eq!(long.signals[0].iter().sum::<u64>(), long.all.verdicts);
    assert_eq!(long.latency.total(), long.all.verdicts);
    let p50 = long.latency.quantile(0.5).unwrap();
    assert!((850.0..1100.0).contains(&p50), "{p50}");
}

#[test]
fn a_clock_may_go_back() {
    let (references, settings) = (references(), settings());
    let mut watch = Watch::new(&verdict(0, 10, &references), &settings);
    for number in 0..100 {
        watch.record(&verdict(number, 10, &references));
    }
    // A little: as of the newest time.
    watch.record(&verdict(50, 10, &references));
    assert_eq!(watch.latest(), Some(BEGIN + 99));
    assert_eq!(watch.counts()[2].1.all.verdicts, 101);
    // Far: the window by time begins anew, that by count goes on.
    let mut early = verdict(0, 10, &references);
    early.time = BEGIN - 100_000;
    watch.record(&early);
    assert_eq!((watch.latest(), watch.counts()[2].1.all.verdicts), (Some(BEGIN - 100_000), 1));
    assert_eq!(watch.counts()[1].1.all.verdicts, 102);
}

#[test]
fn slices_and_rules_are_bounded() {
    let (references, settings) = (references(), settings());
    let mut watch = Watch::new(&verdict(0, 10, &references), &settings);
    for number in 0..900 {
        let mut observation = verdict(number, 10, &references);
        observation.slice = Some(format!("slice {number}"));
        observation.rules = vec![format!("rule {number}"), "x".repeat(100)];
        watch.record(&observation);
    }
    let long = &watch.counts()[1].1;
    assert_eq!((long.slices.len(), long.rules.len()), (33, 257));
    assert_eq!(long.slices[OTHER].verdicts, 900 - 32);
    assert!(long.rules[OTHER] >= 900);
}

#[test]
fn an_alert_comes_once_and_goes_when_it_is_over() {
    let (references, settings) = (references(), settings());
    let mut watch = Watch::new(&verdict(0, 10, &references), &settings);
    let own = bounds(&settings, &references);
    // Ten in a hundred are far from half.
    assert_eq!(watch_over(&mut watch, (0..1000).map(|n| verdict(n, 10, &references)), &own), []);
    let changes = watch_over(&mut watch, (1000..3000).map(|n| verdict(n, 1, &references)), &own);
    let [(at, Change::Raised(alert))] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((&*alert.indicator, alert.side, &*alert.window), ("veto_rate", Side::Above, "short"));
    assert!(*at < 150 && alert.value > 0.5, "{at} {alert:?}");
    assert_eq!(watch.alerts(), std::slice::from_ref(alert));
    // It is over when all windows say so: the longest has a thousand verdicts.
    let changes = watch_over(&mut watch, (3000..6000).map(|n| verdict(n, 10, &references)), &own);
    let [(at, Change::Cleared(_))] = &changes[..] else { panic!("{changes:?}") };
    assert!((600..1100).contains(at), "{at}");
    assert_eq!(watch.alerts(), []);
}

#[test]
fn an_alert_that_is_over_waits_before_it_comes_again() {
    let references = references();
    let settings = MonitorSettings { cooldown: 100_000, ..settings() };
    let mut watch = Watch::new(&verdict(0, 10, &references), &settings);
    let own = bounds(&settings, &references);
    // Bad and good in turns of 1,500.
    let turns =
        (0..12_000).map(|n| verdict(n, if (n / 1500).is_multiple_of(2) { 1 } else { 10 }, &references));
    let changes = watch_over(&mut watch, turns, &own);
    assert_eq!(changes.len(), 2, "{changes:?}");
}

#[test]
fn few_verdicts_say_nothing() {
    let (references, settings) = (references(), settings());
    let mut watch = Watch::new(&verdict(0, 10, &references), &settings);
    let changes =
        watch_over(&mut watch, (0..49).map(|n| verdict(n, 1, &references)), &bounds(&settings, &references));
    assert_eq!(changes, []);
}

#[test]
fn rates_are_held_against_the_baseline() {
    let (references, settings) = (references(), settings());
    let indicators = |before: u64, every: u64| {
        let before = usual(before);
        let own = Bounds { baseline: Some(&before), ..bounds(&settings, &references) };
        let mut watch = Watch::new(&verdict(0, 10, &references), &settings);
        let changes = watch_over(&mut watch, (0..3000).map(|n| verdict(n, every, &references)), &own);
        let mut found: Vec<String> =
            changes.into_iter().map(|(_, change)| change.alert().indicator.clone()).collect();
        found.sort();
        found.dedup();
        found
    };
    assert_eq!(indicators(50, 50), [""; 0]);
    assert_eq!(indicators(50, 6), ["rule_rate", "slice_veto_rate", "veto_rate"]);
    // Nothing is vetoed any more.
    assert!(indicators(10, 1 << 40).contains(&"veto_rate".to_owned()));
}

#[test]
fn drift_is_told_and_is_an_alert_with_a_baseline() {
    let (references, settings, before) = (references(), settings(), usual(50));
    let moved = |n: u64| {
        let mut observation = verdict(n, 50, &references);
        observation.measure(|_| Some(0.9 + (n % 100) as f32 / 1000.0));
        observation
    };
    let alerts = |own: &Bounds<'_>, settings: &MonitorSettings| {
        let mut watch = Watch::new(&verdict(0, 10, &references), settings);
        watch_over(&mut watch, (0..1000).map(moved), own)
            .into_iter()
            .map(|(_, change)| change)
            .collect::<Vec<_>>()
    };
    let own = bounds(&settings, &references);
    assert_eq!(alerts(&own, &settings), []);
    let found = alerts(&Bounds { baseline: Some(&before), ..own }, &settings);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&*found[0].alert().indicator, found[0].alert().subject.as_deref()),
        ("drift", Some("toxicity"))
    );
    let told = MonitorSettings { alert_on_calibration_drift: true, ..settings.clone() };
    assert_eq!(alerts(&bounds(&told, &references), &told).len(), 1);
    // A baseline of another model is none.
    let mut other = before;
    other.model = "other".into();
    assert_eq!(alerts(&Bounds { baseline: Some(&other), ..own }, &settings), []);
}

#[test]
fn latency_is_held_against_the_baseline() {
    let (references, settings, before) = (references(), settings(), usual(50));
    let own = Bounds { baseline: Some(&before), ..bounds(&settings, &references) };
    let mut watch = Watch::new(&verdict(0, 10, &references), &settings);
    let slow = |n: u64| {
        let mut observation = verdict(n, 50, &references);
        observation.latency_us *= 5;
        observation
    };
    let changes = watch_over(&mut watch, (0..1000).map(slow), &own);
    let mut found: Vec<&str> = changes.iter().map(|(_, change)| &*change.alert().indicator).collect();
    found.sort_unstable();
    assert_eq!(found, ["latency_p50", "latency_p99"]);
}

#[test]
fn faults_and_texts_not_judged_are_counted() {
    let (references, settings) = (references(), settings());
    let mut watch = Watch::new(&verdict(0, 10, &references), &settings);
    let bad = |n: u64| {
        let mut observation = verdict(n, 1 << 40, &references);
        observation.fault = n.is_multiple_of(4);
        observation.coverage = if observation.fault { Coverage::None } else { Coverage::Full };
        observation
    };
    let changes = watch_over(&mut watch, (0..500).map(bad), &bounds(&settings, &references));
    let [(_, Change::Raised(alert))] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(alert.indicator, "fault_rate");
    let long = &watch.counts()[1].1;
    assert_eq!((long.all.faults, long.all.uncovered, long.all.partial), (125, 125, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A watch that was written and read in between says the same, and holds no more than its windows.
    #[test]
    fn a_watch_survives_a_restart(
        verdicts in prop::collection::vec((0i64..50, any::<bool>(), 0u8..5, 0.0f32..1.0), 1..400),
        at in any::<prop::sample::Index>(),
    ) {
        let (references, settings) = (references(), settings());
        let own = bounds(&settings, &references);
        let mut time = BEGIN;
        let observations: Vec<Observation> = verdicts.iter().map(|(later, veto, slice, score)| {
            time += later - 5;
            let mut observation = Observation::new(time, &policy(), "m/c", &references);
            observation.slice = Some(slice.to_string());
            observation.decision = if *veto { Decision::Veto } else { Decision::Allow };
            observation.measure(|_| Some(*score));
            observation
        }).collect();
        let mut whole = Watch::new(&observations[0], &settings);
        let all = watch_over(&mut whole, observations.iter().cloned(), &own);
        let split = at.index(observations.len());
        let mut parted = Watch::new(&observations[0], &settings);
        let mut changes = watch_over(&mut parted, observations[..split].iter().cloned(), &own);
        let mut parted: Watch = serde_json::from_slice(&serde_json::to_vec(&parted).unwrap()).unwrap();
        let later = watch_over(&mut parted, observations[split..].iter().cloned(), &own);
        changes.extend(later.into_iter().map(|(number, change)| (number + split, change)));
        prop_assert_eq!(serde_json::to_string(&whole).unwrap(), serde_json::to_string(&parted).unwrap());
        prop_assert_eq!(all, changes);
        for (_, counts) in whole.counts() {
            prop_assert!(counts.all.verdicts <= observations.len() as u64);
        }
    }

    /// Bins of times are in order, and no time is above its bin.
    #[test]
    fn times_are_within_their_bins(micros in 0u64..100_000_000) {
        let mut latency = Latency::default();
        latency.record(micros);
        let bound = latency.quantile(1.0).unwrap();
        prop_assert!(bound >= micros as f64 || bound == 16_777_216.0, "{} {}", micros, bound);
        prop_assert!(micros > 16_777_216 || bound <= (micros.max(1) as f64) * 1.19, "{} {}", micros, bound);
        prop_assert_eq!(latency.slower_than(bound), 0);
    }
}
