//! The common look of all plots: size, colours, grid, lines and legend.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::PlotError;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

pub(super) const GREY: RGBColor = RGBColor(120, 120, 120);
const GRID: RGBColor = RGBColor(228, 228, 228);
const SIZE: (u32, u32) = (720, 480);
/// Okabe and Ito's colours, which stay apart for colour-blind readers, with a darker black; then five more.
const COLOURS: [RGBColor; 12] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(70, 70, 70),
    RGBColor(136, 34, 85),
    RGBColor(148, 103, 40),
    RGBColor(150, 190, 60),
    RGBColor(90, 60, 160),
    RGBColor(0, 110, 110),
];
/// Points closer than this share of the axis on both axes are drawn as one.
const RESOLUTION: f64 = 0.0007;

/// The axes of a chart: a description and the upper end, from 0.
pub(super) struct Axis<'a> {
    pub(super) label: &'a str,
    pub(super) end: f64,
}

/// A line with a name.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) points: Vec<(f64, f64)>,
}

/// The colour of the line with this index; they repeat after twelve.
pub(super) fn colour(index: usize) -> RGBColor {
    COLOURS.get(index % COLOURS.len()).copied().unwrap_or(GREY)
}

/// Draws a whole SVG with `draw`.
pub(super) fn svg(draw: impl FnOnce(&Area<'_>) -> Result<(), PlotError>) -> Result<String, PlotError> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(refused)?;
        draw(&area)?;
        area.present().map_err(refused)?;
    }
    Ok(text)
}

/// A chart with a title, a light grid and labelled axes that start at 0.
pub(super) fn chart<'a>(
    area: &Area<'a>,
    title: Option<&str>,
    x: &Axis<'_>,
    y: &Axis<'_>,
) -> Result<Chart<'a>, PlotError> {
    let mut builder = ChartBuilder::on(area);
    builder.margin(12).margin_right(24).x_label_area_size(42).y_label_area_size(58);
    if let Some(title) = title {
        builder.caption(title, ("sans-serif", 20));
    }
    let mut chart = builder.build_cartesian_2d(0.0..x.end, 0.0..y.end).map_err(refused)?;
    chart
        .configure_mesh()
        .x_labels(6)
        .y_labels(area.dim_in_pixel().1 as usize / 50)
        .x_desc(x.label)
        .y_desc(y.label)
        .x_label_formatter(&tick)
        .y_label_formatter(&tick)
        .axis_style(GREY)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .draw()
        .map_err(refused)?;
    Ok(chart)
}

/// Draws the lines with a legend in the given corner.
pub(super) fn lines(
    chart: &mut Chart<'_>,
    lines: &[Line<'_>],
    ends: (f64, f64),
    corner: SeriesLabelPosition,
) -> Result<(), PlotError> {
    for (index, line) in lines.iter().enumerate() {
        let colour = colour(index);
        chart
            .draw_series(LineSeries::new(thinned(&line.points, ends), colour.stroke_width(2)))
            .map_err(refused)?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(corner)
        .background_style(WHITE)
        .border_style(GRID)
        .label_font(("sans-serif", 13))
        .draw()
        .map_err(refused)
}

/// Refuses lines without points and coordinates that cannot be placed.
pub(super) fn check(lines: &[Line<'_>]) -> Result<(), PlotError> {
    if lines.iter().all(|line| line.points.is_empty()) {
        return Err(PlotError::Empty);
    }
    let placed = |value: f64| value.is_finite() && value >= 0.0;
    match lines.iter().find(|line| !line.points.iter().all(|&(x, y)| placed(x) && placed(y))) {
        Some(line) => Err(PlotError::Coordinate { line: line.name.to_owned() }),
        None => Ok(()),
    }
}

pub(super) fn refused(error: impl std::fmt::Display) -> PlotError {
    PlotError::Draw(error.to_string())
}

/// The label of a tick: no zeros at the end, thousands as `k`.
fn tick(value: &f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    if rounded >= 10_000.0 { format!("{}k", rounded / 1000.0) } else { rounded.to_string() }
}

/// Leaves out points that fall on the pixel of the one before; the last stays.
fn thinned(points: &[(f64, f64)], ends: (f64, f64)) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        let near = kept.last().is_some_and(|before| {
            (x - before.0).abs() < RESOLUTION * ends.0 && (y - before.1).abs() < RESOLUTION * ends.1
        });
        if !near || index + 1 == points.len() {
            kept.push((x, y));
        }
    }
    kept
}
