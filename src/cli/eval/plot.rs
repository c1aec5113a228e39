//! The plots of an evaluation as panels of one SVG.

use super::judge::Judged;
use super::measure::{BINS, Lengths, ranking};
use anyhow::ensure;
use portcullis_calibration::{measure, plot};

/// The size of a panel as the plots are drawn.
const PANEL: (usize, usize) = (720, 480);
const PANELS_A_ROW: usize = 2;

/// ROC and precision–recall of every head with both classes, false positives by length where they were measured, then a
/// reliability panel for each head.
///
/// # Errors
/// When no head has rows of both classes.
pub(super) fn sheet(
    heads: &[String],
    judged: &[Judged],
    lengths: Option<&[Lengths]>,
) -> anyhow::Result<String> {
    let mut roc = Vec::new();
    let mut precision_recall = Vec::new();
    let mut panels = Vec::new();
    for (at, head) in heads.iter().enumerate() {
        let Some(ranking) = ranking(judged, at)? else { continue };
        if ranking.positives() > 0 && ranking.negatives() > 0 {
            roc.push((head, measure::roc(&ranking)?));
            precision_recall.push((head, measure::precision_recall(&ranking)?));
            let reliability = measure::reliability(&ranking, BINS)?;
            panels.push(plot::reliability(&format!("Reliability of {head}"), &reliability)?);
        }
    }
    ensure!(!panels.is_empty(), "nothing to plot: no head has both positive and negative rows");
    let roc: Vec<_> = roc.iter().map(|(name, points)| plot::Named { name, points }).collect();
    let curves: Vec<_> = precision_recall.iter().map(|(name, points)| plot::Named { name, points }).collect();
    if let Some(panel) = by_length(lengths.unwrap_or_default())? {
        panels.insert(0, panel);
    }
    panels.insert(0, plot::precision_recall("Precision and recall", &curves)?);
    panels.insert(0, plot::roc("ROC", &roc)?);
    Ok(assemble(&panels))
}

/// The heads that have negative rows and a threshold in the policy; nothing when none has.
fn by_length(lengths: &[Lengths]) -> Result<Option<String>, plot::PlotError> {
    let lines: Vec<_> = lengths
        .iter()
        .filter(|head| head.buckets.iter().any(|bucket| bucket.fpr.is_some()))
        .map(|head| plot::Named { name: &head.head, points: &head.buckets })
        .collect();
    (!lines.is_empty()).then(|| plot::false_positives("False positives by length", &lines)).transpose()
}

/// The panels side by side, each an SVG element inside the sheet's.
fn assemble(panels: &[String]) -> String {
    let (width, height) = (PANEL.0 * PANELS_A_ROW, PANEL.1 * panels.len().div_ceil(PANELS_A_ROW));
    let mut sheet = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n"
    );
    for (at, panel) in panels.iter().enumerate() {
        let (x, y) = (at % PANELS_A_ROW * PANEL.0, at / PANELS_A_ROW * PANEL.1);
        sheet.push_str(&panel.replacen("<svg ", &format!("<svg x=\"{x}\" y=\"{y}\" "), 1));
        sheet.push('\n');
    }
    sheet.push_str("</svg>\n");
    sheet
}
