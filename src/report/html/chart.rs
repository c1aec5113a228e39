//! Charts as SVG. Their colours are few and fixed, so that the page's style sheet can turn each into one for light or dark.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::super::Rate;
use super::PageError;

pub(super) const VETO: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub(super) const ESCALATE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
pub(super) const REWRITE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(super) const ALLOW: RGBColor = RGBColor(0x99, 0x99, 0x99);
const GREY: RGBColor = RGBColor(0x78, 0x78, 0x78);
const GRID: RGBColor = RGBColor(0xE4, 0xE4, 0xE4);
/// The size of a chart across the page.
pub(super) const LARGE: (u32, u32) = (900, 300);
/// The size of one of two charts side by side.
pub(super) const SMALL: (u32, u32) = (560, 300);
/// Longest name beside a bar, in characters.
const NAME: usize = 28;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A line: its colour, and its value in each period where it has one.
pub(super) struct Line {
    pub(super) class: RGBColor,
    pub(super) points: Vec<Option<f64>>,
}

/// Lines over periods with these labels; a line is broken where it has no value.
pub(super) fn lines(
    what: &'static str,
    size: (u32, u32),
    labels: &[String],
    lines: &[Line],
) -> Result<String, PageError> {
    let most = lines.iter().flat_map(|line| line.points.iter().flatten()).fold(0.0_f64, |a, b| a.max(*b));
    let top = if most > 0.0 { 1.1 * most } else { 1.0 };
    svg(what, size, |area| {
        let mut chart = axes(area, labels, top)?;
        for line in lines {
            for run in runs(&line.points) {
                if let [point] = run.as_slice() {
                    chart.draw_series([Circle::new(*point, 3, line.class.filled())]).map_err(text)?;
                } else {
                    chart.draw_series(LineSeries::new(run, line.class.stroke_width(2))).map_err(text)?;
                }
            }
        }
        Ok(())
    })
}

/// A bar for each period, of four parts from the bottom up: veto, escalate, rewrite, allow.
pub(super) fn stacks(
    what: &'static str,
    labels: &[String],
    stacks: &[[u64; 4]],
) -> Result<String, PageError> {
    let most = stacks.iter().map(|stack| stack.iter().sum::<u64>()).max().unwrap_or(0);
    svg(what, SMALL, |area| {
        let mut chart = axes(area, labels, (most.max(1) as f64) * 1.05)?;
        for (at, stack) in stacks.iter().enumerate() {
            let mut bottom = 0.0;
            for (n, colour) in stack.iter().zip([VETO, ESCALATE, REWRITE, ALLOW]) {
                let top = bottom + *n as f64;
                if *n > 0 {
                    let corners = [(at as f64 - 0.4, bottom), (at as f64 + 0.4, top)];
                    chart.draw_series([Rectangle::new(corners, colour.filled())]).map_err(text)?;
                }
                bottom = top;
            }
        }
        Ok(())
    })
}

/// A dot with its interval for each name, in percent.
pub(super) fn intervals(what: &'static str, rows: &[(String, Rate)]) -> Result<String, PageError> {
    let most = rows.iter().filter_map(|(_, rate)| rate.high).fold(0.0_f64, f64::max);
    let (n, top) = (rows.len(), (if most > 0.0 { 105.0 * most } else { 1.0 }).min(100.0));
    let height = 56 + 26 * u32::try_from(n).unwrap_or(u32::MAX).min(100);
    svg(what, (900, height), |area| {
        let mut builder = ChartBuilder::on(area);
        builder.margin(8).margin_right(24).x_label_area_size(28).y_label_area_size(230);
        let mut chart = builder.build_cartesian_2d(0.0..top, -0.5..n as f64 - 0.5).map_err(text)?;
        let name = |y: &f64| {
            let at = n as f64 - 1.0 - y;
            let whole = (at - at.round()).abs() < 1e-6 && at >= 0.0;
            let row = whole.then(|| rows.get(at as usize)).flatten();
            row.map_or_else(String::new, |(name, _)| shortened(name) + "\u{a0}\u{a0}")
        };
        chart
            .configure_mesh()
            .x_labels(8)
            .y_labels(2 * n + 1)
            .x_label_formatter(&|x| format!("{}%", trimmed(*x)))
            .y_label_formatter(&name)
            .disable_y_mesh()
            .set_tick_mark_size(LabelAreaPosition::Left, 0)
            .axis_style(GREY)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .label_style(("sans-serif", 15))
            .draw()
            .map_err(text)?;
        for (at, (_, rate)) in rows.iter().enumerate() {
            let y = n as f64 - 1.0 - at as f64;
            let (Some(value), Some(low), Some(high)) = (rate.value, rate.low, rate.high) else { continue };
            let line = [(100.0 * low, y), (100.0 * high, y)];
            chart.draw_series([PathElement::new(line, REWRITE.stroke_width(2))]).map_err(text)?;
            chart.draw_series([Circle::new((100.0 * value, y), 5, REWRITE.filled())]).map_err(text)?;
        }
        Ok(())
    })
}

fn svg(
    what: &'static str,
    size: (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Result<(), String>,
) -> Result<String, PageError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area)
            .and_then(|()| area.present().map_err(text))
            .map_err(|why| PageError::Draw { what, why })?;
    }
    Ok(svg)
}

type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

fn axes<'a, 'b>(area: &'a Area<'b>, labels: &[String], top: f64) -> Result<Chart<'a, 'b>, String> {
    let last = labels.len().saturating_sub(1) as f64;
    let mut builder = ChartBuilder::on(area);
    builder.margin(8).margin_right(40).x_label_area_size(30).y_label_area_size(64);
    let mut chart = builder.build_cartesian_2d(-0.5..last + 0.5, 0.0..top).map_err(text)?;
    let label = |x: &f64| {
        let whole = (x - x.round()).abs() < 1e-6 && *x >= 0.0;
        whole.then(|| labels.get(*x as usize)).flatten().cloned().unwrap_or_default()
    };
    chart
        .configure_mesh()
        .x_labels(if area.dim_in_pixel().0 < LARGE.0 { 4 } else { 7 })
        .y_labels(6)
        .x_label_formatter(&label)
        .y_label_formatter(&|y| trimmed(*y))
        .disable_x_mesh()
        .axis_style(GREY)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 15))
        .draw()
        .map_err(text)?;
    Ok(chart)
}

/// The stretches of neighbours that have values.
fn runs(points: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for (at, point) in points.iter().enumerate() {
        match (point, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((at as f64, *value)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}

/// A number of an axis without needless digits.
fn trimmed(value: f64) -> String {
    let text = if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.3}") };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
