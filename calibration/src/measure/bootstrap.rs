//! Bootstrap intervals of any metric.

use super::MeasureError;
use crate::ranking::{Group, Ranking};

/// The settings of a bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Bootstrap {
    /// The number of replicates, in `1..=1_000_000`; a thousand serves a 95% interval.
    pub replicates: u32,
    /// The share of replicates inside the interval, above 0 and below 1.
    pub confidence: f64,
    /// The seed: the same seed and rows give the same interval on every machine.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// A thousand replicates at 95%, seed 0.
    fn default() -> Self {
        Self { replicates: 1000, confidence: 0.95, seed: 0 }
    }
}

/// A metric and its percentile interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The metric of the rows themselves.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Percentile intervals (Efron 1979) of several metrics at once.
///
/// Each replicate draws as many positive rows from the positives and negative rows from the negatives as there are
/// (stratified, with replacement), so no replicate loses a class that the rows have. The rows are taken as
/// independent; near-duplicates among them make the intervals too narrow.
///
/// # Errors
///
/// When the settings are out of range, or `metrics` fails on the rows or on a replicate.
///
/// # Example
///
/// ```
/// use portcullis_calibration::{Ranking, measure};
///
/// let ranking = Ranking::new(&[0.9, 0.8, 0.7, 0.3, 0.2], &[true, true, false, true, false])?;
/// let settings = measure::Bootstrap::default();
/// let [auc, brier] = measure::bootstrap(&ranking, settings, |replicate| {
///     Ok([measure::auc(replicate)?, measure::brier(replicate)?])
/// })?;
/// assert!(auc.low <= auc.estimate && auc.estimate <= auc.high);
/// assert!(brier.low < brier.high);
/// # Ok::<(), measure::MeasureError>(())
/// ```
pub fn bootstrap<const N: usize>(
    ranking: &Ranking,
    settings: Bootstrap,
    metrics: impl Fn(&Ranking) -> Result<[f64; N], MeasureError>,
) -> Result<[Interval; N], MeasureError> {
    let found = intervals(ranking, settings, |rows| metrics(rows).map(Vec::from))?;
    let nothing = Interval { estimate: f64::NAN, low: f64::NAN, high: f64::NAN };
    // One interval comes back per metric, so nothing is ever left over.
    Ok(std::array::from_fn(|index| found.get(index).copied().unwrap_or(nothing)))
}

/// [`bootstrap`] for a number of metrics that only the caller's options tell; `metrics` always gives as many.
pub(super) fn intervals(
    ranking: &Ranking,
    settings: Bootstrap,
    metrics: impl Fn(&Ranking) -> Result<Vec<f64>, MeasureError>,
) -> Result<Vec<Interval>, MeasureError> {
    let Bootstrap { replicates, confidence, seed } = settings;
    if !((1..=1_000_000).contains(&replicates) && confidence > 0.0 && confidence < 1.0) {
        return Err(MeasureError::Bootstrap { replicates, confidence });
    }
    let estimates = metrics(ranking)?;
    let positives = members(ranking, |group| group.positives);
    let negatives = members(ranking, |group| group.negatives);
    let mut random = SplitMix64(seed);
    let mut groups: Vec<Group> = ranking.groups().to_vec();
    let mut columns = vec![Vec::with_capacity(replicates as usize); estimates.len()];
    for _ in 0..replicates {
        for group in &mut groups {
            (group.positives, group.negatives) = (0, 0);
        }
        draw(&positives, &mut random, &mut groups, |group| group.positives += 1);
        draw(&negatives, &mut random, &mut groups, |group| group.negatives += 1);
        let replicate = Ranking::from_groups(std::mem::take(&mut groups));
        for (column, value) in columns.iter_mut().zip(metrics(&replicate)?) {
            column.push(value);
        }
        groups = replicate.into_groups();
    }
    let tail = 0.5 * (1.0 - confidence);
    let interval = |(estimate, column): (f64, &mut Vec<f64>)| {
        column.sort_unstable_by(f64::total_cmp);
        Interval { estimate, low: quantile(column, tail), high: quantile(column, 1.0 - tail) }
    };
    Ok(estimates.into_iter().zip(&mut columns).map(interval).collect())
}

/// The index of the group of each row of one class.
fn members(ranking: &Ranking, count: impl Fn(&Group) -> u64) -> Vec<usize> {
    let rows = ranking.groups().iter().enumerate();
    rows.flat_map(|(index, group)| (0..count(group)).map(move |_| index)).collect()
}

/// Draws as many rows as `members` has, with replacement, and counts each in its group.
fn draw(members: &[usize], random: &mut SplitMix64, groups: &mut [Group], count: impl Fn(&mut Group)) {
    for _ in 0..members.len() {
        if let Some(group) = members.get(random.below(members.len())).and_then(|&index| groups.get_mut(index))
        {
            count(group);
        }
    }
}

/// The quantile of sorted numbers, interpolated linearly between the two nearest.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let index = place as usize;
    let low = sorted.get(index).copied().unwrap_or(f64::NAN);
    let high = sorted.get(index + 1).copied().unwrap_or(low);
    low + (high - low) * (place - index as f64)
}

/// The generator SplitMix64 (Steele, Lea and Flood 2014): ten lines that no dependency's update can change.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`; the bias of the multiplication is below `limit` / 2^64.
    fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }
}
