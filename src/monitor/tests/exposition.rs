//! The exposition, read by a strict reader of the format.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Families by name with their type, and samples by name and labels. Panics where the text is not in the format.
fn parse(text: &str) -> (BTreeMap<String, String>, BTreeMap<String, f64>) {
    assert!(text.ends_with('\n'));
    let (mut families, mut samples) = (BTreeMap::new(), BTreeMap::new());
    let (mut helped, mut current) = (BTreeSet::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && !help.is_empty());
            assert!(helped.insert(name.to_owned()), "{name} twice");
            current = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind) && name == current);
            assert!(families.insert(name.to_owned(), kind.to_owned()).is_none());
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            let name = series.split('{').next().unwrap();
            assert!(is_name(name), "{name}");
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let family =
                family.filter(|family| families.get(*family).is_some_and(|kind| kind == "histogram"));
            // Samples follow the head of their family.
            assert_eq!(family.unwrap_or(name), current);
            if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
                check_labels(labels.strip_prefix('{').unwrap().strip_suffix('}').unwrap());
            }
            let kind = &families[&current];
            if kind == "counter" {
                assert!(name.ends_with("_total") && value >= 0.0 && value.fract() == 0.0);
            }
            assert!(samples.insert(series.to_owned(), value).is_none(), "{series} twice");
        }
    }
    (families, samples)
}

fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with("portcullis_") && name.chars().all(word)
}

/// `name="value",…` with escapes of `\`, `"` and line feeds only.
fn check_labels(mut text: &str) {
    let mut seen = BTreeSet::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").unwrap();
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_') && seen.insert(name), "{name}");
        let mut escaped = false;
        let end = rest.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            assert!(!escaped || ['\\', '"', 'n'].contains(c));
            escaped = *c == '\\' && !escaped;
            ends
        });
        let (at, _) = end.unwrap();
        text = rest.split_at(at + 1).1;
        text = text.strip_prefix(',').unwrap_or(text);
    }
}

#[test]
fn the_text_is_in_the_format() {
    let (references, settings) = (references(), settings());
    let mut state = State::default();
    parse(&exposition(&state, &references, 4.0));
    for number in 0..2000 {
        let mut observation = verdict(number, 5, &references);
        observation.slice = Some("a \"strange\\ slice\nover two lines}, {".to_owned());
        observation.fault = number.is_multiple_of(100);
        let (watch, due) = state.record(&observation, &settings);
        if due {
            let own = MonitorSettings { veto_rate_above: 0.1, ..settings.clone() };
            watch.evaluate(&bounds(&own, &references));
        }
    }
    let (families, samples) = parse(&exposition(&state, &references, 4.0));
    assert_eq!(families["portcullis_verdict_duration_seconds"], "histogram");
    assert_eq!(samples["portcullis_verdicts_total{decision=\"veto\"}"], 400.0);
    assert_eq!(samples["portcullis_verdicts_total{decision=\"allow\"}"], 1600.0);
    assert_eq!(samples["portcullis_faults_total"], 20.0);
    assert_eq!(samples["portcullis_verdict_duration_seconds_count"], 2000.0);
    assert_eq!(samples["portcullis_verdict_duration_seconds_bucket{le=\"+Inf\"}"], 2000.0);
    assert_eq!(samples["portcullis_rule_verdicts_total{rule=\"rule0\"}"], 200.0);
    let low = samples["portcullis_window_rate{window=\"long\",kind=\"veto\",bound=\"low\"}"];
    assert!((0.1..0.2).contains(&low), "{low}");
    assert!(samples.keys().any(|name| name.starts_with("portcullis_alert_active{indicator=\"veto_rate\"")));
    // A histogram's buckets rise.
    let mut last = 0.0;
    for bound in ["0.0001", "0.0005", "0.001", "0.0025", "0.01", "1", "5", "+Inf"] {
        let count = samples[&format!("portcullis_verdict_duration_seconds_bucket{{le=\"{bound}\"}}")];
        assert!(count >= last, "{bound}");
        last = count;
    }
}
