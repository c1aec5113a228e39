//! The classifier rail: cut a text into windows, judge each by the bundle's model, and take each head's strongest window.

mod device;
mod encoded;
mod gates;
mod hashed;
mod judged;
mod pack;
mod sketch;
mod states;
mod window;

pub use device::{DeviceTrouble, RailDevice, Route};
pub use encoded::{TextStages, WindowStages, WordsStage};
pub use gates::Gates;
pub use judged::{Judged, Length};
pub use sketch::SKETCH;
pub use states::TokenStates;

use std::sync::Arc;
use std::time::Duration;

use portcullis_calibration::TaughtHead;
use portcullis_kernels::Kernels;
use rayon::prelude::*;

use crate::bundle::{Bundle, Model};
use crate::encode::{Batch, DeviceType, EncodeError};
use crate::threads::Threads;
use crate::tokenize::{Legibility, TokenizeError, Windowing};
use encoded::Encoded;
use hashed::Hashed;

/// The classifier rail over one bundle. Clones share the model and the threads.
#[derive(Clone, Debug)]
pub struct ClassifierRail {
    bundle: Arc<Bundle>,
    kind: Arc<Kind>,
    windowing: Windowing,
    threads: Arc<Threads>,
    /// Heads beside the bundle's own; an encoder's only.
    taught: Vec<TaughtHead>,
    /// An accelerator beside the CPU; for an encoder only.
    device: Option<RailDevice>,
    /// Whether a failure of the device is one of the rail; the CPU judges again where it is not.
    is_strict: bool,
}

/// What the rail holds beside the bundle, by the kind of its model.
#[derive(Debug)]
enum Kind {
    Encoder(Box<Encoded>),
    Hashed(Hashed),
}

const OTHER_MODEL: &str = "the classifier was made for another kind of model";

/// What the heads say of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadScores {
    /// A logit for each of the bundle's heads: the largest over the windows, an exit's carried to the scale of the whole
    /// model, corrected by the text's length. NaN when any window's is. After them one for each taught head, where the whole
    /// model read every window.
    pub logits: Vec<f32>,
    /// For each logit the place among the text's windows of the one that it is from.
    pub from: Vec<usize>,
    /// The earliest exit that answered for a window, by its place; none where the whole model answered for all.
    pub exit: Option<usize>,
    /// Layers computed for the text's tokens, as a share of all layers for all of them.
    pub work: f32,
    /// Tokens, special ones not counted, or words where the model is hashed.
    pub tokens: usize,
    /// Windows judged.
    pub windows: usize,
    /// Share of characters outside the vocabulary, in `0..=1`.
    pub unknown_share: f32,
    /// How much of it is in words that the vocabulary can read; nothing where the model has none.
    pub legibility: Legibility,
    /// The device that judged a part of the text; none where the CPU judged all of it.
    pub device: Option<DeviceType>,
    /// Projections of the text's state, averaged over its windows, where the whole model read all of them.
    pub sketch: Option<[f32; SKETCH]>,
}

/// How the rail fared with one text.
#[derive(Debug)]
pub enum Outcome {
    /// Judged whole, as far as it asked for.
    Scored(HeadScores),
    /// The deadline passed, but for every window an exit had answered.
    Early(HeadScores),
    /// The deadline passed before every window had an answer.
    Late {
        /// Windows judged in time.
        judged: usize,
        /// Windows of the text.
        windows: usize,
    },
    /// The encoder failed.
    Failed(String),
}

/// The time spent on a batch, by stage.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Tokenization and cutting.
    pub tokenize: Duration,
    /// The model and its heads.
    pub encode: Duration,
}

impl ClassifierRail {
    /// A rail over `bundle`, by `kernels`, on `threads`.
    ///
    /// # Errors
    /// [`TokenizeError`] when the manifest's windows are impossible.
    pub fn new(bundle: Arc<Bundle>, kernels: Kernels, threads: Arc<Threads>) -> Result<Self, TokenizeError> {
        let shape = bundle.manifest().windows;
        let (kind, windowing) = match bundle.model() {
            Model::Encoder { weights, .. } => (
                Kind::Encoder(Box::new(Encoded::new(weights, kernels, bundle.manifest())?)),
                Windowing::new(shape.tokens, shape.overlap)?,
            ),
            Model::Hashed(_) => {
                (Kind::Hashed(Hashed::new()), Windowing::of_words(shape.tokens, shape.overlap)?)
            }
        };
        let (taught, device, is_strict) = (Vec::new(), None, false);
        Ok(Self { bundle, kind: Arc::new(kind), windowing, threads, taught, device, is_strict })
    }

