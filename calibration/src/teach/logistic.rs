//! Logistic regression with a quadratic penalty, by L-BFGS with halved steps (Liu and Nocedal 1989).
//!
//! Sums run in a fixed order over eight lanes, so the same rows give the same weights on every machine.

use crate::elementary::{sigmoid, softplus};

const MAX_STEPS: u32 = 300;
/// The search ends where no part of the gradient is larger: the loss is at most ln 2, and its weights sum to one.
const FLAT: f64 = 1e-6;
/// Pairs of steps and gradient changes that stand for the curvature.
const MEMORY: usize = 8;
const LANES: usize = 8;

/// Rows of equal width, their classes, and what each counts.
pub(super) struct Rows<'a> {
    pub(super) states: &'a [Vec<f32>],
    pub(super) positive: &'a [bool],
    /// At least 0; a row with 0 is left out. They sum to 1.
    pub(super) weights: &'a [f64],
}

/// The weights of a linear function, its offset last.
pub(super) type Linear = Vec<f64>;

/// The value of a linear function at `row`.
pub(super) fn value(linear: &[f64], row: &[f32]) -> f64 {
    match linear.split_last() {
        Some((offset, weights)) => dot(row, weights) + offset,
        None => 0.0,
    }
}

/// The linear function with the least weighted mean of `softplus(-+value)` plus half of `penalty` times the sum of its
/// squared weights, the offset not penalized, searched from `start`.
///
/// The loss is convex and the penalty above 0, so there is one such function; what is returned after the last step is near
/// enough to it for a fit on examples.
pub(super) fn fit(rows: &Rows<'_>, penalty: f64, start: Linear) -> Linear {
    let mut at = start;
    let (mut loss, mut gradient) = rows.loss(&at, penalty);
    let mut memory: Vec<(Linear, Linear, f64)> = Vec::new();
    for _ in 0..MAX_STEPS {
        if gradient.iter().all(|part| part.abs() <= FLAT) {
            break;
        }
        let mut step = direction(&memory, &gradient);
        let mut descent = product(&step, &gradient);
        if descent >= 0.0 {
            // What is remembered no longer fits; the gradient always descends.
            memory.clear();
            step = gradient.iter().map(|part| -part).collect();
            descent = -product(&gradient, &gradient);
        }
        let mut share = 1.0;
        let next = loop {
            let there: Linear = at.iter().zip(&step).map(|(at, step)| at + share * step).collect();
            let (value, slope) = rows.loss(&there, penalty);
            if value <= loss + 1e-4 * share * descent {
                break Some((there, value, slope));
            }
            share *= 0.5;
            if share < 1e-10 {
                break None;
            }
        };
        // No step is short enough to descend: rounding is all that is left.
        let Some((there, value, slope)) = next else { break };
        let moved: Linear = there.iter().zip(&at).map(|(there, at)| there - at).collect();
        let turned: Linear = slope.iter().zip(&gradient).map(|(new, old)| new - old).collect();
        let curvature = product(&moved, &turned);
        if curvature > 0.0 {
            if memory.len() == MEMORY {
                memory.remove(0);
            }
            memory.push((moved, turned, curvature));
        }
        (at, loss, gradient) = (there, value, slope);
    }
    at
}

impl Rows<'_> {
    /// The loss of `linear` and its gradient.
    fn loss(&self, linear: &[f64], penalty: f64) -> (f64, Linear) {
        let mut loss = 0.0;
        let mut gradient = vec![0.0; linear.len()];
        for ((row, &positive), &weight) in self.states.iter().zip(self.positive).zip(self.weights) {
            if weight == 0.0 {
                continue;
            }
            let z = value(linear, row);
            let (lost, error) = match positive {
                true => (softplus(-z), sigmoid(z) - 1.0),
                false => (softplus(z), sigmoid(z)),
            };
            loss += weight * lost;
            let error = weight * error;
            for (part, state) in gradient.iter_mut().zip(row) {
                *part += error * f64::from(*state);
            }
            if let Some(offset) = gradient.last_mut() {
                *offset += error;
            }
        }
        let weights = linear.split_last().map_or(&[] as &[f64], |(_, weights)| weights);
        for (part, weight) in gradient.iter_mut().zip(weights) {
            loss += 0.5 * penalty * weight * weight;
            *part += penalty * weight;
        }
        (loss, gradient)
    }
}

/// The gradient turned by the remembered curvature: the two-loop recursion.
fn direction(memory: &[(Linear, Linear, f64)], gradient: &[f64]) -> Linear {
    let mut step: Linear = gradient.iter().map(|part| -part).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (moved, turned, curvature) in memory.iter().rev() {
        let share = product(moved, &step) / curvature;
        add(&mut step, turned, -share);
        shares.push(share);
    }
    if let Some((_, turned, curvature)) = memory.last() {
        let scale = curvature / product(turned, turned);
        step.iter_mut().for_each(|part| *part *= scale);
    }
    for ((moved, turned, curvature), share) in memory.iter().zip(shares.iter().rev()) {
        let share = share - product(turned, &step) / curvature;
        add(&mut step, moved, share);
    }
    step
}

fn add(to: &mut [f64], what: &[f64], share: f64) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += share * what;
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

/// The sum of products, in eight lanes that are added at the end, in order.
pub(crate) fn dot<W: Copy + Into<f64>>(row: &[f32], weights: &[W]) -> f64 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let (weight_chunks, weight_rest) = weights.as_chunks::<LANES>();
    let mut lanes = [0.0_f64; LANES];
    for (states, weights) in chunks.iter().zip(weight_chunks) {
        for ((lane, state), weight) in lanes.iter_mut().zip(states).zip(weights) {
            *lane += f64::from(*state) * (*weight).into();
        }
    }
    let rest = rest.iter().zip(weight_rest);
    let rest = rest.fold(0.0, |sum, (state, weight)| sum + f64::from(*state) * (*weight).into());
    lanes.iter().fold(rest, |sum, lane| sum + lane)
}
