//! The exits of a model: what their logits mean, thresholds of their own, and gates by which a cascade leaves early.
//!
//! A gate is chosen among what the whole model flags: of the texts (for the words' exit) or windows (for an exit after
//! layers) whose score is at least a rule's threshold, at most a share `loss` may leave. The shares of the exits are
//! chosen together: those that make the least work of everyday traffic while the decisions under the policy differ from
//! the whole model's on at most `differ` of all rows, and no rule loses more than `rule_loss` of what it flags. Each source
//! of rows is judged by gates that were chosen without it: attacks of a new origin are what a gate lets slip first.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use portcullis::rails::classifier::TextStages;
use portcullis::{Guard, Role};
use portcullis_calibration::fit::{self, Observations};
use portcullis_calibration::{Curve, Exit, ExitHead, ExitThreshold, Gate, Parameters, Ranking, measure};

use super::budget::Spent;
use super::heads::{BINS, Floor, HeadFit, SLICE};
use super::policy::HeadRule;
use super::rows::{Mix, Rows};

/// How wide a gate may be.
#[derive(Clone, Copy)]
enum Width {
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
/// Share of benign texts in the traffic whose work is made least.
const BENIGN: f64 = 0.95;

/// What a cascade may change.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Share of all rows that may be decided otherwise.
    pub(super) differ: f64,
    /// Share of what a rule flags that may leave.
    pub(super) rule_loss: f64,
}

/// The exits, and what a cascade through them does to the rows.
pub(super) struct Fitted {
    pub(super) exits: Vec<Exit>,
    outcome: Outcome,
    widths: Vec<Width>,
    rows: usize,
}

/// What is calibrated on.
pub(super) struct Material<'a> {
    pub(super) guard: &'a Guard,
    pub(super) rows: &'a Rows,
    pub(super) mix: &'a Mix,
    pub(super) stages: &'a [TextStages],
    pub(super) fits: &'a [HeadFit],
    pub(super) rules: &'a [HeadRule],
    pub(super) chosen: &'a Spent,
    pub(super) floor: Floor,
}

/// One piece of a text that an exit sees alone: the text itself for the words, else a window.
struct Piece {
    text: usize,
    /// The place of its source among all of them.
    source: usize,
    tokens: usize,
    /// Whether it may leave at all.
    may_leave: bool,
    /// Calibrated scores of each exit, by head.
    exits: Vec<Vec<f32>>,
    /// Those of the whole model.
    model: Vec<f32>,
}

/// The rows in pieces.
struct Pieces {
    texts: Vec<Piece>,
    windows: Vec<Piece>,
    layers: Vec<usize>,
    all_layers: usize,
    has_words: bool,
    sources: usize,
    /// For a user's rules on heads: the head's place, and the threshold.
    rules: Vec<(usize, f32)>,
}

/// One share that an exit may lose, and what comes of it.
struct Choice {
    width: Width,
    /// By head, from all rows.
    gates: Vec<Vec<Gate>>,
    /// Whether each piece stops there, by gates from the rows of other sources.
    stops: Vec<bool>,
}

#[derive(Clone, Default)]
struct Outcome {
    /// Rows decided otherwise than by the whole model.
    differ: usize,
    /// For each rule the rows it flags, and how many of them leave.
    lost: Vec<(usize, usize)>,
    /// Mean work on benign rows of the mix, on rows with a positive label, and on traffic, of the whole model's.
    benign: f64,
    harmful: f64,
    traffic: f64,
    /// Share of the benign mix that leaves at each exit, by its last window.
    leaves: Vec<f64>,
}

