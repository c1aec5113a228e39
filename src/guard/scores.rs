//! What the model says of texts and token ids, and the patterns of texts, weighed by no policy.

use std::time::{Duration, Instant};

use super::{Guard, GuardError, full_message};
use crate::calibrate::calibrated;
use crate::normalize::Normalized;
use crate::rails::classifier::{HeadScores, Judged, Length, Outcome, Route, SKETCH, TextStages};
use crate::verdict::Detection;

/// What the heads say of one text, before any policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// A logit for each head: the largest over the text's windows, corrected by the text's length.
    pub logits: Vec<f32>,
    /// The calibrated scores in `0..=1`.
    pub calibrated: Vec<f32>,
    /// Tokens, special ones not counted; words where the model is hashed.
    pub tokens: usize,
    /// Windows judged.
    pub windows: usize,
    /// Projections of the model's state, averaged over the windows; none where it has no states.
    pub sketch: Option<[f32; SKETCH]>,
}

impl Guard {
    /// The heads' scores of each text, normalized as for a verdict but weighed by no policy, and without its readings.
    ///
    /// # Errors
    /// [`GuardError::Encode`] when the encoder fails on a text.
    pub fn scores(&self, texts: &[&str]) -> Result<Vec<Scores>, GuardError> {
        let heads = self.own_scores(texts, Length::of)?.into_iter();
        Ok(heads
            .map(|heads| Scores {
                calibrated: calibrated(self.0.bundle.calibration(), &heads.logits),
                logits: heads.logits,
                tokens: heads.tokens,
                windows: heads.windows,
                sketch: heads.sketch,
            })
            .collect())
    }

    /// The largest logit of each head over the windows of each text, normalized as for a verdict, as the model gives them: what
    /// corrections by length are made from.
    ///
    /// # Errors
    /// [`GuardError::Encode`] when the encoder fails on a text.
    pub fn uncorrected_logits(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, GuardError> {
        let heads = self.own_scores(texts, |_| Length::Uncorrected)?.into_iter();
        Ok(heads.map(|heads| heads.logits).collect())
    }

    /// What the bundle's own heads say of texts, normalized as for a verdict, as of texts of this `length`.
    fn own_scores(
        &self,
        texts: &[&str],
        length: impl Fn(&str) -> Length,
    ) -> Result<Vec<HeadScores>, GuardError> {
        let normalized: Vec<Normalized<'_>> = texts.iter().map(|text| Normalized::new(text)).collect();
        let judged = normalized.iter().map(Normalized::text).map(|text| (text, length(text)));
        let mut heads = self.head_scores(judged, Route::BySize)?;
        heads.iter_mut().for_each(|heads| heads.logits.truncate(self.heads().len()));
        Ok(heads)
    }

    /// The states of the model for each window of each text, the texts normalized as for a verdict: what heads of a policy's
    /// own are taught on. They are averages over the window's tokens after a third, two thirds and all of the layers:
    /// `[text][window][state]`, three times the model's width.
    ///
    /// # Errors
    /// [`GuardError::NoStates`] for a model without an encoder, [`GuardError::Encode`] when the encoder fails.
    pub fn states(&self, texts: &[&str]) -> Result<Vec<Vec<Vec<f32>>>, GuardError> {
        if self.0.bundle.weights().is_none() {
            return Err(GuardError::NoStates { bundle: self.0.bundle.entry().id.clone() });
        }
        let normalized: Vec<Normalized<'_>> = texts.iter().map(|text| Normalized::new(text)).collect();
        let texts: Vec<&str> = normalized.iter().map(Normalized::text).collect();
        self.0.classifier.window_states(&texts).map_err(|error| GuardError::Encode(full_message(&error)))
    }

    /// What every exit of the model says of each text, normalized as for a verdict.
    ///
    /// # Errors
    /// [`GuardError::Encode`] when the encoder fails, and where the model has no exits.
    pub fn stages(&self, texts: &[&str]) -> Result<Vec<TextStages>, GuardError> {
        let normalized: Vec<Normalized<'_>> = texts.iter().map(|text| Normalized::new(text)).collect();
        let texts: Vec<&str> = normalized.iter().map(Normalized::text).collect();
        self.0.classifier.stages(&texts).map_err(|error| GuardError::Encode(full_message(&error)))
    }

    /// What the rails that need no model see in a text, weighed by no policy; those of the host are not asked.
    #[must_use]
    pub fn detect(&self, text: &str) -> Vec<Detection> {
        let mut found = Vec::new();
        self.0.patterns.scan(text, &mut found);
        found
    }

    /// What the heads say of texts that are normalized already, as of texts of these lengths.
    pub(super) fn head_scores<'a>(
        &self,
        texts: impl Iterator<Item = (&'a str, Length)>,
        route: Route,
    ) -> Result<Vec<HeadScores>, GuardError> {
        let judged: Vec<Judged<'_>> = texts.map(|(text, length)| Judged::undisturbed(text, length)).collect();
        let (outcomes, _) = self.0.classifier.judge_by(&judged, route);
        self.tell_of_device();
        outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Scored(heads) => Ok(heads),
                Outcome::Early(_) | Outcome::Late { .. } => {
                    Err(GuardError::Encode("a window was not judged".to_owned()))
                }
                Outcome::Failed(message) => Err(GuardError::Encode(message)),
            })
            .collect()
    }

    /// Encodes one sequence of token ids, the special ones included, and says how long that took.
    ///
    /// # Errors
    /// [`GuardError::Encode`] for ids outside the vocabulary, a sequence longer than the model's positions, and a model that
    /// reads no ids.
    pub fn encode_ids(&self, ids: &[u32]) -> Result<(Duration, Vec<f32>), GuardError> {
        let start = Instant::now();
        let logits = self.0.classifier.encode_ids(ids).map_err(|e| GuardError::Encode(full_message(&e)))?;
        Ok((start.elapsed(), logits))
    }

    /// Encodes sequences of token ids together, the special ones included, on the device where the guard has one, and says how long
    /// that took.
    ///
    /// # Errors
    /// As for [`Guard::encode_ids`], and where the device fails.
    pub fn encode_batch(&self, sequences: &[Vec<u32>]) -> Result<(Duration, Vec<Vec<f32>>), GuardError> {
        let start = Instant::now();
        let logits = self.0.classifier.encode_batch(sequences);
        let logits = logits.map_err(|error| GuardError::Encode(full_message(&error)))?;
        Ok((start.elapsed(), logits))
    }
}
