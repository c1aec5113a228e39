//! The exits of a model: what their logits mean, thresholds of their own, and gates by which a cascade leaves early.
//!
//! A gate is chosen among what the whole model flags: of the texts that may leave (for the words' exit) or windows (for an exit after
//! layers) whose score is at least a rule's threshold, at most a share `loss` may leave. The shares of the exits are
//! chosen together: those that make the least work of everyday traffic while the decisions under the policy differ from
//! the whole model's on at most `differ` of all rows, and no rule loses more than `rule_loss` of what it flags. Each source
//! of rows is judged by gates that were chosen without it: attacks of a new origin are what a gate lets slip first.

mod gates;
mod pieces;
mod simulate;

use std::fmt::Write as _;

use anyhow::{Context, Result};
use portcullis::Guard;
use portcullis::rails::classifier::TextStages;
use portcullis_calibration::fit::{self, Observations};
use portcullis_calibration::{Curve, Exit, ExitHead, ExitThreshold, Parameters, Ranking, measure};

use super::budget::Spent;
use super::heads::{BINS, Floor, HeadFit, SLICE, added};
use super::policy::HeadRule;
use super::rows::{Mix, Rows};
use gates::{Choice, Width, choices};
use pieces::pieces;
use simulate::{Outcome, simulate};

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
    /// The rows' lengths.
    pub(super) lengths: &'a [usize],
    pub(super) mix: &'a Mix,
    pub(super) stages: &'a [TextStages],
    pub(super) fits: &'a [HeadFit],
    pub(super) rules: &'a [HeadRule],
    pub(super) chosen: &'a Spent,
    pub(super) floor: Floor,
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
    let (mut logits, mut adds, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    let (mut outside, mut mix) = (Vec::new(), Vec::new());
    let marked = material.rows.rows.iter().zip(material.mix.marks());
    for (((row, in_mix), length), stages) in marked.zip(material.lengths).zip(material.stages) {
        let logit =
            logit(stages, exit, column).with_context(|| format!("a row of {} has none", row.source))?;
        let added = added(fit.correction.as_ref(), *length);
        if in_mix {
            mix.push((logit, added));
        }
        if let Some(&label) = row.labels.get(name) {
            logits.push(logit);
            adds.push(added);
            labels.push(label);
            outside.push(!in_mix);
        }
    }
    // The line relates what the two give as they are; a length adds the same to both.
    let (model_a, model_b) = line(&fit.uncorrected);
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
    let score = |(logit, added): (f32, f32)| fit.calibrated.curve.apply(head.carry(logit) + added);
    let mix: Vec<f32> = mix.into_iter().map(score).collect();
    let scores: Vec<f32> = logits.into_iter().zip(adds).map(score).collect();
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
