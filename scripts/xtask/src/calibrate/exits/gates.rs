//! How wide each exit's gates may be, and which pieces stop there.

use portcullis_calibration::{Curve, Gate};

use super::pieces::{Piece, Pieces};
use crate::calibrate::heads::HeadFit;

/// How wide a gate may be.
#[derive(Clone, Copy)]
pub(super) enum Width {
    /// Not open at all.
    Closed,
    /// By so many logits under the least score that the exit gives to any piece which the whole model flags.
    Under(f32),
    /// So that this share of them leaves.
    Losing(f64),
}

/// From the narrowest to the widest.
const WIDTHS: [Width; 14] = [
    Width::Closed,
    Width::Under(3.0),
    Width::Under(2.5),
    Width::Under(2.0),
    Width::Under(1.5),
    Width::Under(1.0),
    Width::Under(0.5),
    Width::Losing(0.0),
    Width::Losing(0.001),
    Width::Losing(0.002),
    Width::Losing(0.004),
    Width::Losing(0.007),
    Width::Losing(0.01),
    Width::Losing(0.02),
];

/// One share that an exit may lose, and what comes of it.
pub(super) struct Choice {
    pub(super) width: Width,
    /// By head, from all rows.
    pub(super) gates: Vec<Vec<Gate>>,
    /// Whether each piece stops there, by gates from the rows of other sources.
    pub(super) stops: Vec<bool>,
}

/// What each share would do at the exit number `exit`.
pub(super) fn choices(exit: usize, fits: &[HeadFit], pieces: &Pieces, unit: &Curve) -> Vec<Choice> {
    let (seen, own) = match exit.checked_sub(usize::from(pieces.has_words)) {
        None => (&pieces.texts, 0),
        Some(layer) => (&pieces.windows, layer),
    };
    // What goes on whatever a gate says is no loss of it.
    let mut order: Vec<&Piece> = seen.iter().filter(|piece| piece.may_leave).collect();
    let columns = 0..fits.len();
    // For each head the pieces by the exit's score, so that those at or above a threshold are met in order.
    let pairs: Vec<Vec<Pair>> = columns
        .map(|column| {
            let of = |piece: &Piece| piece.exits.get(own).and_then(|scores| scores.get(column)).copied();
            order.sort_by(|a, b| of(a).unwrap_or(f32::NAN).total_cmp(&of(b).unwrap_or(f32::NAN)));
            let pair = |piece: &&Piece| {
                Some(Pair { source: piece.source, model: *piece.model.get(column)?, exit: of(piece)? })
            };
            order.iter().filter_map(pair).collect()
        })
        .collect();
    WIDTHS
        .iter()
        .map(|&width| {
            let without = |source: Option<usize>| -> Vec<Vec<Gate>> {
                let heads = pairs.iter().zip(fits);
                heads.map(|(pairs, fit)| gates(pairs, source, fit, width, unit)).collect()
            };
            let limits: Vec<Vec<(usize, f32)>> =
                (0..pieces.sources).map(|source| limits(&without(Some(source)), &pieces.rules)).collect();
            let stops = |piece: &Piece| {
                let limits = limits.get(piece.source).zip(piece.exits.get(own));
                piece.may_leave
                    && limits.is_some_and(|(limits, scores)| {
                        limits
                            .iter()
                            .all(|(column, limit)| scores.get(*column).is_some_and(|score| score < limit))
                    })
            };
            Choice { width, gates: without(None), stops: seen.iter().map(stops).collect() }
        })
        .collect()
}

/// The scores of one piece by one head.
struct Pair {
    source: usize,
    model: f32,
    exit: f32,
}

/// What the score of each rule's head has to stay under for a piece to stop.
fn limits(gates: &[Vec<Gate>], rules: &[(usize, f32)]) -> Vec<(usize, f32)> {
    let limit = |&(column, threshold): &(usize, f32)| {
        let gates = gates.get(column).map_or(&[][..], Vec::as_slice);
        (column, Gate::below(gates, threshold).map_or(f32::NEG_INFINITY, |below| below.min(threshold)))
    };
    rules.iter().map(limit).collect()
}

/// The gates of one head from pairs in the order of the exit's scores, those of the source `without` left out.
fn gates(pairs: &[Pair], without: Option<usize>, fit: &HeadFit, width: Width, unit: &Curve) -> Vec<Gate> {
    let pairs = || pairs.iter().filter(|pair| Some(pair.source) != without);
    let mut from: Vec<f32> = fit.calibrated.thresholds.iter().map(|chosen| chosen.threshold).collect();
    from.sort_unstable_by(f32::total_cmp);
    from.dedup();
    let mut gates: Vec<Gate> = Vec::new();
    for from in from {
        let flagged: Vec<f32> = pairs().filter(|pair| pair.model >= from).map(|pair| pair.exit).collect();
        let at = |share: f64| flagged.get((share * flagged.len() as f64) as usize).copied();
        let below = match width {
            Width::Closed => continue,
            Width::Under(logits) => at(0.0).map(|least| unit.apply(unit.invert(least) - logits)),
            Width::Losing(share) => at(share),
        };
        let Some(below) = below else { continue };
        let lost = flagged.partition_point(|score| *score < below);
        gates.push(Gate { from, below, flagged: flagged.len() as u64, lost: lost as u64 });
    }
    // A gate for a lower threshold has to let at least as much go on.
    let mut least = f32::INFINITY;
    for gate in gates.iter_mut().rev() {
        if gate.below > least {
            gate.below = least;
            gate.lost = pairs().filter(|pair| pair.model >= gate.from && pair.exit < least).count() as u64;
        }
        least = gate.below;
    }
    gates
}
