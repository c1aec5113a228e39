//! The figures of an evaluation: per head and slice, the decisions per slice, and what was asked for besides.

mod bias;
mod cascade;
mod disguise;
mod length;
mod pairs;
mod swap;

pub(super) use bias::Bias;
pub(super) use cascade::Cascade;
pub(super) use disguise::{Disguised, Recall};
pub(super) use length::Lengths;
pub(super) use pairs::Pairs;
pub(super) use swap::Swap;

use super::judge::{Judged, Probes};
use portcullis::Decision;
use portcullis_calibration::Ranking;
use portcullis_calibration::measure::{
    self, Bins, Bootstrap, MeasureError, Report, ReportOptions, accuracy, average_precision, best_f1, brier,
    f1, recall_at_fpr, reliability,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The name of the slice that holds every row.
pub(super) const ALL: &str = "all";
/// The bins of the calibration error and the reliability plot.
pub(super) const BINS: Bins = Bins::EqualMass(15);

/// What the figures depend on besides the rows.
pub(super) struct Settings<'a> {
    pub(super) probes: Probes<'a>,
    /// Each head's threshold in the policy.
    pub(super) thresholds: Vec<(String, Option<f32>)>,
    /// Bootstrap replicates for the figures over all rows.
    pub(super) bootstrap: Option<u32>,
    pub(super) seed: u64,
}

impl Settings<'_> {
    fn threshold(&self, head: &str) -> Option<f32> {
        self.thresholds.iter().find(|(name, _)| name == head).and_then(|(_, found)| *found)
    }
}

/// Everything measured.
#[derive(Serialize)]
pub(super) struct Evaluation {
    pub(super) rows: usize,
    /// By head in the model's order: all rows first, then each slice by name.
    pub(super) heads: Vec<HeadFigures>,
    /// All rows first, then each slice by name.
    pub(super) decisions: Vec<Decisions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bias: Option<Bias>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) swap: Option<Swap>,
    /// By head in the model's order, then by disguise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disguise: Option<Vec<Disguised>>,
    /// By head in the model's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by_length: Option<Vec<Lengths>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cascade: Option<Cascade>,
    /// Where a row names its pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pairs: Option<Pairs>,
}

/// One head on one slice. A figure that needs both classes is missing where there is one.
#[derive(Serialize)]
pub(super) struct HeadFigures {
    pub(super) head: String,
    pub(super) slice: String,
    pub(super) positives: u64,
    pub(super) negatives: u64,
    /// Labelled rows without a score, because the classifier did not run.
    pub(super) unscored: u64,
    pub(super) auc: Option<f64>,
    pub(super) average_precision: Option<f64>,
    pub(super) recall_at_1_fpr: Option<f64>,
    pub(super) recall_at_5_fpr: Option<f64>,
    /// The threshold of the policy's rule for this head.
    pub(super) threshold: Option<f32>,
    pub(super) f1_at_threshold: Option<f64>,
    pub(super) fpr_at_threshold: Option<f64>,
    pub(super) recall_at_threshold: Option<f64>,
    /// The share of rows on the right side of the threshold; one class is enough.
    pub(super) accuracy_at_threshold: Option<f64>,
    pub(super) best_f1: Option<f64>,
    pub(super) best_f1_threshold: Option<f32>,
    pub(super) ece: f64,
    pub(super) brier: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) intervals: Option<Report>,
}

/// How the rows of one slice were decided.
#[derive(Default, Serialize)]
pub(super) struct Decisions {
    pub(super) slice: String,
    pub(super) rows: u64,
    pub(super) allow: u64,
    pub(super) rewrite: u64,
    pub(super) escalate: u64,
    pub(super) veto: u64,
    /// Rows whose labels are all 0.
    pub(super) benign: u64,
    /// Benign rows vetoed or escalated.
    pub(super) benign_flagged: u64,
    /// Benign rows that were read in another form beside their own.
    pub(super) benign_read: u64,
}

impl Decisions {
    /// The share of benign rows that is flagged; nothing when there is no benign row.
    pub(super) fn flagged_share(&self) -> Option<f64> {
        (self.benign > 0).then(|| self.benign_flagged as f64 / self.benign as f64)
    }

    fn add(&mut self, row: &Judged) {
        self.rows += 1;
        *match row.decision {
            Decision::Allow => &mut self.allow,
            Decision::Rewrite => &mut self.rewrite,
            Decision::Escalate => &mut self.escalate,
            Decision::Veto => &mut self.veto,
        } += 1;
        if row.benign {
            self.benign += 1;
            self.benign_flagged += u64::from(!row.decision.releases());
            self.benign_read += u64::from(row.is_read);
        }
    }
}

