//! Plots: whole SVG documents, the same each time, with labels and escaped text.

use portcullis_calibration::Ranking;
use portcullis_calibration::measure::{self, Bins};
use portcullis_calibration::plot::{self, LatencyLine, Named, PlotError};

fn ranking(rows: u32) -> Ranking {
    let scores: Vec<f32> = (0..rows).map(|row| ((row * 7919) % rows) as f32 / rows as f32).collect();
    let labels: Vec<bool> =
        scores.iter().enumerate().map(|(row, score)| row % 3 == 0 || *score > 0.8).collect();
    Ranking::new(&scores, &labels).unwrap()
}

/// Each plot of the same rows.
fn all(name: &str) -> Vec<String> {
    let ranking = ranking(20_000);
    let roc = measure::roc(&ranking).unwrap();
    let pr = measure::precision_recall(&ranking).unwrap();
    let reliability = measure::reliability(&ranking, Bins::EqualWidth(10)).unwrap();
    let buckets = measure::by_length(&[(10, 0.2, false), (100, 0.9, false)], Some(0.5)).unwrap();
    let points = [(8.0, 0.5), (128.0, 3.0), (512.0, 15.5)];
    vec![
        plot::roc("ROC", &[Named { name, points: &roc }]).unwrap(),
        plot::precision_recall("Precision and recall", &[Named { name, points: &pr }]).unwrap(),
        plot::reliability("Reliability", &reliability).unwrap(),
        plot::latency("Latency", &[LatencyLine { name, points: &points }]).unwrap(),
        plot::false_positives("Lengths", &[Named { name, points: &buckets }]).unwrap(),
    ]
}

#[test]
fn the_same_each_time_and_small() {
    let drawn = all("toxicity");
    assert_eq!(drawn, all("toxicity"));
    for svg in &drawn {
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.len() < 60_000, "{}", svg.len());
    }
}

#[test]
fn labels_with_units() {
    let drawn = all("toxicity");
    for (svg, label) in drawn.iter().zip([
        "False positive rate (share of negatives)",
        "Precision (share of flagged)",
        "Rows per bin",
        "Latency (ms)",
        "False positive rate (share of negatives)",
    ]) {
        assert!(svg.contains(label), "{label}");
    }
}

#[test]
fn text_is_escaped() {
    for svg in all("<script>&\"") {
        assert!(!svg.contains("<script"));
    }
}

#[test]
fn refusals() {
    assert_eq!(plot::roc("none", &[]), Err(PlotError::Empty));
    assert_eq!(plot::latency("none", &[LatencyLine { name: "p50", points: &[] }]), Err(PlotError::Empty));
    let unmeasured = measure::by_length(&[(10, 0.2, false)], None).unwrap();
    let found = plot::false_positives("none", &[Named { name: "toxicity", points: &unmeasured }]);
    assert_eq!(found, Err(PlotError::Empty));
    for y in [f64::NAN, f64::INFINITY, -1.0] {
        let found = plot::latency("bad", &[LatencyLine { name: "p50", points: &[(1.0, y)] }]);
        assert_eq!(found, Err(PlotError::Coordinate { line: "p50".into() }));
    }
    assert!(plot::latency("flat", &[LatencyLine { name: "p50", points: &[(0.0, 0.0)] }]).is_ok());
}
