//! Teaches a head from a few examples: a linear function of a frozen model's states, cross-validated and calibrated.
//!
//! The function is a logistic regression with a quadratic penalty, both classes counted alike whatever their numbers. The
//! penalty is the one with the least log loss on held-out examples in stratified cross-validation, and the curve and the
//! thresholds come from those held-out logits. Nothing is random and every sum has one order: the same examples give the
//! same head on every machine.

mod logistic;

pub(crate) use logistic::dot;

use logistic::{Linear, Rows};

use crate::calibration::Head;
use crate::elementary::softplus;
use crate::fit::{self, FitError, Observations};
use crate::measure::{self, Bins, MeasureError};
use crate::threshold::{self, ThresholdError};
use crate::{Ranking, binomial};

/// The fewest positive examples that a head is taught from.
pub const LEAST_POSITIVES: usize = 20;
/// The parts of the cross-validation.
pub const FOLDS: usize = 5;
/// The false positive rates for which thresholds are sought; each is kept where the negative examples show that it holds.
pub const TARGET_FPRS: [f64; 10] = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1];
/// What the thresholds of a taught head were chosen on.
pub const SLICE: &str = "held-out examples";

/// Penalties that are tried, falling: from a function that hardly leaves zero to one that follows every example.
const PENALTIES: [f64; 8] = [0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001];
/// No threshold is below an even chance.
const LEAST_SCORE: f32 = 0.5;
/// The share of negative examples that the suggested threshold may flag.
const SUGGESTED_FPR: f64 = 0.01;
/// How calibration errors are binned.
const BINS: Bins = Bins::EqualMass(15);

/// One labelled text.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// The model's states, a row for each window of the text; all rows of all examples are equally wide.
    pub windows: &'a [Vec<f32>],
    /// Whether it is of the category.
    pub positive: bool,
}

/// What was learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// A weight for each state.
    pub weights: Vec<f32>,
    /// What is added to the weighted sum. A text's logit is the largest of its windows' sums.
    pub bias: f32,
    /// The penalty that was chosen.
    pub penalty: f64,
    /// Curve, thresholds and calibration errors. Errors count both classes alike.
    pub head: Head,
    /// The area under the ROC curve over the held-out examples.
    pub auc: f64,
    /// A threshold of at least an even chance that flags at most one in a hundred of the held-out negative examples.
    pub threshold: f32,
    /// The share of the held-out positive examples that reaches it.
    pub recall: f64,
    /// The calibrated score of each example when it was held out.
    pub scores: Vec<f32>,
}

