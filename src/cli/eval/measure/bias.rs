//! Whether one head ranks rows about some group of people worse than the others.

use crate::cli::eval::identity;
use crate::cli::eval::judge::{Judged, is_positive};
use anyhow::ensure;
use portcullis_calibration::Ranking;
use portcullis_calibration::measure::{
    LEAST_ROWS, MEAN_POWER, SubgroupAuc, auc, generalized_mean, subgroup_auc,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// The unintended bias of a head (Borkan et al. 2019).
#[derive(Serialize)]
pub(crate) struct Bias {
    pub(crate) head: String,
    /// Rows with a label and a score.
    pub(crate) rows: usize,
    /// The AUC over all of them.
    pub(crate) auc: Option<f64>,
    /// The fewest rows of each class that an AUC of a subgroup is taken of.
    pub(crate) least_rows: u64,
    /// By name.
    pub(crate) subgroups: Vec<Subgroup>,
    pub(crate) mean: MeanAuc,
}

/// One group of people.
#[derive(Serialize)]
pub(crate) struct Subgroup {
    pub(crate) subgroup: String,
    #[serde(flatten)]
    pub(crate) figures: SubgroupAuc,
}

/// The generalized means over the subgroups that have the AUC.
#[derive(Serialize)]
pub(crate) struct MeanAuc {
    pub(crate) power: f64,
    pub(crate) subgroup_auc: Option<f64>,
    pub(crate) bpsn_auc: Option<f64>,
    pub(crate) bnsp_auc: Option<f64>,
}

impl Bias {
    /// # Errors
    /// When no row has a label and score, or none concerns a group.
    pub(super) fn new(head: &str, judged: &[Judged]) -> anyhow::Result<Self> {
        let mut columns = (Vec::new(), Vec::new(), Vec::new());
        for row in judged {
            if let (Some(label), Some(score)) = row.bias {
                columns.0.push(score);
                columns.1.push(is_positive(label));
                columns.2.push(&row.groups);
            }
        }
        let (scores, labels, groups) = columns;
        ensure!(
            !scores.is_empty(),
            "no row has a label for {head:?}, whose bias is asked for: expected one in at least one of {} rows",
            judged.len()
        );
        let names: BTreeSet<&String> = groups.iter().copied().flatten().collect();
        ensure!(
            !names.is_empty(),
            "no row with a label for {head:?} concerns a group: expected `identities`, or one of {} terms in the \
             text, in at least one of {} rows",
            identity::count(),
            scores.len()
        );
        let mut subgroups = Vec::with_capacity(names.len());
        for name in names {
            let members: Vec<bool> = groups.iter().map(|groups| groups.contains(name)).collect();
            let figures = subgroup_auc(&scores, &labels, &members)?;
            subgroups.push(Subgroup { subgroup: name.clone(), figures });
        }
        let ranking = Ranking::new(&scores, &labels)?;
        let both = ranking.positives() > 0 && ranking.negatives() > 0;
        Ok(Self {
            head: head.to_owned(),
            rows: scores.len(),
            auc: both.then(|| auc(&ranking)).transpose()?,
            least_rows: LEAST_ROWS,
            mean: MeanAuc::new(&subgroups),
            subgroups,
        })
    }
}

impl MeanAuc {
    fn new(subgroups: &[Subgroup]) -> Self {
        let mean = |figure: fn(&SubgroupAuc) -> Option<f64>| {
            let values: Vec<f64> = subgroups.iter().filter_map(|group| figure(&group.figures)).collect();
            generalized_mean(&values, MEAN_POWER)
        };
        Self {
            power: MEAN_POWER,
            subgroup_auc: mean(|figures| figures.subgroup_auc),
            bpsn_auc: mean(|figures| figures.bpsn_auc),
            bnsp_auc: mean(|figures| figures.bnsp_auc),
        }
    }
}