/// Fits the exits of the guard's bundle; `None` where it has none.
pub(super) fn fit(material: &Material<'_>, limits: Limits) -> Result<Option<Fitted>> {
    let manifest = material.guard.bundle().manifest();
    let names: Vec<String> = manifest.stages().iter().map(ToString::to_string).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let words = manifest.cascade.as_ref().and_then(|cascade| cascade.words.as_ref());
    let digest =
        words.and_then(|words| material.guard.bundle().file(&words.weights)).map(|f| f.blake3.clone());
    let mut exits = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let weights_digest = digest.clone().filter(|_| name == "words");
        let heads = material
            .fits
            .iter()
            .enumerate()
            .map(|(column, fit)| {
                head(material, fit, place, column)
                    .with_context(|| format!("cannot calibrate {} at the exit {name}", fit.calibrated.name))
            })
            .collect::<Result<_>>()?;
        exits.push(Exit { stage: name.clone(), weights_digest, heads });
    }
    let pieces = pieces(material, &exits);
    let unit = Curve::temperature(1.0)?;
    let choices: Vec<Vec<Choice>> =
        (0..exits.len()).map(|exit| choices(exit, material.fits, &pieces, &unit)).collect();
    let mut best: Option<(Outcome, Vec<&Choice>)> = None;
    for chosen in combinations(&choices) {
        let outcome = simulate(material, &chosen, &pieces);
        let within = outcome.differ as f64 <= limits.differ * material.rows.rows.len() as f64
            && outcome
                .lost
                .iter()
                .all(|(flagged, lost)| *lost as f64 <= (limits.rule_loss * *flagged as f64).ceil());
        if within && best.as_ref().is_none_or(|(other, _)| outcome.traffic < other.traffic) {
            best = Some((outcome, chosen));
        }
    }
    let (outcome, chosen) = best.context("no gates keep within the limits, not even closed ones")?;
    for (exit, choice) in exits.iter_mut().zip(&chosen) {
        for (head, gates) in exit.heads.iter_mut().zip(&choice.gates) {
            head.gates.clone_from(gates);
        }
    }
    let widths = chosen.iter().map(|choice| choice.width).collect();
    Ok(Some(Fitted { exits, outcome, widths, rows: material.rows.rows.len() }))
}

/// Every choice of one for each exit.
fn combinations<T>(exits: &[Vec<T>]) -> Vec<Vec<&T>> {
    let mut all = vec![Vec::new()];
    for choices in exits {
        all = all
            .into_iter()
            .flat_map(|chosen: Vec<&T>| {
                choices.iter().map(move |choice| chosen.iter().copied().chain([choice]).collect())
            })
            .collect();
    }
    all
}

/// The logit of a text at an exit: the largest over its windows.
fn logit(stages: &TextStages, exit: usize, column: usize) -> Option<f32> {
    let has_words = usize::from(stages.words.is_some());
    match (&stages.words, exit.checked_sub(has_words)) {
        (Some(words), None) => words.logits.get(column).copied(),
        (_, Some(layer)) => {
            let windows = stages.windows.iter().filter_map(|window| window.exits.get(layer)?.get(column));
            windows.copied().reduce(f32::max)
        }
        _ => None,
    }
}

/// The line and the thresholds of one head at one exit; its gates come later.
fn head(material: &Material<'_>, fit: &HeadFit, exit: usize, column: usize) -> Result<ExitHead> {
    let name = &fit.calibrated.name;
    let (mut logits, mut labels, mut outside, mut mix) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut benign = material.mix.rows.iter().copied().peekable();
    for (number, (row, stages)) in material.rows.rows.iter().zip(material.stages).enumerate() {
        let logit =
            logit(stages, exit, column).with_context(|| format!("a row of {} has none", row.source))?;
        let in_mix = benign.next_if_eq(&number).is_some();
        if in_mix {
            mix.push(logit);
        }
        if let Some(&label) = row.labels.get(name) {
            logits.push(logit);
            labels.push(label);
            outside.push(!in_mix);
        }
    }
    let (model_a, model_b) = line(&fit.calibrated.curve);
    let fitted = Observations::new(&logits, &labels, None).and_then(|rows| fit::platt(&rows));
    let (a, b) = fitted.map_or((model_a, model_b), |fitted| line(&fitted.curve));
    let mut head = ExitHead {
        name: name.clone(),
        slope: a / model_a,
        intercept: (b - model_b) / model_a,
        ece: 0.0,
        negatives: mix.len() as u64,
        slice: SLICE.to_owned(),
        thresholds: Vec::new(),
        gates: Vec::new(),
    };
    let score = |logit: f32| fit.calibrated.curve.apply(head.carry(logit));
    let mix: Vec<f32> = mix.into_iter().map(score).collect();
    let scores: Vec<f32> = logits.into_iter().map(score).collect();
    let positive: Vec<bool> = labels.iter().map(|&label| label >= 0.5).collect();
    let own: Vec<f32> = scores
        .iter()
        .zip(positive.iter().zip(&outside))
        .filter(|(_, (positive, outside))| !**positive && **outside)
        .map(|(score, _)| *score)
        .collect();
    let chosen = super::heads::thresholds(&mix, &material.floor.by_target(&own)?)?;
    head.ece = measure::reliability(&Ranking::new(&scores, &positive)?, BINS)?.ece;
    head.thresholds = chosen
        .into_iter()
        .map(|chosen| ExitThreshold {
            target_fpr: chosen.target_fpr,
            threshold: chosen.threshold,
            false_positives: chosen.false_positives,
        })
        .collect();
    Ok(head)
}

