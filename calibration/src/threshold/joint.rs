//! Thresholds for all heads together, so that their union of false positives stays within one budget.
//!
//! Ten heads at 1% each can flag 10% of benign text. Here all heads get the same share, the greatest at which the
//! rows flagged by *any* head stay within the budget. A row is flagged at a share of `k` rows once the fewest rows
//! that tie or beat it, over the heads, are `k` or fewer; so sorting that number over the rows answers for every `k`
//! at once, and nothing has to be searched.

use std::collections::BTreeMap;

use super::{CONFIDENCE, ThresholdError, allowed, at_count, check_rate, check_scores, falling};
use crate::binomial;
use crate::calibration::Threshold;

/// How much of benign text may be flagged.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Budget {
    /// The greatest share of all rows that may be flagged by any head, above 0 and below 1.
    pub total: f64,
    /// The greatest share of the rows of one kind, above 0 and below 1; `None` leaves kinds free. A kind with fewer
    /// rows than one over this share allows no false positive at all: merge small kinds first.
    pub worst_kind: Option<f64>,
}

/// The thresholds of all heads and what they flag together.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Joint {
    /// The false positive rate that each head was given.
    pub per_head: f64,
    /// The threshold of each head, in the order given; `target_fpr` is the budget's total, the figure that a policy
    /// asks for.
    pub thresholds: Vec<(String, Threshold)>,
    /// All rows, flagged by any head.
    pub union: KindRate,
    /// The same for each kind, in the kinds' order; empty where no kinds were given.
    pub kinds: Vec<KindRate>,
}

/// The rows of one kind that any head flags.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct KindRate {
    /// The kind; empty for all rows.
    pub kind: String,
    /// The number of rows.
    pub rows: u64,
    /// The number of rows flagged by any head.
    pub flagged: u64,
    /// `flagged / rows`.
    pub rate: f64,
    /// The one-sided Clopper–Pearson upper bound of the rate at 95%.
    pub upper_95: f64,
}

/// The thresholds of `heads` (name and calibrated scores of the same benign rows) that spend `budget` together.
///
/// `kinds` names the kind of each row (chat, code, fiction …). `slice` names the rows in the thresholds.
///
/// # Errors
///
/// When there is no head or row, the numbers of rows differ, a score is no probability, a rate of the budget is not
/// above 0 and below 1, or a head scores exactly 1 on more rows than its share.
///
/// # Example
///
/// ```
/// use portcullis_calibration::threshold::{Budget, joint};
///
/// let hate = [0.9, 0.1, 0.2, 0.3];
/// let threat = [0.2, 0.8, 0.1, 0.3];
/// let found = joint(&[("hate", &hate), ("threat", &threat)], None, Budget { total: 0.5, worst_kind: None }, "mix")?;
/// assert_eq!(found.per_head, 0.25);
/// assert_eq!(found.union.flagged, 2);
/// # Ok::<(), portcullis_calibration::threshold::ThresholdError>(())
/// ```
pub fn joint(
    heads: &[(&str, &[f32])],
    kinds: Option<&[&str]>,
    budget: Budget,
    slice: &str,
) -> Result<Joint, ThresholdError> {
    let Some((_, first)) = heads.first() else {
        return Err(ThresholdError::Empty { head: None });
    };
    let rows = first.len();
    for &(head, scores) in heads {
        check_scores(Some(head), scores)?;
        check_rows(Some(head), scores.len(), rows)?;
    }
    if let Some(kinds) = kinds {
        check_rows(None, kinds.len(), rows)?;
    }
    check_rate("total budget", budget.total)?;
    if let Some(worst) = budget.worst_kind {
        check_rate("budget of the worst kind", worst)?;
    }

    let sorted: Vec<(&str, Vec<f32>)> = heads.iter().map(|&(head, scores)| (head, falling(scores))).collect();
    let mut levels = vec![rows; rows];
    for ((_, scores), (_, sorted)) in heads.iter().zip(&sorted) {
        for (level, score) in levels.iter_mut().zip(*scores) {
            let tie_or_beat = sorted.partition_point(|other| other >= score);
            *level = tie_or_beat.min(*level);
        }
    }
    let mut by_kind: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (&kind, &level) in kinds.unwrap_or_default().iter().zip(&levels) {
        by_kind.entry(kind).or_default().push(level);
    }
    levels.sort_unstable();
    by_kind.values_mut().for_each(|levels| levels.sort_unstable());

    let mut share = greatest_share(&levels, budget.total);
    if let Some(worst) = budget.worst_kind {
        share = by_kind.values().map(|levels| greatest_share(levels, worst)).fold(share, usize::min);
    }
    let thresholds = sorted
        .iter()
        .map(|(head, sorted)| {
            Ok(((*head).to_owned(), at_count(Some(head), sorted, share, budget.total, slice)?))
        })
        .collect::<Result<_, ThresholdError>>()?;
    Ok(Joint {
        per_head: share as f64 / rows as f64,
        thresholds,
        union: rate("", &levels, share),
        kinds: by_kind.iter().map(|(kind, levels)| rate(kind, levels, share)).collect(),
    })
}

/// The greatest number of rows a head may flag such that at most a share `budget` of these rows is flagged by any.
fn greatest_share(levels: &[usize], budget: f64) -> usize {
    // The next row to be flagged after those allowed sets the limit. A level is at least 1, the row itself.
    levels.get(allowed(levels.len(), budget)).map_or(0, |level| level - 1)
}

fn rate(kind: &str, levels: &[usize], share: usize) -> KindRate {
    let (flagged, rows) = (levels.partition_point(|&level| level <= share) as u64, levels.len() as u64);
    let upper_95 = binomial::upper_bound(flagged, rows, CONFIDENCE).unwrap_or(1.0);
    KindRate { kind: kind.to_owned(), rows, flagged, rate: flagged as f64 / rows as f64, upper_95 }
}

fn check_rows(head: Option<&str>, found: usize, expected: usize) -> Result<(), ThresholdError> {
    if found == expected {
        return Ok(());
    }
    Err(ThresholdError::Lengths { head: head.map(str::to_owned), found, expected })
}
