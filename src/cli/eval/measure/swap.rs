//! How far the scores move when a text is about another group of people.

use crate::cli::eval::identity;
use crate::cli::eval::judge::Judged;
use anyhow::ensure;
use portcullis_calibration::measure::{Shift, shift};
use serde::Serialize;

/// What swapping the group does to the scores.
#[derive(Serialize)]
pub(crate) struct Swap {
    /// Rows whose text names a group.
    pub(crate) rows: usize,
    /// Texts about another group, each compared with its row's own.
    pub(crate) texts: usize,
    /// Those of them that are decided otherwise.
    pub(crate) decisions_changed: usize,
    /// In the model's order.
    pub(crate) heads: Vec<HeadShift>,
}

/// The absolute changes of one head's score.
#[derive(Serialize)]
pub(crate) struct HeadShift {
    pub(crate) head: String,
    #[serde(flatten)]
    pub(crate) shift: Shift,
}

impl Swap {
    /// # Errors
    /// When no text names a group.
    pub(super) fn new(heads: &[String], judged: &[Judged]) -> anyhow::Result<Self> {
        let named = || judged.iter().filter(|row| !row.swapped.is_empty());
        ensure!(
            named().next().is_some(),
            "no text names a group to swap: expected one of {} terms in at least one of {} rows",
            identity::count(),
            judged.len()
        );
        let pairs = || named().flat_map(|row| row.swapped.iter().map(move |answer| (row, answer)));
        let mut shifts = Vec::with_capacity(heads.len());
        for (at, head) in heads.iter().enumerate() {
            let changes: Vec<f32> = pairs()
                .filter_map(|(row, answer)| {
                    let (_, before) = row.heads.get(at)?;
                    Some((*answer.scores.get(at)?)? - (*before)?)
                })
                .collect();
            if !changes.is_empty() {
                shifts.push(HeadShift { head: head.clone(), shift: shift(&changes)? });
            }
        }
        Ok(Self {
            rows: named().count(),
            texts: pairs().count(),
            decisions_changed: pairs().filter(|(row, answer)| row.decision != answer.decision).count(),
            heads: shifts,
        })
    }
}
