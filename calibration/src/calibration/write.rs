//! Writes a calibration, byte for byte the same each time.

use std::fmt::Write as _;

use super::Calibration;
use crate::Parameters;

/// Every key in a fixed order; numbers in the fewest digits that read back to the same number.
pub(super) fn to_toml(calibration: &Calibration) -> String {
    let mut out = String::new();
    write_to(&mut out, calibration).unwrap_or_default(); // a String takes any text
    out
}

fn write_to(out: &mut String, calibration: &Calibration) -> std::fmt::Result {
    writeln!(out, "schema = {}", Calibration::SCHEMA)?;
    writeln!(out, "model_digest = {}", quoted(&calibration.model_digest))?;
    writeln!(out, "data_digest = {}", quoted(&calibration.data_digest))?;
    writeln!(out, "created_by = {}", quoted(&calibration.created_by))?;
    for head in &calibration.heads {
        writeln!(out, "\n[[head]]")?;
        writeln!(out, "name = {}", quoted(&head.name))?;
        writeln!(out, "experimental = {}", head.experimental)?;
        match head.curve.parameters() {
            Parameters::Platt { a, b } => {
                writeln!(out, "curve = {{ kind = \"platt\", a = {a:?}, b = {b:?} }}")?
            }
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
    }
    Ok(())
}

/// A TOML basic string of a text without control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
