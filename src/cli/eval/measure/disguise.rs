//! How many positive rows are still found when their text is disguised.

use super::Settings;
use crate::cli::eval::disguise::DISGUISES;
use crate::cli::eval::judge::{Judged, is_positive};
use anyhow::ensure;
use portcullis_calibration::measure::flagged_share;
use portcullis_calibration::threshold::at_fpr;
use serde::Serialize;

/// The positive rows of one head in one disguise.
#[derive(Serialize)]
pub(crate) struct Disguised {
    pub(crate) head: String,
    pub(crate) disguise: &'static str,
    pub(crate) positives: usize,
    /// At the threshold of the policy's rule for the head, where it has one.
    pub(crate) at_threshold: Option<Recall>,
    /// At a false positive rate of at most 1% on the negative rows as they are; missing where no threshold has it.
    pub(crate) at_1_fpr: Option<Recall>,
    /// Rows vetoed or escalated, for whatever reason.
    pub(crate) flagged: Recall,
}

/// A share of the positive rows before and after the disguise. A row without a score counts as not found.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Recall {
    /// Missing where the share is one of decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) threshold: Option<f32>,
    pub(crate) before: f64,
    pub(crate) after: f64,
    /// After less before, in percentage points.
    pub(crate) points: f64,
}

impl Recall {
    fn new(threshold: Option<f32>, before: f64, after: f64) -> Self {
        Self { threshold, before, after, points: 100.0 * (after - before) }
    }

    fn at(threshold: f32, before: &[f32], after: &[f32]) -> Option<Self> {
        let share = |scores: &[f32]| flagged_share(scores, threshold);
        Some(Self::new(Some(threshold), share(before)?, share(after)?))
    }
}

/// Every head that has positive rows, in every disguise.
///
/// # Errors
/// When no head has a positive row.
pub(super) fn figures(
    heads: &[String],
    judged: &[Judged],
    settings: &Settings<'_>,
) -> anyhow::Result<Vec<Disguised>> {
    let mut figures = Vec::new();
    for (at, head) in heads.iter().enumerate() {
        let positives: Vec<&Judged> = judged
            .iter()
            .filter(|row| row.heads.get(at).and_then(|(label, _)| *label).is_some_and(is_positive))
            .collect();
        if positives.is_empty() {
            continue;
        }
        let negatives: Vec<f32> =
            judged.iter().filter_map(|row| row.scored(at)).filter(|row| !row.0).map(|row| row.1).collect();
        let at_1_fpr = at_fpr(&negatives, 0.01, head).ok().map(|found| found.threshold);
        let before: Vec<f32> =
            positives.iter().map(|row| found(row.heads.get(at).and_then(|head| head.1))).collect();
        let flagged_before = share(&positives, |row| !row.decision.releases());
        for (place, disguise) in DISGUISES.iter().enumerate() {
            let after: Vec<f32> = positives
                .iter()
                .map(|row| found(row.disguised.get(place).and_then(|answer| *answer.scores.get(at)?)))
                .collect();
            let flagged_after = share(&positives, |row| {
                row.disguised.get(place).is_some_and(|answer| !answer.decision.releases())
            });
            let recall = |threshold| Recall::at(threshold, &before, &after);
            figures.push(Disguised {
                head: head.clone(),
                disguise: disguise.name,
                positives: positives.len(),
                at_threshold: settings.threshold(head).and_then(recall),
                at_1_fpr: at_1_fpr.and_then(recall),
                flagged: Recall::new(None, flagged_before, flagged_after),
            });
        }
    }
    ensure!(
        !figures.is_empty(),
        "no positive row to disguise: expected a label of 0.5 or more for {} in at least one of {} rows",
        heads.join(", "),
        judged.len()
    );
    Ok(figures)
}

/// A score, or one below every threshold where there is none.
fn found(score: Option<f32>) -> f32 {
    score.unwrap_or(f32::NEG_INFINITY)
}

fn share(rows: &[&Judged], is_part: impl Fn(&Judged) -> bool) -> f64 {
    rows.iter().filter(|row| is_part(row)).count() as f64 / rows.len() as f64
}