/// Slope and offset of a curve's argument.
fn line(curve: &Curve) -> (f64, f64) {
    match curve.parameters() {
        Parameters::Platt { a, b, .. } => (a, b),
        Parameters::Temperature { t, .. } => (1.0 / t, 0.0),
        _ => (1.0, 0.0),
    }
}

fn pieces(material: &Material<'_>, exits: &[Exit]) -> Pieces {
    let has_words = material.stages.iter().any(|stages| stages.words.is_some());
    let curve = |column: usize, logit: f32| {
        material.fits.get(column).map_or(f32::NAN, |fit| fit.calibrated.curve.apply(logit))
    };
    let carried = |exit: usize, logits: &[f32]| -> Vec<f32> {
        let heads = exits.get(exit).map_or(&[][..], |exit| &exit.heads);
        let heads = heads.iter().zip(logits).enumerate();
        heads.map(|(column, (head, logit))| curve(column, head.carry(*logit))).collect()
    };
    let model = |logits: &[f32]| -> Vec<f32> {
        logits.iter().enumerate().map(|(column, logit)| curve(column, *logit)).collect()
    };
    let (mut texts, mut windows) = (Vec::new(), Vec::new());
    let mut sources: Vec<&str> = Vec::new();
    for (text, (stages, row)) in material.stages.iter().zip(&material.rows.rows).enumerate() {
        let known = sources.iter().position(|source| *source == row.source);
        let source = known.unwrap_or_else(|| {
            sources.push(&row.source);
            sources.len() - 1
        });
        let first = usize::from(has_words);
        for window in &stages.windows {
            let exits = window.exits.iter().enumerate().map(|(place, row)| carried(first + place, row));
            windows.push(Piece {
                text,
                source,
                tokens: window.tokens,
                may_leave: true,
                exits: exits.collect(),
                model: model(&window.model),
            });
        }
        texts.push(Piece {
            text,
            source,
            tokens: stages.windows.iter().map(|window| window.tokens).sum(),
            may_leave: stages.words.as_ref().is_some_and(|words| words.is_short),
            exits: stages.words.iter().map(|words| carried(0, &words.logits)).collect(),
            model: model(&super::strongest(stages)),
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

/// What each share would do at the exit number `exit`.
fn choices(exit: usize, fits: &[HeadFit], pieces: &Pieces, unit: &Curve) -> Vec<Choice> {
    let (seen, own) = match exit.checked_sub(usize::from(pieces.has_words)) {
        None => (&pieces.texts, 0),
        Some(layer) => (&pieces.windows, layer),
    };
    let mut order: Vec<&Piece> = seen.iter().collect();
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

/// What a cascade with this choice for each exit does to a user's texts under the policy.
fn simulate(material: &Material<'_>, chosen: &[&Choice], pieces: &Pieces) -> Outcome {
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

impl Fitted {
    /// What the cascade does, as Markdown.
    pub(super) fn table(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).unwrap_or_default(); // a String takes any text
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\n| exit | gates | benign mix that leaves there |\n|---|---|---|")?;
        for ((exit, width), leaves) in self.exits.iter().zip(&self.widths).zip(&self.outcome.leaves) {
            let width = match width {
                Width::Closed => "closed".to_owned(),
                Width::Under(logits) => format!("{logits} logits under the least flagged"),
                Width::Losing(share) => format!("{:.2}% of what is flagged", 100.0 * share),
            };
            writeln!(out, "| {} | {width} | {:.1}% |", exit.stage, 100.0 * leaves)?;
        }
        let Outcome { differ, lost, benign, harmful, traffic, .. } = &self.outcome;
        let lost: Vec<String> = lost.iter().map(|(flagged, lost)| format!("{lost} of {flagged}")).collect();
        writeln!(
            out,
            "\nCascade, each source by gates chosen without it: {differ} of {} rows decided otherwise, lost by rule {}; layers computed: \
             {benign:.3} of all on the benign mix, {harmful:.3} on positives, {traffic:.3} at 95% benign.",
            self.rows,
            lost.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_meets_every_other() {
        let exits = [vec![1, 2], vec![3, 4, 5]];
        let all = combinations(&exits);
        assert_eq!(all.len(), 6);
        assert!(all.contains(&vec![&2, &4]));
        assert_eq!(combinations::<u8>(&[]), [Vec::<&u8>::new()]);
    }
}