    /// The same rail with an accelerator beside the CPU, which has the model of its bundle, with the states that
    /// [`ClassifierRail::states_after`] says. A model without an encoder does not use it.
    #[must_use]
    pub fn with_device(self, device: Option<RailDevice>) -> Self {
        Self { device, ..self }
    }

    /// The same rail, for which a failure of its device is one of its own, or the same texts are judged again by the CPU.
    #[must_use]
    pub fn strict(self, is_strict: bool) -> Self {
        Self { is_strict, ..self }
    }

    /// The accelerator beside the CPU.
    #[must_use]
    pub const fn device(&self) -> Option<&RailDevice> {
        self.device.as_ref()
    }

    /// After how many of the layers of the bundle's encoder, beside all of them, an accelerator has to average the states.
    #[must_use]
    pub fn states_after(bundle: &Bundle) -> Vec<usize> {
        bundle
            .weights()
            .map_or_else(Vec::new, |weights| encoded::read_after(weights.shape().layers).collect())
    }

    /// The same rail with heads that were taught on the states of its encoder, in place of those it has.
    #[must_use]
    pub fn with_heads(self, taught: Vec<TaughtHead>) -> Self {
        Self { taught, ..self }
    }

    /// How many states of a window taught heads read; none where the model has no states.
    #[must_use]
    pub fn state_width(bundle: &Bundle) -> Option<usize> {
        let shape = bundle.weights()?.shape();
        Some(shape.hidden * (1 + encoded::read_after(shape.layers).count()))
    }

    /// How a text is cut into windows.
    #[must_use]
    pub const fn windowing(&self) -> Windowing {
        self.windowing
    }

