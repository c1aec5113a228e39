//! Unintended bias of a head: how it ranks the rows that concern a group of people, and ranks them against the others.

use super::{MeasureError, auc};
use crate::Ranking;
use crate::elementary::{exp, ln};

/// The fewest positive and the fewest negative rows that an AUC of a subgroup is taken of.
pub const LEAST_ROWS: u64 = 20;

/// The power of the [`generalized_mean`] over subgroups that Borkan et al. use: low values weigh most.
pub const MEAN_POWER: f64 = -5.0;

/// How a head ranks the rows of one subgroup (Borkan et al. 2019, "Nuanced Metrics for Measuring Unintended Bias").
///
/// The background is every row outside the subgroup. An AUC is missing where the subgroup, or one of the two classes
/// compared, has fewer than [`LEAST_ROWS`] rows.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct SubgroupAuc {
    /// The positive rows of the subgroup.
    pub positives: u64,
    /// The negative rows of the subgroup.
    pub negatives: u64,
    /// The AUC within the subgroup: low where the head cannot tell its classes apart.
    pub subgroup_auc: Option<f64>,
    /// Background positives against subgroup negatives: low where innocent rows of the subgroup score too high.
    pub bpsn_auc: Option<f64>,
    /// Background negatives against subgroup positives: low where positive rows of the subgroup score too low.
    pub bnsp_auc: Option<f64>,
}

/// The AUCs of one subgroup. Each row has a score (any finite number), a label and whether it is of the subgroup.
///
/// # Errors
///
/// When there is no row, the lengths differ, or a score is NaN or infinite.
///
/// # Example
///
/// ```
/// use portcullis_calibration::measure;
///
/// // Twenty of each class in the subgroup and outside it; the innocent rows of the subgroup score highest.
/// let scores = [[0.2_f32; 20], [0.8; 20], [0.9; 20], [0.7; 20]].concat();
/// let labels = [[false; 20], [true; 20], [false; 20], [true; 20]].concat();
/// let members = [[false; 40], [true; 40]].concat();
/// let found = measure::subgroup_auc(&scores, &labels, &members)?;
/// assert_eq!((found.subgroup_auc, found.bpsn_auc, found.bnsp_auc), (Some(0.0), Some(0.0), Some(1.0)));
/// # Ok::<(), measure::MeasureError>(())
/// ```
pub fn subgroup_auc(scores: &[f32], labels: &[bool], members: &[bool]) -> Result<SubgroupAuc, MeasureError> {
    Ranking::new(scores, labels)?;
    if members.len() != labels.len() {
        return Err(MeasureError::Lengths { scores: members.len(), labels: labels.len() });
    }
    let own = |class: bool| {
        labels.iter().zip(members).filter(|(label, member)| **member && **label == class).count() as u64
    };
    let (positives, negatives) = (own(true), own(false));
    let auc_of = |kept: fn(bool, bool) -> bool| {
        if positives.min(negatives) < LEAST_ROWS {
            return Ok(None);
        }
        let rows = scores.iter().zip(labels).zip(members);
        let (scores, labels): (Vec<f32>, Vec<bool>) = rows
            .filter(|((_, label), member)| kept(**label, **member))
            .map(|((score, label), _)| (*score, *label))
            .unzip();
        let ranking = Ranking::new(&scores, &labels)?;
        let enough = ranking.positives().min(ranking.negatives()) >= LEAST_ROWS;
        enough.then(|| auc(&ranking)).transpose()
    };
    Ok(SubgroupAuc {
        positives,
        negatives,
        subgroup_auc: auc_of(|_, member| member)?,
        bpsn_auc: auc_of(|label, member| label != member)?,
        bnsp_auc: auc_of(|label, member| label == member)?,
    })
}

/// The generalized (power) mean of numbers of at least 0: the `power`-th root of the mean of their `power`-th powers.
///
/// `power` is any number but 0. Nothing when there are no values.
pub fn generalized_mean(values: &[f64], power: f64) -> Option<f64> {
    let raised: f64 = values.iter().map(|value| exp(power * ln(*value))).sum();
    (!values.is_empty()).then(|| exp(ln(raised / values.len() as f64) / power))
}
