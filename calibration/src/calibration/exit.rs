//! An exit: a place before the model's end where its heads can answer already.

/// What the heads of one exit mean.
///
/// An exit knows less than the whole model, so its thresholds are its own, and so are the gates that say when what it
/// sees is harmless enough to look no further.
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// Its name: 1 to 64 of `a-z`, `0-9`, `_` and `-`, a letter first, unique in the calibration.
    pub stage: String,
    /// The BLAKE3 digest of the exit's weights, 64 lower-case hex digits, where they are in a file of their own.
    pub weights_digest: Option<String>,
    /// One for each head of the calibration, in its order.
    pub heads: Vec<ExitHead>,
}

/// One head at an exit.
#[derive(Clone, Debug, PartialEq)]
pub struct ExitHead {
    /// The head's name.
    pub name: String,
    /// With [`ExitHead::intercept`], the line that carries the exit's logit to the scale of the whole model's, whose
    /// curve then gives the probability; in `1e-6..=1e6`.
    pub slope: f64,
    /// In `-1e6..=1e6`.
    pub intercept: f64,
    /// The expected calibration error of the exit's scores, in `0..=1`.
    pub ece: f64,
    /// The negative rows that the thresholds were chosen on.
    pub negatives: u64,
    /// Where those rows came from: 1 to 128 characters.
    pub slice: String,
    /// The thresholds, at most 64, targets ascending, thresholds never rising.
    pub thresholds: Vec<ExitThreshold>,
    /// The gates, at most 64, [`Gate::from`] ascending and [`Gate::below`] never falling.
    pub gates: Vec<Gate>,
}

/// A threshold on an exit's score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExitThreshold {
    /// The false positive rate it was chosen for, above 0 and below 1.
    pub target_fpr: f64,
    /// On the calibrated score, in `0..=1`; a score equal to it is flagged.
    pub threshold: f32,
    /// How many of the negative rows it flags.
    pub false_positives: u64,
}

/// From which score on an exit sends a text further, for rules that act from a score of the whole model on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// A rule's threshold on the whole model's score, in `0..=1`.
    pub from: f32,
    /// A text whose score at the exit is less than this, in `0..=1`, goes no further.
    pub below: f32,
    /// The rows of the calibration whose score by the whole model is at least `from`.
    pub flagged: u64,
    /// How many of them the exit scores below `below`: what the gate loses.
    pub lost: u64,
}

impl Exit {
    /// The threshold of the head number `head` for exactly this false positive rate.
    pub fn threshold(&self, head: &str, target_fpr: f64) -> Option<f32> {
        let head = self.heads.iter().find(|own| own.name == head)?;
        let found = head.thresholds.iter().find(|threshold| threshold.target_fpr == target_fpr);
        found.map(|threshold| threshold.threshold)
    }
}

impl ExitHead {
    /// The exit's logit on the scale of the whole model's. NaN stays NaN.
    pub fn carry(&self, logit: f32) -> f32 {
        (self.slope * f64::from(logit) + self.intercept) as f32
    }

    /// The score at the exit under which a text goes no further, for a rule that acts from `threshold` on: that of the
    /// greatest [`Gate::from`] which is not above it. `None` where every text has to go on.
    pub fn gate(&self, threshold: f32) -> Option<f32> {
        Gate::below(&self.gates, threshold)
    }
}

impl Gate {
    /// As [`ExitHead::gate`], among `gates` in their order.
    pub fn below(gates: &[Self], threshold: f32) -> Option<f32> {
        gates.iter().rev().find(|gate| gate.from <= threshold).map(|gate| gate.below)
    }
}