    /// Judges `texts`; the answers come in the same order and do not depend on each other.
    pub fn judge(&self, texts: &[Judged<'_>]) -> (Vec<Outcome>, StageTimes) {
        self.judge_by(texts, Route::BySize)
    }

    /// As [`ClassifierRail::judge`], at this place where there is a device.
    pub fn judge_by(&self, texts: &[Judged<'_>], route: Route) -> (Vec<Outcome>, StageTimes) {
        let (mut outcomes, times) = match (&*self.kind, self.bundle.model()) {
            (Kind::Encoder(encoded), Model::Encoder { .. }) => match self.parts() {
                Some(parts) => {
                    let device = self.device.as_ref().map(|device| (device, self.is_strict));
                    encoded.judge(&parts, texts, self.windowing, &self.threads, device, route)
                }
                None => other_model(texts),
            },
            (Kind::Hashed(hashed), Model::Hashed(weights)) => {
                hashed.judge(weights, texts, self.windowing, &self.threads)
            }
            // `new` made the one for the other; a rail that could not judge must not stay silent.
            _ => other_model(texts),
        };
        for (outcome, text) in outcomes.iter_mut().zip(texts) {
            if let Outcome::Scored(heads) | Outcome::Early(heads) = outcome {
                text.correct(self.bundle.calibration(), &mut heads.logits);
            }
        }
        (outcomes, times)
    }

    /// What every exit and the whole model say of each window of `texts`, whatever any gate would say.
    ///
    /// # Errors
    /// [`EncodeError`]; a model without exits has none to ask.
    pub fn stages(&self, texts: &[&str]) -> Result<Vec<TextStages>, EncodeError> {
        match (&*self.kind, self.parts()) {
            (Kind::Encoder(encoded), Some(parts)) => {
                encoded.stages(&parts, texts, self.windowing, &self.threads)
            }
            _ => Err(EncodeError::NoIds),
        }
    }

    /// The parts of the bundle that an encoder works with.
    fn parts(&self) -> Option<encoded::Parts<'_>> {
        let Model::Encoder { weights, tokenizer, words } = self.bundle.model() else { return None };
        let calibration = self.bundle.calibration();
        Some(encoded::Parts { weights, tokenizer, words: words.as_ref(), calibration, taught: &self.taught })
    }

    /// `each` of the items, over the rail's threads where there is more than one.
    pub fn map<T: Sync, R: Send>(&self, items: &[T], each: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
        match self.threads.pool(items.len()) {
            Some(pool) => pool.install(|| items.par_iter().map(each).collect()),
            None => items.iter().map(each).collect(),
        }
    }

    /// Encodes one sequence of token ids, the special ones included; answers the logits.
    ///
    /// # Errors
    /// [`EncodeError`], also where the model reads no token ids.
    pub fn encode_ids(&self, ids: &[u32]) -> Result<Vec<f32>, EncodeError> {
        match (&*self.kind, self.bundle.weights()) {
            (Kind::Encoder(encoded), Some(weights)) => encoded.encode_ids(weights, ids),
            _ => Err(EncodeError::NoIds),
        }
    }

    /// Encodes sequences of token ids together, the special ones included, on the device where the rail has one; answers the
    /// logits of each.
    ///
    /// # Errors
    /// [`EncodeError`], also where the model reads no token ids.
    pub fn encode_batch(&self, sequences: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, EncodeError> {
        let mut batch = Batch::new();
        sequences.iter().for_each(|ids| batch.push(ids.iter().copied()));
        match (&*self.kind, self.bundle.weights(), &self.device) {
            (Kind::Encoder(_), Some(_), Some(device)) => Ok(device.answer(&batch)?.logits),
            (Kind::Encoder(encoded), Some(weights), None) => {
                encoded.encode_batch(weights, &batch, &self.threads)
            }
            _ => Err(EncodeError::NoIds),
        }
    }
}

fn other_model(texts: &[Judged<'_>]) -> (Vec<Outcome>, StageTimes) {
    (texts.iter().map(|_| Outcome::Failed(OTHER_MODEL.to_owned())).collect(), StageTimes::default())
}

/// What is known of one text while its windows come in.
#[derive(Default)]
struct Summary {
    windows: usize,
    judged: usize,
    logits: Vec<f32>,
    /// For each logit the window that it is from.
    from: Vec<usize>,
    /// The earliest exit that answered for a window.
    exit: Option<usize>,
    /// Whether a window was left at an exit for want of time.
    early: bool,
    /// Tokens times layers, computed and in all.
    work: (usize, usize),
    failure: Option<String>,
    /// The device that judged a window.
    device: Option<DeviceType>,
    /// The sums of the projections of the windows that the whole model read, and their number.
    sketch: ([f32; SKETCH], usize),
}

impl Summary {
    /// Adds a window that the whole model read.
    fn add_model(&mut self, logits: Vec<f32>, sketch: &[f32; SKETCH]) {
        self.sketch.0.iter_mut().zip(sketch).for_each(|(sum, value)| *sum += value);
        self.sketch.1 += 1;
        self.add(logits);
    }

    fn add(&mut self, logits: Vec<f32>) {
        if self.judged == 0 {
            self.from = vec![0; logits.len()];
            self.logits = logits;
        } else {
            // What an exit says of a window leaves out the taught heads, which need every window.
            self.logits.truncate(logits.len());
            self.from.truncate(logits.len());
            for ((most, from), logit) in self.logits.iter_mut().zip(&mut self.from).zip(logits) {
                // `max` would drop a NaN, and a NaN must surface.
                if logit.is_nan() || logit > *most {
                    (*most, *from) = (logit, self.judged);
                }
            }
        }
        self.judged += 1;
    }

    /// Adds a window that left at the exit number `exit`.
    fn add_exit(&mut self, logits: Vec<f32>, exit: usize) {
        self.exit = Some(self.exit.map_or(exit, |other| other.min(exit)));
        self.add(logits);
    }

    /// What became of a text of `tokens` tokens, an `unknown_share` of whose characters the model has no tokens for.
    fn outcome(self, tokens: usize, unknown_share: f32, legibility: Legibility) -> Outcome {
        if let Some(failure) = self.failure {
            return Outcome::Failed(failure);
        }
        if self.judged < self.windows || self.judged == 0 {
            return Outcome::Late { judged: self.judged, windows: self.windows };
        }
        let work = match self.work {
            (_, 0) => 1.0,
            (done, all) => done as f32 / all as f32,
        };
        let (logits, from, windows) = (self.logits, self.from, self.windows);
        let (exit, device) = (self.exit, self.device);
        let (sums, read) = self.sketch;
        let sketch = (read == windows).then(|| sums.map(|sum| sum / windows as f32));
        let scores = HeadScores {
            logits,
            from,
            exit,
            work,
            tokens,
            windows,
            unknown_share,
            legibility,
            device,
            sketch,
        };
        if self.early { Outcome::Early(scores) } else { Outcome::Scored(scores) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_did_not_read_every_window_has_no_logit() {
        let model = || vec![1.0, 2.0, 3.0];
        let exit = || vec![1.5, 0.0];
        let mut first = Summary::default();
        first.add(model());
        first.add_exit(exit(), 1);
        let mut last = Summary::default();
        last.add_exit(exit(), 1);
        last.add(model());
        assert_eq!((first.logits, last.logits), (vec![1.5, 2.0], vec![1.5, 2.0]));
        assert_eq!((first.from, last.from), (vec![1, 0], vec![0, 1]));
    }

    #[test]
    fn states_are_read_a_third_and_two_thirds_of_the_way() {
        let read = |layers| encoded::read_after(layers).collect::<Vec<_>>();
        assert_eq!([read(6), read(3), read(12)], [[2, 4], [1, 2], [4, 8]]);
        assert_eq!((read(2), read(1)), (vec![1], vec![]));
    }
}
