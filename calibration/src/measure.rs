//! Metrics of scores against labels; those of a head alone are functions of a [`Ranking`].
//!
//! Ties are exact throughout: rows with equal scores are flagged together or not at all.

mod bias;
mod bootstrap;
mod length;
mod pairs;
mod probability;
mod ranked;
mod report;
mod shift;

pub use bias::{LEAST_ROWS, MEAN_POWER, SubgroupAuc, generalized_mean, subgroup_auc};
pub use bootstrap::{Bootstrap, Interval, bootstrap};
pub use length::{LENGTH_ENDS, LengthBucket, LengthRow, by_length};
pub use pairs::{Agreement, agreement, mean_difference};
pub use probability::{Bin, Bins, Reliability, brier, log_loss, reliability};
pub use ranked::{
    F1, OperatingPoint, PrecisionRecallPoint, accuracy, auc, average_precision, best_f1, f1, flagged_share,
    operating_point, precision_recall, recall_at_fpr, roc,
};
pub use report::{RecallAtFpr, Report, ReportOptions, report, slices};
pub use shift::{Shift, shift};

#[cfg(doc)]
use crate::Ranking;

/// A metric that cannot be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// There is no row.
    #[error("found no rows, expected at least one")]
    Empty,
    /// Two columns of the same rows have different lengths.
    #[error("found {scores} scores and {labels} labels, expected as many of one as of the other")]
    Lengths {
        /// The number of scores.
        scores: usize,
        /// The number of labels, or of slice names.
        labels: usize,
    },
    /// A score is NaN or infinite.
    #[error("the score in row {row} (from 0) is not finite")]
    NotFinite {
        /// The row, counted from 0.
        row: usize,
    },
    /// The metric compares two classes and found one.
    #[error("found {positives} positive and {negatives} negative rows, expected at least one of each")]
    SingleClass {
        /// The number of positive rows.
        positives: u64,
        /// The number of negative rows.
        negatives: u64,
    },
    /// The metric needs probabilities and found another number.
    #[error("found the score {found}, expected a probability in 0..=1")]
    NotProbability {
        /// The score found.
        found: f32,
    },
    /// The number of bins is out of range.
    #[error("found {found} bins, expected 1 to 1000")]
    Bins {
        /// The number of bins found.
        found: usize,
    },
    /// A rate that was asked for is not one.
    #[error("found the rate {found}, expected a number in 0..=1")]
    Rate {
        /// The rate found.
        found: f64,
    },
    /// The settings of a bootstrap are out of range.
    #[error(
        "found {replicates} replicates at confidence {confidence}, expected 1 to 1000000 at a confidence above 0 and below 1"
    )]
    Bootstrap {
        /// The number of replicates found.
        replicates: u32,
        /// The confidence found.
        confidence: f64,
    },
}
