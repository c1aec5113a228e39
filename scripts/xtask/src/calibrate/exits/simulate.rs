//! What a cascade does to the rows.

use super::Material;
use super::gates::Choice;
use super::pieces::Pieces;

/// Share of benign texts in the traffic whose work is made least.
const BENIGN: f64 = 0.95;

/// What came of the rows.
#[derive(Clone, Default)]
pub(super) struct Outcome {
    /// Rows decided otherwise than by the whole model.
    pub(super) differ: usize,
    /// For each rule the rows it flags, and how many of them leave.
    pub(super) lost: Vec<(usize, usize)>,
    /// Mean work on benign rows of the mix, on rows with a positive label, and on traffic, of the whole model's.
    pub(super) benign: f64,
    pub(super) harmful: f64,
    pub(super) traffic: f64,
    /// Share of the benign mix that leaves at each exit, by its last window.
    pub(super) leaves: Vec<f64>,
}

/// What a cascade with this choice for each exit does to a user's texts under the policy.
pub(super) fn simulate(material: &Material<'_>, chosen: &[&Choice], pieces: &Pieces) -> Outcome {
    let texts = pieces.texts.len();
    let first = usize::from(pieces.has_words);
    let stops = |exit: usize, piece: usize| {
        chosen.get(exit).and_then(|choice| choice.stops.get(piece)).copied().unwrap_or(false)
    };
    let mut work = vec![0.0_f64; texts];
    let mut left_at = vec![0_usize; texts];
    // For each text and rule: flagged by the whole model, and still by the cascade.
    let mut flags = vec![vec![(false, false); pieces.rules.len()]; texts];
    for (number, window) in pieces.windows.iter().enumerate() {
        let total = pieces.texts.get(window.text).map_or(1, |text| text.tokens).max(1);
        let gone = pieces.has_words && stops(0, window.text);
        let exit = (0..pieces.layers.len()).find(|place| stops(first + place, number));
        let layers = match (gone, exit) {
            (true, _) => 0,
            (false, Some(exit)) => pieces.layers.get(exit).copied().unwrap_or(pieces.all_layers),
            (false, None) => pieces.all_layers,
        };
        if let Some(work) = work.get_mut(window.text) {
            *work += layers as f64 / pieces.all_layers as f64 * window.tokens as f64 / total as f64;
        }
        if let Some(last) = left_at.get_mut(window.text) {
            *last = (*last).max(if gone { 0 } else { exit.map_or(chosen.len(), |exit| first + exit) });
        }
        let whole = !gone && exit.is_none();
        let flags = flags.get_mut(window.text).into_iter().flatten();
        for ((column, threshold), flag) in pieces.rules.iter().zip(flags) {
            let reached = window.model.get(*column).is_some_and(|score| score >= threshold);
            flag.0 |= reached;
            flag.1 |= reached && whole;
        }
    }
    let any = |flags: &[(bool, bool)]| {
        flags.iter().fold((false, false), |all, flag| (all.0 | flag.0, all.1 | flag.1))
    };
    let differ = flags.iter().filter(|flags| any(flags).0 != any(flags).1).count();
    let lost = (0..pieces.rules.len()).map(|rule| {
        let of = |pick: fn(&(bool, bool)) -> bool| {
            flags.iter().filter_map(|flags| flags.get(rule)).filter(|flag| pick(flag)).count()
        };
        (of(|flag| flag.0), of(|flag| flag.0 && !flag.1))
    });
    let lost = lost.collect();
    let mean =
        |rows: &[usize]| rows.iter().filter_map(|&row| work.get(row)).sum::<f64>() / rows.len().max(1) as f64;
    let positive: Vec<usize> = (0..texts)
        .filter(|&row| {
            material.rows.rows.get(row).is_some_and(|row| row.labels.values().any(|&label| label >= 0.5))
        })
        .collect();
    let (benign, harmful) = (mean(&material.mix.rows), mean(&positive));
    let leaves = (0..chosen.len()).map(|exit| {
        let gone = material.mix.rows.iter().filter(|row| left_at.get(**row) == Some(&exit)).count();
        gone as f64 / material.mix.rows.len().max(1) as f64
    });
    Outcome {
        differ,
        lost,
        benign,
        harmful,
        traffic: BENIGN * benign + (1.0 - BENIGN) * harmful,
        leaves: leaves.collect(),
    }
}
