//! Scores and labels of one head, checked and grouped by distinct score.

use crate::measure::MeasureError;

/// The rows of one head, grouped by distinct score, from the highest score to the lowest.
///
/// Every metric of [`measure`](crate::measure) is a function of these counts alone, so ties are handled once, here,
/// and a bootstrap replicate needs no sorting. Scores may be logits or probabilities; the metrics that need
/// probabilities say so.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    groups: Vec<Group>,
    positives: u64,
    negatives: u64,
}

/// The rows that share one score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// The score; finite.
    pub score: f32,
    /// Rows with this score whose label is positive.
    pub positives: u64,
    /// Rows with this score whose label is negative.
    pub negatives: u64,
}

impl Ranking {
    /// Groups `scores` (any finite numbers) by value; `labels` has one entry per score, true for positive.
    ///
    /// # Errors
    ///
    /// When there is no row, the lengths differ, or a score is NaN or infinite.
    pub fn new(scores: &[f32], labels: &[bool]) -> Result<Self, MeasureError> {
        if scores.len() != labels.len() {
            return Err(MeasureError::Lengths { scores: scores.len(), labels: labels.len() });
        }
        if scores.is_empty() {
            return Err(MeasureError::Empty);
        }
        if let Some(row) = scores.iter().position(|score| !score.is_finite()) {
            return Err(MeasureError::NotFinite { row });
        }
        // Adding zero turns -0 into +0, so that equal scores also sort together.
        let mut rows: Vec<(f32, bool)> =
            scores.iter().zip(labels).map(|(&score, &label)| (score + 0.0, label)).collect();
        rows.sort_unstable_by(|x, y| y.0.total_cmp(&x.0));
        let mut groups: Vec<Group> = Vec::new();
        for (score, label) in rows {
            let (positives, negatives) = (u64::from(label), u64::from(!label));
            match groups.last_mut() {
                Some(group) if group.score == score => {
                    group.positives += positives;
                    group.negatives += negatives;
                }
                _ => groups.push(Group { score, positives, negatives }),
            }
        }
        Ok(Self::from_groups(groups))
    }

    /// The groups, highest score first. A group of a bootstrap replicate can be empty.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The number of positive rows.
    pub fn positives(&self) -> u64 {
        self.positives
    }

    /// The number of negative rows.
    pub fn negatives(&self) -> u64 {
        self.negatives
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.positives + self.negatives
    }

    /// The flagged positives and negatives at a threshold: rows whose score is at least `threshold`.
    pub fn flagged(&self, threshold: f32) -> (u64, u64) {
        self.groups
            .iter()
            .take_while(|group| group.score >= threshold)
            .fold((0, 0), |(positives, negatives), group| {
                (positives + group.positives, negatives + group.negatives)
            })
    }

    /// A ranking of groups that are already distinct and in falling order.
    pub(crate) fn from_groups(groups: Vec<Group>) -> Self {
        let positives = groups.iter().map(|group| group.positives).sum();
        let negatives = groups.iter().map(|group| group.negatives).sum();
        Self { groups, positives, negatives }
    }

    /// Gives the groups back, for the next bootstrap replicate.
    pub(crate) fn into_groups(self) -> Vec<Group> {
        self.groups
    }
}
