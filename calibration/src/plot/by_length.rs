//! Plots against the length of the text: latency and false positives.

use plotters::prelude::SeriesLabelPosition;

use super::canvas::{self, Axis, Line};
use super::{Named, PlotError};
use crate::measure::LengthBucket;

/// One line of a latency plot, such as a percentile.
#[derive(Clone, Copy, Debug)]
pub struct LatencyLine<'a> {
    /// The name in the legend, such as `p99`.
    pub name: &'a str,
    /// The length in tokens and the latency in milliseconds, by rising length.
    pub points: &'a [(f64, f64)],
}

/// Latency in milliseconds against length in tokens.
///
/// # Errors
///
/// When there is no point or a coordinate is not a finite number of at least 0.
///
/// # Example
///
/// ```
/// use portcullis_calibration::plot;
///
/// let lines = [plot::LatencyLine { name: "p50", points: &[(8.0, 0.4), (128.0, 3.1), (512.0, 14.0)] }];
/// assert!(plot::latency("One thread, AVX2", &lines)?.contains("Latency (ms)"));
/// # Ok::<(), plot::PlotError>(())
/// ```
pub fn latency(title: &str, lines: &[LatencyLine<'_>]) -> Result<String, PlotError> {
    let lines: Vec<Line<'_>> =
        lines.iter().map(|line| Line { name: line.name, points: line.points.to_vec() }).collect();
    by_length(title, "Latency (ms)", &lines)
}

/// The false positive rate of some heads against the mean length of each bucket's negative rows, in tokens.
///
/// # Errors
///
/// When there is no bucket with negative rows and a threshold, or a coordinate is not a finite number of at least 0.
pub fn false_positives(title: &str, heads: &[Named<'_, LengthBucket>]) -> Result<String, PlotError> {
    let point = |bucket: &LengthBucket| Some((bucket.mean_negative_tokens?, bucket.fpr?));
    let lines: Vec<Line<'_>> = heads
        .iter()
        .map(|head| Line { name: head.name, points: head.points.iter().filter_map(point).collect() })
        .collect();
    by_length(title, "False positive rate (share of negatives)", &lines)
}

fn by_length(title: &str, label: &str, lines: &[Line<'_>]) -> Result<String, PlotError> {
    canvas::check(lines)?;
    let points = lines.iter().flat_map(|line| &line.points);
    let (x, y) = points.fold((0.0, 0.0), |(x, y), point| (point.0.max(x), point.1.max(y)));
    // An axis needs a length even where every point is zero.
    let end = |most: f64| if most > 0.0 { most * 1.05 } else { 1.0 };
    let (x, y) = (end(x), end(y));
    canvas::svg(|area| {
        let (x_axis, y_axis) = (Axis { label: "Length (tokens)", end: x }, Axis { label, end: y });
        let mut chart = canvas::chart(area, Some(title), &x_axis, &y_axis)?;
        canvas::lines(&mut chart, lines, (x, y), SeriesLabelPosition::UpperLeft)
    })
}
