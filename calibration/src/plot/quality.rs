//! Plots of judgement: ROC, precision and recall, reliability.

use plotters::prelude::*;

use super::PlotError;
use super::canvas::{self, Axis, Line};
use crate::measure::{OperatingPoint, PrecisionRecallPoint, Reliability};

/// Points with the name that the legend gives them.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a, T> {
    /// The name in the legend.
    pub name: &'a str,
    /// The points, in order.
    pub points: &'a [T],
}

/// The ROC curves of some heads or slices, with the diagonal of chance.
///
/// # Errors
///
/// When there is no point or a coordinate is not a finite number of at least 0.
///
/// # Example
///
/// ```
/// use portcullis_calibration::{Ranking, measure, plot};
///
/// let points = measure::roc(&Ranking::new(&[0.9, 0.4, 0.2], &[true, true, false])?)?;
/// let svg = plot::roc("Validation", &[plot::Named { name: "toxicity", points: &points }])?;
/// assert!(svg.starts_with("<svg"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn roc(title: &str, curves: &[Named<'_, OperatingPoint>]) -> Result<String, PlotError> {
    let lines: Vec<Line<'_>> = curves
        .iter()
        .map(|curve| Line {
            name: curve.name,
            points: curve.points.iter().map(|point| (point.fpr, point.recall)).collect(),
        })
        .collect();
    let labels = ("False positive rate (share of negatives)", "Recall (share of positives)");
    unit_square(title, labels, &lines, SeriesLabelPosition::LowerRight, true)
}

/// The precision–recall curves of some heads or slices.
///
/// # Errors
///
/// When there is no point or a coordinate is not a finite number of at least 0.
pub fn precision_recall(
    title: &str,
    curves: &[Named<'_, PrecisionRecallPoint>],
) -> Result<String, PlotError> {
    let lines: Vec<Line<'_>> = curves
        .iter()
        .map(|curve| Line {
            name: curve.name,
            points: curve.points.iter().map(|point| (point.recall, point.precision)).collect(),
        })
        .collect();
    let labels = ("Recall (share of positives)", "Precision (share of flagged)");
    unit_square(title, labels, &lines, SeriesLabelPosition::LowerLeft, false)
}

/// The reliability diagram: the positive rate against the mean score of each bin, above the number of rows per bin.
///
/// # Errors
///
/// When there is no bin or a coordinate is not a finite number of at least 0.
pub fn reliability(title: &str, reliability: &Reliability) -> Result<String, PlotError> {
    let points = reliability.bins.iter().map(|bin| (bin.mean_score, bin.positive_rate)).collect();
    let name = format!("observed, ECE {:.4}", reliability.ece);
    let line = Line { name: &name, points };
    canvas::check(std::slice::from_ref(&line))?;
    let most = reliability.bins.iter().map(|bin| bin.rows).max().unwrap_or(1) as f64;
    canvas::svg(|area| {
        let (upper, lower) = area.split_vertically(325);
        let score = "Mean calibrated score (probability)";
        let mut chart = canvas::chart(
            &upper,
            Some(title),
            &Axis { label: score, end: 1.0 },
            &Axis { label: "Positive rate (share of rows)", end: 1.0 },
        )?;
        diagonal(&mut chart)?;
        canvas::lines(&mut chart, std::slice::from_ref(&line), (1.0, 1.0), SeriesLabelPosition::UpperLeft)?;
        let dots = line.points.iter().map(|&point| Circle::new(point, 3, canvas::colour(0).filled()));
        chart.draw_series(dots).map_err(canvas::refused)?;

        let mut counts = canvas::chart(
            &lower,
            None,
            &Axis { label: "Calibrated score (probability)", end: 1.0 },
            &Axis { label: "Rows per bin", end: most * 1.05 },
        )?;
        for style in [canvas::colour(0).mix(0.6).filled(), WHITE.stroke_width(1)] {
            let bars = reliability.bins.iter().map(|bin| {
                // A bin of tied scores has no width; a hair keeps it visible.
                let high = bin.high.max(bin.low + 0.003).min(1.0);
                let low = bin.low.min(high - 0.003);
                Rectangle::new([(low, 0.0), (high, bin.rows as f64)], style)
            });
            counts.draw_series(bars).map_err(canvas::refused)?;
        }
        Ok(())
    })
}

fn unit_square(
    title: &str,
    (x, y): (&str, &str),
    lines: &[Line<'_>],
    corner: SeriesLabelPosition,
    chance: bool,
) -> Result<String, PlotError> {
    canvas::check(lines)?;
    canvas::svg(|area| {
        let (x, y) = (Axis { label: x, end: 1.0 }, Axis { label: y, end: 1.0 });
        let mut chart = canvas::chart(area, Some(title), &x, &y)?;
        if chance {
            diagonal(&mut chart)?;
        }
        canvas::lines(&mut chart, lines, (1.0, 1.0), corner)
    })
}

fn diagonal(chart: &mut canvas::Chart<'_>) -> Result<(), PlotError> {
    let line = DashedLineSeries::new([(0.0, 0.0), (1.0, 1.0)], 4, 4, canvas::GREY.stroke_width(1));
    chart.draw_series(line).map_err(canvas::refused)?;
    Ok(())
}
