//! Writes a calibration, byte for byte the same each time.

use std::fmt::Write as _;

use super::{Calibration, ExitHead, ExitThreshold, Gate, Head, LengthCorrection};
use crate::Parameters;

/// Every key in a fixed order; numbers in the fewest digits that read back to the same number.
pub(super) fn to_toml(calibration: &Calibration) -> String {
    let mut out = String::new();
    write_to(&mut out, calibration).unwrap_or_default(); // a String takes any text
    out
}

fn write_to(out: &mut String, calibration: &Calibration) -> std::fmt::Result {
    writeln!(out, "schema = {}", Calibration::SCHEMA)?;
    origin(out, &calibration.model_digest, &calibration.data_digest, &calibration.created_by)?;
    for head in &calibration.heads {
        writeln!(out, "\n[[head]]")?;
        self::head(out, head)?;
    }
    for LengthCorrection { head, knots } in &calibration.corrections {
        writeln!(out, "\n[[length_correction]]")?;
        writeln!(out, "head = {}", quoted(head))?;
        writeln!(out, "# characters, logits added")?;
        writeln!(out, "knots = [")?;
        for (length, added) in knots {
            writeln!(out, "    [{length}, {added:?}],")?;
        }
        writeln!(out, "]")?;
    }
    for exit in &calibration.exits {
        writeln!(out, "\n[[exit]]")?;
        writeln!(out, "stage = {}", quoted(&exit.stage))?;
        if let Some(digest) = &exit.weights_digest {
            writeln!(out, "weights_digest = {}", quoted(digest))?;
        }
        for head in &exit.heads {
            exit_head(out, head)?;
        }
    }
    for reference in &calibration.references {
        writeln!(out, "\n[[reference]]")?;
        writeln!(out, "signal = {}", quoted(reference.signal()))?;
        writeln!(out, "edges = {:?}", reference.edges())?;
        writeln!(out, "counts = {:?}", reference.counts())?;
    }
    Ok(())
}

pub(super) fn origin(
    out: &mut String,
    model_digest: &str,
    data_digest: &str,
    created_by: &str,
) -> std::fmt::Result {
    writeln!(out, "model_digest = {}", quoted(model_digest))?;
    writeln!(out, "data_digest = {}", quoted(data_digest))?;
    writeln!(out, "created_by = {}", quoted(created_by))
}

/// The keys of a head, and a table for each of its thresholds.
pub(super) fn head(out: &mut String, head: &Head) -> std::fmt::Result {
    writeln!(out, "name = {}", quoted(&head.name))?;
    writeln!(out, "experimental = {}", head.experimental)?;
    match head.curve.parameters() {
        Parameters::Platt { a, b } => writeln!(out, "curve = {{ kind = \"platt\", a = {a:?}, b = {b:?} }}")?,
        Parameters::Temperature { t } => {
            writeln!(out, "curve = {{ kind = \"temperature\", t = {t:?} }}")?;
        }
    }
    writeln!(out, "positives = {}", head.positives)?;
    writeln!(out, "negatives = {}", head.negatives)?;
    writeln!(out, "ece = {:?}", head.ece)?;
    writeln!(out, "brier = {:?}", head.brier)?;
    for threshold in &head.thresholds {
        writeln!(out, "\n[[head.threshold]]")?;
        writeln!(out, "target_fpr = {:?}", threshold.target_fpr)?;
        writeln!(out, "threshold = {:?}", threshold.threshold)?;
        writeln!(out, "negatives = {}", threshold.negatives)?;
        writeln!(out, "false_positives = {}", threshold.false_positives)?;
        writeln!(out, "fpr_upper_95 = {:?}", threshold.fpr_upper_95)?;
        writeln!(out, "slice = {}", quoted(&threshold.slice))?;
    }
    Ok(())
}

/// Thresholds and gates as rows of numbers: there are hundreds, and the file is read at every start.
fn exit_head(out: &mut String, head: &ExitHead) -> std::fmt::Result {
    writeln!(out, "\n[[exit.head]]")?;
    writeln!(out, "name = {}", quoted(&head.name))?;
    writeln!(out, "slope = {:?}", head.slope)?;
    writeln!(out, "intercept = {:?}", head.intercept)?;
    writeln!(out, "ece = {:?}", head.ece)?;
    writeln!(out, "negatives = {}", head.negatives)?;
    writeln!(out, "slice = {}", quoted(&head.slice))?;
    writeln!(out, "# target_fpr, threshold, false_positives")?;
    writeln!(out, "thresholds = [")?;
    for ExitThreshold { target_fpr, threshold, false_positives } in &head.thresholds {
        writeln!(out, "    [{target_fpr:?}, {threshold:?}, {false_positives}],")?;
    }
    writeln!(out, "]\n# from, below, flagged, lost")?;
    writeln!(out, "gates = [")?;
    for Gate { from, below, flagged, lost } in &head.gates {
        writeln!(out, "    [{from:?}, {below:?}, {flagged}, {lost}],")?;
    }
    writeln!(out, "]")
}

/// A TOML basic string of a text without control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
