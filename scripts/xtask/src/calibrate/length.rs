//! What a text's length adds to a head's logit.
//!
//! The level of a length is the logit that one in a hundred innocent texts of about that length exceeds: of the benign mix, or of
//! the head's own negatives outside it where that is more. A text gets a share of the difference between the highest level and
//! that of its length. Shares are compared by the harmful rows that are found at a strict rate on the benign mix, each source of
//! them counting alike: the least share that brings half of what the best one does is taken. Where the best is hardly better
//! than nothing, the head has no correction.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use portcullis::normalize::Normalized;
use portcullis_calibration::{LengthCorrection, length, threshold};

use super::heads::SLICE;
use super::rows::{Mix, Rows};

/// Lengths with a level of their own, in characters without spaces: half an octave apart. Of a word or two too little is known.
const LENGTHS: [u32; 11] = [32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024];
/// What is about as long as a length: from half of it to twice.
const WITHIN: f64 = 2.0;
/// The rate that the level of a length stands for.
const LEVEL: f64 = 0.01;
/// Innocent texts that a level needs.
const ENOUGH: usize = 200;
/// Shares of the difference that are tried.
const SHARES: [f32; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// The rate at which they are compared.
const STRICT: f64 = 0.003;
/// Rows of a source, so that it counts.
const COUNTS: usize = 20;
/// The share of the misses that has to be found so, or it is not worth it.
const GAIN: f64 = 0.05;
/// How much of the best share's gain the one that is taken brings at least: what short texts get, long ones pay.
const MOST_OF_IT: f64 = 0.5;

/// The rows by length, and what each length is worth.
pub(super) struct Lengths {
    lengths: Vec<usize>,
}

impl Lengths {
    /// The lengths of `rows`, as the guard would read them.
    pub(super) fn new(rows: &Rows) -> Self {
        let one = |text: &str| length(Normalized::new(text).text());
        Self { lengths: rows.rows.iter().map(|row| one(&row.text)).collect() }
    }

    /// The lengths, in the rows' order.
    pub(super) fn of_rows(&self) -> &[usize] {
        &self.lengths
    }

    /// The correction of the head `name`, whose logits, as the model gives them, are number `column` of every row's.
    pub(super) fn correction(
        &self,
        rows: &Rows,
        mix: &Mix,
        logits: &[Vec<f32>],
        (column, name): (usize, &str),
        source_cap: f64,
    ) -> Result<Option<LengthCorrection>> {
        let at = |row: usize| {
            let logit = logits.get(row).and_then(|row| row.get(column)).copied();
            let logit = logit.with_context(|| format!("row {row} has no logit for {name}"))?;
            Ok::<_, anyhow::Error>((self.lengths.get(row).copied().unwrap_or_default(), logit))
        };
        let innocent = mix.rows.iter().map(|&row| at(row)).collect::<Result<Vec<_>>>()?;
        let (mut harmful, mut own) = (BTreeMap::<&str, Vec<_>>::new(), Vec::new());
        for (number, (row, in_mix)) in rows.rows.iter().zip(mix.marks()).enumerate() {
            match row.labels.get(name) {
                Some(label) if *label >= 0.5 => harmful.entry(&row.source).or_default().push(at(number)?),
                Some(_) if !in_mix => own.push(at(number)?),
                _ => {}
            }
        }
        harmful.retain(|_, rows| rows.len() >= COUNTS);
        let levels = levels(&[&innocent, &own]);
        if harmful.is_empty() || levels.len() < 2 {
            return Ok(None);
        }
        let by_share = SHARES.map(|share| {
            let knots = levels.iter().map(|(length, added)| (*length, share * added)).collect();
            LengthCorrection { head: name.to_owned(), knots }
        });
        let mean_recall = |correction: &LengthCorrection| -> Result<f64> {
            let corrected = |rows: &[(usize, f32)]| -> Vec<f32> {
                rows.iter().map(|(length, logit)| logit + correction.at(*length)).collect()
            };
            let mut least = threshold::at_fpr(&squashed(&corrected(&innocent)), STRICT, SLICE)?.threshold;
            if !own.is_empty() {
                let among = threshold::at_fpr(&squashed(&corrected(&own)), source_cap, SLICE)?;
                least = least.max(among.threshold);
            }
            let recall = |rows: &Vec<(usize, f32)>| {
                let scores = squashed(&corrected(rows));
                scores.iter().filter(|score| **score >= least).count() as f64 / rows.len() as f64
            };
            Ok(harmful.values().map(recall).sum::<f64>() / harmful.len() as f64)
        };
        let recalls = by_share.iter().map(mean_recall).collect::<Result<Vec<f64>>>()?;
        let plain = recalls.first().copied().unwrap_or_default();
        let best = recalls.iter().copied().fold(plain, f64::max);
        let enough = plain + MOST_OF_IT * (best - plain);
        let taken = recalls.iter().position(|recall| *recall >= enough).unwrap_or_default();
        let shown: Vec<String> = recalls.iter().map(|recall| format!("{recall:.3}")).collect();
        let pays = best > plain && best - plain >= GAIN * (1.0 - plain);
        eprintln!(
            "{name}: {} of the difference by length is added; mean recall by share {}",
            SHARES.get(taken).filter(|_| pays).unwrap_or(&0.0),
            shown.join(" ")
        );
        Ok(by_share.into_iter().nth(taken).filter(|_| pays))
    }
}

/// For each length that enough innocent texts have, by how much its level is under the highest; never rising.
fn levels(innocent: &[&[(usize, f32)]]) -> Vec<(u32, f32)> {
    let mut found: Vec<(u32, f32)> = Vec::new();
    for length in LENGTHS {
        let (from, to) = (f64::from(length) / WITHIN, f64::from(length) * WITHIN);
        let last = Some(&length) == LENGTHS.last();
        let level = |rows: &&[(usize, f32)]| -> Option<f32> {
            let about = rows.iter().filter(|(own, _)| *own as f64 >= from && (last || *own as f64 <= to));
            let mut about: Vec<f32> = about.map(|(_, logit)| *logit).collect();
            about.sort_unstable_by(|a, b| b.total_cmp(a));
            about.get((LEVEL * about.len() as f64) as usize).copied().filter(|_| about.len() >= ENOUGH)
        };
        found.extend(innocent.iter().filter_map(level).reduce(f32::max).map(|level| (length, level)));
    }
    // A length whose level is under that of a shorter one has this: what is added never rises.
    let most = found.iter().map(|(_, level)| *level).fold(f32::NEG_INFINITY, f32::max);
    let mut reached = f32::NEG_INFINITY;
    for (_, level) in &mut found {
        reached = reached.max(*level);
        *level = most - reached;
    }
    found
}

/// Logits between 0 and 1, where thresholds are chosen.
fn squashed(logits: &[f32]) -> Vec<f32> {
    logits.iter().map(|logit| 0.5 + 0.5 * logit / (1.0 + logit.abs())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::rows::Row;

    /// So many texts of this length with logits from `low` to a little under `high`.
    fn texts(count: u16, length: usize, low: f32, high: f32) -> Vec<(usize, f32)> {
        (0..count).map(|row| (length, low + (high - low) * f32::from(row) / f32::from(count))).collect()
    }

    #[test]
    fn a_level_is_what_one_in_a_hundred_exceeds_and_nothing_rises() {
        let mix =
            [texts(300, 40, -5.0, 1.0), texts(300, 150, -5.0, 3.0), texts(300, 900, -5.0, 2.0)].concat();
        let added = |length: u32, levels: &[(u32, f32)]| {
            levels.iter().find(|(own, _)| *own == length).map(|(_, added)| (added * 10.0).round() / 10.0)
        };
        let found = levels(&[&mix, &[]]);
        assert_eq!(added(32, &found), Some(2.0));
        // Longer texts do not get more than shorter ones, though their level is lower.
        assert_eq!((added(181, &found), added(1024, &found)), (Some(0.0), Some(0.0)));
        // Negatives of its own that score higher count.
        assert_eq!(added(32, &levels(&[&mix, &texts(300, 40, -5.0, 2.5)])), Some(0.5));
        // Too few of a length say nothing.
        assert_eq!(added(32, &levels(&[&texts(199, 40, 0.0, 1.0), &[]])), None);
    }

    /// Rows of one head: 1,000 short innocent texts, 1,000 long ones that score higher, and 100 harmful ones, short or long.
    fn rows(harmful_length: usize) -> (Rows, Mix, Vec<Vec<f32>>) {
        let text = |length: usize| "x".repeat(length);
        let row = |length: usize, label: f32| Row {
            text: text(length),
            labels: [("harm".to_owned(), label)].into(),
            source: "here".to_owned(),
            kind: String::new(),
        };
        let scored = [texts(1000, 40, -6.0, -2.0), texts(1000, 900, -6.0, 4.0)].concat();
        let harmful = texts(100, harmful_length, 0.0, 3.0);
        let all = scored.iter().map(|(length, _)| row(*length, 0.0));
        let all = all.chain(harmful.iter().map(|(length, _)| row(*length, 1.0))).collect();
        let logits = scored.iter().chain(&harmful).map(|(_, logit)| vec![*logit]).collect();
        let mix = Mix { rows: (0..scored.len()).collect(), kinds: vec![String::new(); scored.len()] };
        (Rows { rows: all, digest: String::new() }, mix, logits)
    }

    #[test]
    fn a_head_is_corrected_where_that_finds_more() {
        let correction = |harmful: usize| {
            let (rows, mix, logits) = rows(harmful);
            Lengths::new(&rows).correction(&rows, &mix, &logits, (0, "harm"), 0.01).unwrap()
        };
        let short = correction(40).unwrap();
        assert_eq!(short.head, "harm");
        assert!(short.at(40) > 2.0 && short.at(900) == 0.0, "{short:?}");
        assert_eq!(correction(900), None);
    }
}
