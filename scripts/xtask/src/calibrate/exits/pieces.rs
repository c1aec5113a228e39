//! The rows in pieces: what each exit and the whole model say of what an exit sees alone.

use portcullis::Role;
use portcullis_calibration::Exit;

use super::Material;
use crate::calibrate::heads::{HeadFit, added};
use crate::calibrate::strongest;

/// One piece of a text that an exit sees alone: the text itself for the words, else a window.
pub(super) struct Piece {
    pub(super) text: usize,
    /// The place of its source among all of them.
    pub(super) source: usize,
    pub(super) tokens: usize,
    /// Whether it may leave at all.
    pub(super) may_leave: bool,
    /// Calibrated scores of each exit, by head.
    pub(super) exits: Vec<Vec<f32>>,
    /// Those of the whole model.
    pub(super) model: Vec<f32>,
}

/// The rows in pieces.
pub(super) struct Pieces {
    pub(super) texts: Vec<Piece>,
    pub(super) windows: Vec<Piece>,
    pub(super) layers: Vec<usize>,
    pub(super) all_layers: usize,
    pub(super) has_words: bool,
    pub(super) sources: usize,
    /// For a user's rules on heads: the head's place, and the threshold.
    pub(super) rules: Vec<(usize, f32)>,
}

/// The rows of the material in pieces.
pub(super) fn pieces(material: &Material<'_>, exits: &[Exit]) -> Pieces {
    let has_words = material.stages.iter().any(|stages| stages.words.is_some());
    let curve = |column: usize, logit: f32, length: usize| {
        let corrected = |fit: &HeadFit| logit + added(fit.correction.as_ref(), length);
        material.fits.get(column).map_or(f32::NAN, |fit| fit.calibrated.curve.apply(corrected(fit)))
    };
    let carried = |exit: usize, logits: &[f32], length: usize| -> Vec<f32> {
        let heads = exits.get(exit).map_or(&[][..], |exit| &exit.heads);
        let heads = heads.iter().zip(logits).enumerate();
        heads.map(|(column, (head, logit))| curve(column, head.carry(*logit), length)).collect()
    };
    let model = |logits: &[f32], length: usize| -> Vec<f32> {
        logits.iter().enumerate().map(|(column, logit)| curve(column, *logit, length)).collect()
    };
    let (mut texts, mut windows) = (Vec::new(), Vec::new());
    let mut sources: Vec<&str> = Vec::new();
    let rows = material.stages.iter().zip(&material.rows.rows).zip(material.lengths);
    for (text, ((stages, row), &length)) in rows.enumerate() {
        let known = sources.iter().position(|source| *source == row.source);
        let source = known.unwrap_or_else(|| {
            sources.push(&row.source);
            sources.len() - 1
        });
        let first = usize::from(has_words);
        for window in &stages.windows {
            let exits = window.exits.iter().enumerate();
            let exits = exits.map(|(place, row)| carried(first + place, row, length));
            windows.push(Piece {
                text,
                source,
                tokens: window.tokens,
                may_leave: true,
                exits: exits.collect(),
                model: model(&window.model, length),
            });
        }
        texts.push(Piece {
            text,
            source,
            tokens: stages.windows.iter().map(|window| window.tokens).sum(),
            may_leave: stages.words.as_ref().is_some_and(|words| words.is_short),
            exits: stages.words.iter().map(|words| carried(0, &words.logits, length)).collect(),
            model: model(&strongest(stages), length),
        });
    }
    let manifest = material.guard.bundle().manifest();
    let layers = manifest.cascade.as_ref().map_or_else(Vec::new, |cascade| cascade.exits.clone());
    let all_layers = material.guard.bundle().weights().map_or(1, |weights| weights.shape().layers);
    let user = material.rules.iter().filter(|rule| rule.roles.contains(&Role::User));
    let rules = user.filter_map(|rule| {
        let column = material.fits.iter().position(|fit| fit.calibrated.name == rule.head)?;
        let target = material.chosen.targets.get(&rule.id)?;
        let thresholds = &material.fits.get(column)?.calibrated.thresholds;
        Some((column, thresholds.iter().find(|chosen| chosen.target_fpr == *target)?.threshold))
    });
    let (sources, rules) = (sources.len(), rules.collect());
    Pieces { texts, windows, layers, all_layers, has_words, sources, rules }
}
