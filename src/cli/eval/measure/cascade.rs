//! What a cascade decides otherwise than the whole model, and how much less work it is.

use crate::cli::eval::judge::{Cascaded, Judged};
use portcullis_calibration::measure::{MeasureError, recall_at_fpr};
use portcullis_calibration::{Ranking, binomial, threshold};
use serde::Serialize;
use std::collections::BTreeMap;

/// Where a row that no exit let go is counted.
const MODEL: &str = "model";
/// Share of benign texts in the traffic that the mean work is told for.
const BENIGN: f64 = 0.95;

#[derive(Serialize)]
pub(crate) struct Cascade {
    pub(crate) rows: usize,
    /// Rows that one of both releases and the other holds.
    pub(crate) differ: usize,
    pub(crate) differ_share: f64,
    /// One-sided upper bound of the share at 95% confidence (Clopper and Pearson).
    pub(crate) differ_upper_95: f64,
    /// Of them, held by the whole model and released by the cascade.
    pub(crate) lost: usize,
    /// Layers computed, as a share of all of them: in the mean over benign rows, over the others, and over traffic of
    /// which 95% is benign; missing where there are no such rows.
    pub(crate) work_benign: Option<f64>,
    pub(crate) work_other: Option<f64>,
    pub(crate) work_traffic: Option<f64>,
    /// Time for the rows by the cascade over the time by the whole model, in this run.
    pub(crate) time_ratio: f64,
    /// Rows by the exit that they left at; `model` for those that no exit let go.
    pub(crate) exits: Vec<ExitShare>,
    /// Recall by head with scores as they come.
    pub(crate) heads: Vec<HeadRecall>,
}

#[derive(Serialize)]
pub(crate) struct ExitShare {
    pub(crate) exit: String,
    pub(crate) benign: usize,
    pub(crate) other: usize,
}

#[derive(Serialize)]
pub(crate) struct HeadRecall {
    pub(crate) head: String,
    /// At a false positive rate of 1% on the rows, by the whole model and by the cascade.
    pub(crate) model: f64,
    pub(crate) cascade: f64,
}

impl Cascade {
    /// Compares both on all rows that were judged.
    ///
    /// # Errors
    /// When a score is not a number in `0..=1`.
    pub(super) fn new(heads: &[String], judged: &[Judged]) -> anyhow::Result<Self> {
        let rows: Vec<(&Judged, &Cascaded)> =
            judged.iter().filter_map(|row| Some((row, row.cascade.as_ref()?))).collect();
        let released = |(row, cascaded): &(&Judged, &Cascaded)| {
            (row.decision.releases(), cascaded.answer.decision.releases())
        };
        let differ = rows.iter().map(released).filter(|(model, cascade)| model != cascade).count();
        let lost = rows.iter().map(released).filter(|both| *both == (false, true)).count();
        let work = |benign: bool| {
            let work: Vec<f64> = rows
                .iter()
                .filter(|(row, _)| row.benign == benign)
                .map(|(_, cascaded)| f64::from(cascaded.work))
                .collect();
            (!work.is_empty()).then(|| work.iter().sum::<f64>() / work.len() as f64)
        };
        let (work_benign, work_other) = (work(true), work(false));
        let (cascade, model) = rows.iter().fold((0.0, 0.0), |(cascade, model), (_, cascaded)| {
            (cascade + cascaded.times.0.as_secs_f64(), model + cascaded.times.1.as_secs_f64())
        });
        let mut exits: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (row, cascaded) in &rows {
            let (benign, other) = exits.entry(cascaded.exit.as_deref().unwrap_or(MODEL)).or_default();
            *if row.benign { benign } else { other } += 1;
        }
        let heads = heads.iter().enumerate().map(|(at, head)| recall(head, at, &rows));
        let heads: Vec<HeadRecall> = heads.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        Ok(Self {
            rows: rows.len(),
            differ,
            differ_share: differ as f64 / rows.len().max(1) as f64,
            differ_upper_95: binomial::upper_bound(
                differ as u64,
                rows.len().max(1) as u64,
                threshold::CONFIDENCE,
            )?,
            lost,
            work_traffic: work_benign
                .zip(work_other)
                .map(|(benign, other)| BENIGN * benign + (1.0 - BENIGN) * other),
            work_benign,
            work_other,
            time_ratio: if model > 0.0 { cascade / model } else { 1.0 },
            exits: exits
                .into_iter()
                .map(|(exit, (benign, other))| ExitShare { exit: exit.to_owned(), benign, other })
                .collect(),
            heads,
        })
    }
}

/// A head's recall by either; nothing where its rows are of one class.
fn recall(head: &str, at: usize, rows: &[(&Judged, &Cascaded)]) -> Result<Option<HeadRecall>, MeasureError> {
    let mut labels = Vec::new();
    let (mut model, mut cascade) = (Vec::new(), Vec::new());
    for (row, cascaded) in rows {
        let scored = row.scored(at).zip(cascaded.answer.scores.get(at).copied().flatten());
        if let Some(((label, score), cascaded)) = scored {
            labels.push(label);
            model.push(score);
            cascade.push(cascaded);
        }
    }
    if !labels.contains(&true) || !labels.contains(&false) {
        return Ok(None);
    }
    let at_1_fpr = |scores: &[f32]| Ok(recall_at_fpr(&Ranking::new(scores, &labels)?, 0.01)?.recall);
    Ok(Some(HeadRecall { head: head.to_owned(), model: at_1_fpr(&model)?, cascade: at_1_fpr(&cascade)? }))
}
