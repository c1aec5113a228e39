//! A calibration that claims nothing: for a bundle whose heads nobody has calibrated yet.

use anyhow::{Context, Result};
use portcullis::bundle::Head;
use portcullis_calibration::{Calibration, Curve, Head as Calibrated, Threshold, binomial, threshold};

use crate::grid::TARGET_FPRS;

/// Scores are the plain sigmoid of the logits, and every threshold is 1: no classifier fires.
pub(super) fn calibration(heads: &[Head], model_digest: &str) -> Result<Calibration> {
    let heads = heads.iter().map(head).collect::<Result<_>>()?;
    let no_data = blake3::hash(b"").to_hex();
    Calibration::new(model_digest, no_data.as_str(), "cargo xtask bundle: neutral, nothing was fitted", heads)
        .context("the neutral calibration is not valid")
}

fn head(head: &Head) -> Result<Calibrated> {
    // No evidence at all: one imagined negative row that is not flagged.
    let fpr_upper_95 = binomial::upper_bound(0, 1, threshold::CONFIDENCE).context("no bound for one row")?;
    let at = |&target_fpr: &f64| Threshold {
        target_fpr,
        threshold: 1.0,
        negatives: 1,
        false_positives: 0,
        fpr_upper_95,
        slice: "none".to_owned(),
    };
    Ok(Calibrated {
        name: head.name.clone(),
        experimental: head.experimental,
        curve: Curve::temperature(1.0).context("temperature 1")?,
        positives: 0,
        negatives: 0,
        ece: 0.0,
        brier: 0.0,
        thresholds: TARGET_FPRS.iter().map(at).collect(),
    })
}
