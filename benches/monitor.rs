//! What the monitor adds to a verdict: taking up a record, counting it, and looking at the limits.
#![expect(clippy::expect_used, reason = "a benchmark without its folder cannot go on")]

use criterion::{Criterion, criterion_group, criterion_main};
use portcullis::installation::{Installation, MonitorSettings};
use portcullis::monitor::{Bounds, Monitor, Observation, References, State};
use portcullis::record::DecisionRecord;
use portcullis::{Coverage, Decision, Finding, PolicyRef, Role, Source, Timing};
use portcullis_calibration::Reference;
use std::sync::Arc;

const HEADS: usize = 14;

fn head(number: usize) -> String {
    format!("head_{number}")
}

fn references() -> Vec<Reference> {
    let scores: Vec<f32> = (0..1000u16).map(|row| f32::from(row) / 1000.0).collect();
    (0..HEADS).filter_map(|number| Reference::of_sample(&head(number), &scores)).collect()
}

/// A record of the default policy's size, with one finding.
fn record() -> DecisionRecord {
    let finding = Finding {
        rule: "pii.email".into(),
        category: "pii".into(),
        score: 1.0,
        threshold: 0.5,
        spans: Vec::new(),
        source: Source::Pattern,
        action: Decision::Rewrite,
        via: Vec::new(),
        place: None,
    };
    let template = serde_json::json!({
        "decision_id": "0".repeat(32), "time": "2030-03-17T17:46:40.123456Z", "role": Role::User,
        "text_digest": "0".repeat(64), "text_bytes": 300, "decision": Decision::Rewrite, "findings": [finding],
        "scores": (0..HEADS).map(|number| (head(number), 0.25)).collect::<std::collections::BTreeMap<_, _>>(),
        "thresholds": {}, "coverage": Coverage::Full,
        "policy": PolicyRef { id: "default".into(), version: "1.0.0".into(), digest: "0".repeat(64) },
        "model": {"id": "m", "digest": "0".repeat(64)}, "calibration": "0".repeat(64), "slice": "a",
        "timing_us": Timing { total: 900, ..Timing::default() },
    });
    serde_json::from_value(template).expect("a record")
}

fn monitor(criterion: &mut Criterion) {
    let (record, list) = (record(), references());
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Installation::default();
    let mut group = criterion.benchmark_group("monitor");
    let monitor = Monitor::open(folder.path(), &settings, "m/c", &list).expect("a monitor");
    group.bench_function("observe", |bencher| bencher.iter(|| monitor.observe(&record, None, None)));
    drop(monitor);

    let references = Arc::new(References::new(list));
    let observation = Observation::of(&record, None, &references);
    let settings = MonitorSettings::default();
    let mut state = State::default();
    group.bench_function("count", |bencher| bencher.iter(|| state.record(&observation, &settings).1));
    let bounds = Bounds { settings: &settings, rollback: None, baseline: None, references: &references };
    for _ in 0..20_000 {
        state.record(&observation, &settings);
    }
    group.bench_function("limits, once in 32 verdicts", |bencher| {
        bencher.iter(|| state.record(&observation, &settings).0.evaluate(&bounds));
    });
    group.finish();
}

criterion_group!(benches, monitor);
criterion_main!(benches);
