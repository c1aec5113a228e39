//! How well the rail tells sentences that a source bears out from others.

use std::sync::Arc;
use std::time::Instant;

use portcullis_kernels::{Kernels, Level};
use serde_json::Value;

use super::{Compared, scan};
use crate::bundle::Bundle;
use crate::rails::classifier::ClassifierRail;
use crate::span::Span;
use crate::threads::Threads;

fn rail() -> ClassifierRail {
    let bundle = Arc::new(Bundle::embedded().unwrap());
    ClassifierRail::new(bundle, Kernels::new(Level::best()).unwrap(), Arc::new(Threads::new(1))).unwrap()
}

fn scores(rail: &ClassifierRail, text: &str, sources: &[&str]) -> Vec<(Span, f32)> {
    let sources: Vec<String> = sources.iter().map(|&source| source.to_owned()).collect();
    let mut found = Vec::new();
    assert_eq!(scan(rail, text, &sources, None, &mut found).unwrap(), Compared::Whole);
    found.iter().map(|found| (found.spans[0], found.score)).collect()
}

/// The share of pairs in which the second has the higher score.
fn auc(low: &[f32], high: &[f32]) -> f32 {
    let wins = |high: f32| low.iter().map(|low| if high > *low { 1.0 } else { 0.0 }).sum::<f32>();
    high.iter().map(|high| wins(*high)).sum::<f32>() / (low.len() * high.len()) as f32
}

/// The table of `docs/rails/grounding.md`.
#[test]
fn the_rail_is_as_good_as_documented() {
    let page = include_str!("../../../docs/rails/grounding.md");
    let pairs = include_str!("../../../tests/data/grounding.jsonl");
    let rows: Vec<Value> = pairs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rail = rail();
    let of = |key: &str, source: usize| -> Vec<f32> {
        let score = |(place, row): (usize, &Value)| -> Vec<f32> {
            let source = rows[(place + source) % rows.len()]["source"].as_str().unwrap();
            let texts = row[key].as_array().unwrap().iter();
            texts.map(|text| scores(&rail, text.as_str().unwrap(), &[source])[0].1).collect()
        };
        rows.iter().enumerate().flat_map(score).collect()
    };
    let supported = of("supported", 0);
    let mut table = String::new();
    for (kind, found) in [
        ("borne out", supported.clone()),
        ("a detail changed", of("altered", 0)),
        ("added, on the subject", of("added", 0)),
        ("of another subject", of("supported", 1)),
    ] {
        let over = |limit: f32| found.iter().filter(|score| **score >= limit).count();
        let auc = match kind {
            "borne out" => String::new(),
            _ => format!("{:.2}", auc(&supported, &found)),
        };
        table += &format!(
            "| {kind} | {} | {auc} | {} | {} | {} |\n",
            found.len(),
            over(0.15),
            over(0.2),
            over(0.25)
        );
    }
    assert!(page.contains(&table), "{table}");
}

#[test]
fn every_statement_has_a_score_and_its_place() {
    let rail = rail();
    let source = "The library opens at nine. It is closed on Sundays.";
    let text = "Sure! The library opens at nine.  Penguins live in the south.\n";
    let found = scores(&rail, text, &[source]);
    let said: Vec<&str> = found.iter().map(|(span, _)| text.get(span.start..span.end).unwrap()).collect();
    assert_eq!(said, ["The library opens at nine.", "Penguins live in the south."]);
    assert!(found[0].1 < 0.001 && found[1].1 > 0.2, "{found:?}");
    assert!(scores(&rail, text, &[source, text])[1].1 < 0.001);
    for nothing in [&[""] as &[&str], &[]] {
        assert!(scores(&rail, text, nothing).iter().all(|(_, score)| *score == 1.0));
    }
    assert_eq!(scores(&rail, "Yes. No!", &[source]), []);
}

#[test]
fn too_much_and_too_late_are_told() {
    let rail = rail();
    let many = "One two three. ".repeat(3000);
    let mut found = Vec::new();
    assert_eq!(scan(&rail, &many, std::slice::from_ref(&many), None, &mut found).unwrap(), Compared::TooMany);
    let now = Some(Instant::now());
    assert_eq!(scan(&rail, "One two three.", &[many], now, &mut found).unwrap(), Compared::Late);
    assert_eq!(found, []);
}