/// Why nothing can be learnt.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TeachError {
    /// Too few positive examples.
    #[error("found {found} positive examples, expected at least {LEAST_POSITIVES}")]
    Positives {
        /// Their number.
        found: usize,
    },
    /// Too few negative examples.
    #[error("found {found} negative examples, expected at least as many as the {positives} positive ones")]
    Negatives {
        /// Their number.
        found: usize,
        /// The number of positive examples.
        positives: usize,
    },
    /// An example without states, or rows of states that are not equally wide.
    #[error("example {example} (from 0) has {found} states in a window, expected {expected}")]
    Width {
        /// The example, counted from 0.
        example: usize,
        /// Its width; 0 where it has no window.
        found: usize,
        /// The width of the first example.
        expected: usize,
    },
    /// A state that is no number.
    #[error("example {example} (from 0) has a state that is not finite")]
    NotFinite {
        /// The example, counted from 0.
        example: usize,
    },
    /// The model's states do not tell the classes apart.
    #[error("the positive examples cannot be told from the negative ones")]
    Indistinct(#[source] FitError),
    /// A measure that cannot be computed.
    #[error("the lesson cannot be measured")]
    Measure(#[from] MeasureError),
    /// A threshold that cannot be chosen.
    #[error("no threshold can be chosen")]
    Threshold(#[from] ThresholdError),
}

/// Learns the head `name`.
///
/// Takes time linear in the rows: a second or two for 2,000 rows of 1,152 states.
///
/// # Errors
///
/// [`TeachError`]: too few examples of a class, states that are not equally wide or not finite, and classes that the states
/// do not tell apart.
pub fn teach(name: &str, examples: &[Example<'_>]) -> Result<Lesson, TeachError> {
    let positives = examples.iter().filter(|example| example.positive).count();
    let negatives = examples.len() - positives;
    if positives < LEAST_POSITIVES {
        return Err(TeachError::Positives { found: positives });
    }
    if negatives < positives {
        return Err(TeachError::Negatives { found: negatives, positives });
    }
    let class = Class::new(examples)?;
    let (penalty, logits) = class.cross_validate(examples);
    let (weights, bias) = class.space.raw(&class.path(&class.weights(|_| true), penalty));

    let labels: Vec<f32> = examples.iter().map(|example| f32::from(u8::from(example.positive))).collect();
    // Either class weighs as much as the smaller: a score of one half is an even chance where both are as common.
    let share = positives as f32 / negatives as f32;
    let counts: Vec<f32> =
        examples.iter().map(|example| if example.positive { 1.0 } else { share }).collect();
    let observations = Observations::new(&logits, &labels, Some(&counts)).map_err(TeachError::Indistinct)?;
    let curve = fit::platt(&observations).map_err(TeachError::Indistinct)?.curve;
    let scores: Vec<f32> = logits.iter().map(|logit| curve.apply(*logit)).collect();

    let of = |positive: bool| -> Vec<f32> {
        let held = examples.iter().zip(&scores).filter(|(example, _)| example.positive == positive);
        held.map(|(_, score)| *score).collect()
    };
    let (caught, innocent) = (of(true), of(false));
    let truth: Vec<bool> = examples.iter().map(|example| example.positive).collect();
    let ranking = Ranking::new(&scores, &truth)?;
    let even = balanced(&caught, &innocent)?;
    let mut thresholds = Vec::new();
    for target in TARGET_FPRS {
        // Where too many rows score 1 there is no threshold for this target, but perhaps for a larger one.
        let sure = threshold::within_fpr(&innocent, target, SLICE).ok().flatten();
        thresholds.extend(sure.map(|sure| threshold::at_least(sure, LEAST_SCORE, &innocent)));
    }
    let suggested = threshold::at_fpr(&innocent, SUGGESTED_FPR, SLICE)?;
    let suggested = threshold::at_least(suggested, LEAST_SCORE, &innocent).threshold;
    let head = Head {
        name: name.to_owned(),
        experimental: false,
        curve,
        positives: positives as u64,
        negatives: negatives as u64,
        ece: measure::reliability(&even, BINS)?.ece,
        brier: measure::brier(&even)?,
        thresholds,
    };
    Ok(Lesson {
        weights,
        bias,
        penalty,
        head,
        auc: measure::auc(&ranking)?,
        threshold: suggested,
        recall: ranking.flagged(suggested).0 as f64 / positives as f64,
        scores,
    })
}

/// The fewest negative examples that can show a false positive rate of `target` at 95% confidence: with none flagged.
#[must_use]
pub fn least_negatives(target: f64) -> u64 {
    let shows =
        |rows: u64| binomial::upper_bound(0, rows, threshold::CONFIDENCE).is_ok_and(|bound| bound <= target);
    let mut high = 1;
    while !shows(high) && high < 1 << 32 {
        high *= 2;
    }
    let mut low = high / 2;
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if shows(middle) { high = middle } else { low = middle }
    }
    high
}

/// The scores with each class repeated so often that both are about as many.
fn balanced(positives: &[f32], negatives: &[f32]) -> Result<Ranking, MeasureError> {
    let times = negatives.len() / positives.len().max(1);
    let mut scores = positives.repeat(times);
    let mut labels = vec![true; scores.len()];
    scores.extend_from_slice(negatives);
    labels.resize(scores.len(), false);
    Ranking::new(&scores, &labels)
}

/// The examples' windows as rows to fit.
struct Class {
    space: Space,
    states: Vec<Vec<f32>>,
    positive: Vec<bool>,
    /// The example of each row.
    example: Vec<usize>,
    /// One over the windows of the row's example.
    share: Vec<f64>,
    /// The part of the cross-validation that each example is held out in.
    fold: Vec<usize>,
}

impl Class {
    fn new(examples: &[Example<'_>]) -> Result<Self, TeachError> {
        let width = examples.first().and_then(|example| example.windows.first()).map_or(0, Vec::len);
        for (number, example) in examples.iter().enumerate() {
            let odd = example.windows.iter().map(Vec::len).find(|found| *found != width || width == 0);
            if let Some(found) = odd.or(example.windows.is_empty().then_some(0)) {
                return Err(TeachError::Width { example: number, found, expected: width });
            }
            if !example.windows.iter().flatten().all(|state| state.is_finite()) {
                return Err(TeachError::NotFinite { example: number });
            }
        }
        let space = Space::of(examples.iter().flat_map(|example| example.windows), width);
        // Each class is dealt out in the order of the examples.
        let mut dealt = [0_usize; 2];
        let fold = |example: &Example<'_>| {
            let [negatives, positives] = &mut dealt;
            let count = if example.positive { positives } else { negatives };
            *count += 1;
            (*count - 1) % FOLDS
        };
        let fold = examples.iter().map(fold).collect();
        let mut class = Self {
            space,
            states: Vec::new(),
            positive: Vec::new(),
            example: Vec::new(),
            share: Vec::new(),
            fold,
        };
        for (number, example) in examples.iter().enumerate() {
            for window in example.windows {
                class.states.push(class.space.enter(window));
                class.positive.push(example.positive);
                class.example.push(number);
                class.share.push(1.0 / example.windows.len() as f64);
            }
        }
        Ok(class)
    }

    /// What each row counts when only the examples that are `used` do: both classes alike, each example alike within its
    /// class.
    fn weights(&self, used: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut sums = [0.0; 2];
        let rows = || self.example.iter().zip(&self.positive).zip(&self.share);
        for ((example, positive), share) in rows() {
            let [negatives, positives] = &mut sums;
            if used(*example) {
                *(if *positive { positives } else { negatives }) += share;
            }
        }
        let [negatives, positives] = sums;
        let weight = |((example, positive), share): ((&usize, &bool), &f64)| {
            let sum = if *positive { positives } else { negatives };
            if used(*example) { 0.5 * share / sum } else { 0.0 }
        };
        rows().map(weight).collect()
    }

    /// The function for `penalty`, reached over the larger ones.
    fn path(&self, weights: &[f64], penalty: f64) -> Linear {
        let rows = Rows { states: &self.states, positive: &self.positive, weights };
        let steps = PENALTIES.iter().take_while(|larger| **larger >= penalty);
        steps.fold(self.space.origin(), |start, penalty| logistic::fit(&rows, *penalty, start))
    }

    /// The penalty that predicts best, and each example's logit by a function that has not seen it.
    fn cross_validate(&self, examples: &[Example<'_>]) -> (f64, Vec<f32>) {
        let mut logits = vec![vec![f64::NEG_INFINITY; examples.len()]; PENALTIES.len()];
        for fold in 0..FOLDS {
            let held = |example: usize| self.fold.get(example) == Some(&fold);
            let weights = self.weights(|example| !held(example));
            let rows = Rows { states: &self.states, positive: &self.positive, weights: &weights };
            let mut linear = self.space.origin();
            for (penalty, logits) in PENALTIES.iter().zip(&mut logits) {
                linear = logistic::fit(&rows, *penalty, linear);
                for (row, example) in self.states.iter().zip(&self.example) {
                    if let Some(most) = logits.get_mut(*example).filter(|_| held(*example)) {
                        *most = most.max(logistic::value(&linear, row));
                    }
                }
            }
        }
        let best = PENALTIES
            .into_iter()
            .zip(logits)
            .min_by(|(_, a), (_, b)| lost(examples, a).total_cmp(&lost(examples, b)));
        let (penalty, logits) = best.unwrap_or_default();
        (penalty, logits.into_iter().map(|logit| logit as f32).collect())
    }
}

/// The mean log loss, both classes counted alike.
fn lost(examples: &[Example<'_>], logits: &[f64]) -> f64 {
    let mut sums = [(0.0, 0.0); 2];
    for (example, logit) in examples.iter().zip(logits) {
        let [negatives, positives] = &mut sums;
        let (sum, count) = if example.positive { positives } else { negatives };
        *sum += softplus(if example.positive { -logit } else { *logit });
        *count += 1.0;
    }
    sums.iter().map(|(sum, count)| sum / count).sum()
}

/// The space in which functions are fitted: states less their mean, of a mean square of one over all of them.
struct Space {
    mean: Vec<f64>,
    /// What each state is multiplied by.
    scale: Vec<f64>,
}

impl Space {
    fn of<'a>(rows: impl Iterator<Item = &'a Vec<f32>> + Clone, width: usize) -> Self {
        let count = rows.clone().count() as f64;
        let mut mean = vec![0.0; width];
        for row in rows.clone() {
            mean.iter_mut().zip(row).for_each(|(sum, state)| *sum += f64::from(*state) / count);
        }
        let mut spread = vec![0.0; width];
        for row in rows {
            for ((sum, state), mean) in spread.iter_mut().zip(row).zip(&mean) {
                let off = f64::from(*state) - mean;
                *sum += off * off / count;
            }
        }
        // A state's own spread, drawn halfway to that of all: few rows tell little of a single state.
        let common = spread.iter().fold(0.0, |sum, spread| sum + spread) / width as f64;
        let scale = spread.iter().map(|spread| {
            let drawn = 0.5 * (spread + common) * width as f64;
            if drawn > 0.0 { 1.0 / drawn.sqrt() } else { 0.0 }
        });
        let scale = scale.collect();
        Self { mean, scale }
    }

    fn enter(&self, row: &[f32]) -> Vec<f32> {
        let entered = row.iter().zip(self.mean.iter().zip(&self.scale));
        entered.map(|(state, (mean, scale))| ((f64::from(*state) - mean) * scale) as f32).collect()
    }

    /// The function that is zero everywhere.
    fn origin(&self) -> Linear {
        vec![0.0; self.mean.len() + 1]
    }

    /// A function of this space as weights and offset for the states as they come.
    fn raw(&self, linear: &[f64]) -> (Vec<f32>, f32) {
        let mut bias = linear.last().copied().unwrap_or_default();
        let mut weights = Vec::with_capacity(self.mean.len());
        for ((weight, mean), scale) in linear.iter().zip(&self.mean).zip(&self.scale) {
            let weight = (weight * scale) as f32;
            bias -= f64::from(weight) * mean;
            weights.push(weight);
        }
        (weights, bias as f32)
    }
}

#[cfg(test)]
mod tests;