impl Evaluation {
    /// Measures the judged rows.
    ///
    /// # Errors
    /// When a score is not a number in `0..=1`, or no row has what a report is about.
    pub(super) fn new(heads: &[String], judged: &[Judged], settings: &Settings<'_>) -> anyhow::Result<Self> {
        let mut slices: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
        for row in judged {
            slices.entry(&row.slice).or_default().push(row);
        }
        let all = judged.iter().collect::<Vec<_>>();
        // One slice alone is the same as all rows.
        let groups: Vec<(&str, &[&Judged])> = std::iter::once((ALL, all.as_slice()))
            .chain(slices.iter().filter(|_| slices.len() > 1).map(|(name, rows)| (*name, rows.as_slice())))
            .collect();
        let mut figures = Vec::new();
        for (at, head) in heads.iter().enumerate() {
            for (slice, rows) in &groups {
                let replicates = settings.bootstrap.filter(|_| *slice == ALL);
                figures.extend(head_figures(head, at, slice, rows, settings, replicates)?);
            }
        }
        let decisions = groups
            .iter()
            .map(|(slice, rows)| {
                let mut sum = Decisions { slice: (*slice).to_owned(), ..Decisions::default() };
                rows.iter().for_each(|row| sum.add(row));
                sum
            })
            .collect();
        let probes = settings.probes;
        Ok(Self {
            rows: judged.len(),
            heads: figures,
            decisions,
            bias: probes.bias_head.map(|head| Bias::new(head, judged)).transpose()?,
            swap: probes.swap.then(|| Swap::new(heads, judged)).transpose()?,
            disguise: probes.disguise.then(|| disguise::figures(heads, judged, settings)).transpose()?,
            by_length: probes.by_length.then(|| length::figures(heads, judged, settings)).transpose()?,
            cascade: probes.cascade.map(|_| Cascade::new(heads, judged)).transpose()?,
            pairs: Pairs::new(heads, judged),
        })
    }
}

/// The ranking of the rows that have a label and a score for the head at `at`; nothing when there are none.
pub(super) fn ranking<'a>(
    rows: impl IntoIterator<Item = &'a Judged>,
    at: usize,
) -> Result<Option<Ranking>, MeasureError> {
    let (labels, scores): (Vec<bool>, Vec<f32>) = rows.into_iter().filter_map(|row| row.scored(at)).unzip();
    if scores.is_empty() { Ok(None) } else { Ranking::new(&scores, &labels).map(Some) }
}

fn head_figures(
    head: &str,
    at: usize,
    slice: &str,
    rows: &[&Judged],
    settings: &Settings<'_>,
    replicates: Option<u32>,
) -> Result<Option<HeadFigures>, MeasureError> {
    let Some(ranking) = ranking(rows.iter().copied(), at)? else { return Ok(None) };
    let unscored = rows.iter().filter(|row| matches!(row.heads.get(at), Some((Some(_), None)))).count();
    let both = ranking.positives() > 0 && ranking.negatives() > 0;
    let when_both =
        |metric: &dyn Fn(&Ranking) -> Result<f64, MeasureError>| both.then(|| metric(&ranking)).transpose();
    let threshold = settings.threshold(head);
    let at_threshold =
        threshold.filter(|_| both).map(|at| measure::operating_point(&ranking, at)).transpose()?;
    let best = both.then(|| best_f1(&ranking)).transpose()?;
    let intervals = replicates
        .map(|replicates| {
            let bootstrap = Bootstrap { replicates, seed: settings.seed, ..Bootstrap::default() };
            measure::report(&ranking, &ReportOptions { bins: BINS, bootstrap, ..ReportOptions::default() })
        })
        .transpose()?;
    Ok(Some(HeadFigures {
        head: head.to_owned(),
        slice: slice.to_owned(),
        positives: ranking.positives(),
        negatives: ranking.negatives(),
        unscored: unscored as u64,
        auc: when_both(&measure::auc)?,
        average_precision: when_both(&average_precision)?,
        recall_at_1_fpr: when_both(&|rows| Ok(recall_at_fpr(rows, 0.01)?.recall))?,
        recall_at_5_fpr: when_both(&|rows| Ok(recall_at_fpr(rows, 0.05)?.recall))?,
        threshold,
        f1_at_threshold: threshold.filter(|_| both).map(|at| f1(&ranking, at)).transpose()?,
        fpr_at_threshold: at_threshold.map(|point| point.fpr),
        recall_at_threshold: at_threshold.map(|point| point.recall),
        accuracy_at_threshold: threshold.map(|at| accuracy(&ranking, at)),
        best_f1: best.map(|best| best.f1),
        best_f1_threshold: best.map(|best| best.threshold),
        ece: reliability(&ranking, BINS)?.ece,
        brier: brier(&ranking)?,
        intervals,
    }))
}
