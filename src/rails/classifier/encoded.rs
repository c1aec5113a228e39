//! Encoder models: the words' exit, tokenize, cut, encode in packs, leave at exits.

mod device;
mod pass;
mod run;
mod states;

pub(super) use states::read_after;

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use portcullis_calibration::{Calibration, Exit, TaughtHead};
use portcullis_kernels::Kernels;

use super::device::{RailDevice, Route};
use super::hashed::Hashed;
use super::pack::{SPECIAL, Window};
use super::{Judged, Outcome, StageTimes};
use crate::bundle::{Bytes, HashedWeights, Manifest, Stage, Weights};
use crate::encode::{Batch, EncodeError, Encoder};
use crate::threads::Threads;
use crate::tokenize::{TokenizeError, Tokenizer, Tokens, Windowing};
use pass::Pass;

/// Most buffers that are kept.
const MOST_KEPT: usize = 64;
/// Tokens from which a buffer is not kept.
const LARGE: usize = 4096;

/// The encoder, and how many use it.
#[derive(Debug)]
pub(super) struct Encoded {
    encoder: Encoder,
    /// Its exits, the earliest first.
    stages: Vec<Stage>,
    words: Option<(Hashed, Windowing)>,
    /// Calls that encode at this moment.
    active: AtomicUsize,
    /// Buffers of past texts, so that a warm rail does not allocate them again.
    tokens: Mutex<Vec<Tokens>>,
}

/// The parts of the bundle that it works with.
pub(super) struct Parts<'a> {
    pub(super) weights: &'a Weights,
    pub(super) tokenizer: &'a Tokenizer<Bytes>,
    /// The weights of the words' exit.
    pub(super) words: Option<&'a HashedWeights>,
    /// What the exits' logits mean, as far as somebody has measured it, and what a text's length adds.
    pub(super) calibration: &'a Calibration,
    /// Heads beside the bundle's own.
    pub(super) taught: &'a [TaughtHead],
}

/// What one window is to the exits and to the whole model.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowStages {
    /// Its tokens, special ones included.
    pub tokens: usize,
    /// Logits by head of each exit that reads tokens, the earliest first, as the exit gives them.
    pub exits: Vec<Vec<f32>>,
    /// Logits by head of the whole model.
    pub model: Vec<f32>,
}

/// What one text is to the words' exit.
#[derive(Clone, Debug, PartialEq)]
pub struct WordsStage {
    /// Logits by head, as the exit gives them.
    pub logits: Vec<f32>,
    /// Whether all words are in one window. A longer text never leaves here: what is hidden in a document drowns in its
    /// words.
    pub is_short: bool,
}

/// What one text is to the exits and to the whole model.
#[derive(Clone, Debug, PartialEq)]
pub struct TextStages {
    /// The words' exit; none where there is no such exit.
    pub words: Option<WordsStage>,
    /// Its windows in order.
    pub windows: Vec<WindowStages>,
}

impl Parts<'_> {
    /// The exits, the earliest first; none where nobody has measured them.
    fn exits(&self) -> &[Exit] {
        self.calibration.exits()
    }
}

impl Encoded {
    /// The int8 encoder by `kernels`, with the exits of `manifest`.
    ///
    /// # Errors
    /// [`TokenizeError`] when the windows of the words' exit are impossible.
    pub(super) fn new(
        weights: &Weights,
        kernels: Kernels,
        manifest: &Manifest,
    ) -> Result<Self, TokenizeError> {
        let words = manifest.cascade.as_ref().and_then(|cascade| cascade.words.as_ref());
        let words = words
            .map(|words| Windowing::of_words(words.tokens, words.overlap).map(|cut| (Hashed::new(), cut)))
            .transpose()?;
        let encoder = Encoder::int8(weights, kernels);
        Ok(Self {
            encoder,
            stages: manifest.stages(),
            words,
            active: AtomicUsize::new(0),
            tokens: Mutex::default(),
        })
    }

    /// Judges `texts`; `parts` are those of the bundle that this was made for. A `device` that takes the batch judges all of it;
    /// where it fails, the CPU does, or the failure is every text's where the flag beside it says so.
    pub(super) fn judge(
        &self,
        parts: &Parts<'_>,
        texts: &[Judged<'_>],
        windowing: Windowing,
        threads: &Threads,
        device: Option<(&RailDevice, bool)>,
        route: Route,
    ) -> (Vec<Outcome>, StageTimes) {
        let pass = Pass { encoded: self, parts, windowing, threads, look: false, keep: false };
        let start = Instant::now();
        let mut openings = pass.open(texts);
        let opened = start.elapsed();
        let tokens = pass.tokenize(texts);
        let size: usize = tokens.iter().flatten().map(|tokens| tokens.ids.len() + SPECIAL).sum();
        let device = device.filter(|(device, _)| device.takes(size, route));
        let mut windows = pass.cut(&tokens, if device.is_some() { &[] } else { &openings });
        let tokenize = start.elapsed().saturating_sub(opened);
        let answered = device.map(|(device, is_strict)| {
            (device.info().device, is_strict, pass.answer_on(device, texts, &tokens, &windows))
        });
        let (scored, device) = match answered {
            Some((device, _, Ok(scored))) => {
                // The whole model has read what the words would have let go.
                openings.iter_mut().flatten().for_each(|opening| opening.stop = false);
                (scored, Some(device))
            }
            Some((_, true, Err(failure))) => {
                let failed = |_: &Window| Err(failure.clone().into());
                (windows.iter().map(failed).collect(), None)
            }
            on_cpu => {
                if on_cpu.is_some() {
                    windows = pass.cut(&tokens, &openings);
                }
                (pass.encode(texts, &tokens, &windows), None)
            }
        };
        let outcomes = pass.outcomes(texts, tokens, &windows, scored, openings, device);
        (outcomes, StageTimes { tokenize, encode: start.elapsed().saturating_sub(tokenize) })
    }

    /// What every exit says of `texts`.
    pub(super) fn stages(
        &self,
        parts: &Parts<'_>,
        texts: &[&str],
        windowing: Windowing,
        threads: &Threads,
    ) -> Result<Vec<TextStages>, EncodeError> {
        let parts = &Parts { taught: &[], ..*parts };
        let pass = Pass { encoded: self, parts, windowing, threads, look: true, keep: false };
        let texts = states::undisturbed(texts);
        let words = pass.words(&texts);
        let tokens = pass.tokenize(&texts);
        let windows = pass.cut(&tokens, &[]);
        let mut stages: Vec<TextStages> =
            words.into_iter().map(|words| TextStages { words, windows: Vec::new() }).collect();
        for (window, scores) in windows.iter().zip(pass.encode(&texts, &tokens, &windows)) {
            let scores = scores?;
            let missing = || candle_core::Error::msg("a window was not judged to its end");
            if let Some(text) = stages.get_mut(window.text) {
                text.windows.push(WindowStages {
                    tokens: window.range.len() + SPECIAL,
                    exits: scores.exits.into_iter().map(|(_, logits)| logits).collect(),
                    model: scores.model.ok_or_else(missing)?,
                });
            }
        }
        Ok(stages)
    }

    /// A buffer of a past text, or a new one.
    fn buffer(&self) -> Tokens {
        self.tokens.lock().ok().and_then(|mut kept| kept.pop()).unwrap_or_default()
    }

    /// Keeps a buffer for a text to come, unless there are enough, or it has grown large.
    fn keep(&self, tokens: Tokens) {
        if tokens.ids.capacity() <= LARGE
            && let Ok(mut kept) = self.tokens.lock()
            && kept.len() < MOST_KEPT
        {
            kept.push(tokens);
        }
    }

    /// The logits of each sequence of token ids, all in one pass.
    pub(super) fn encode_batch(
        &self,
        weights: &Weights,
        batch: &Batch,
        threads: &Threads,
    ) -> Result<Vec<Vec<f32>>, EncodeError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let run = || self.encoder.forward_in(weights, batch, threads.number());
        let encoded = match threads.pool(threads.number()) {
            Some(pool) => pool.install(run),
            None => run(),
        };
        Ok(encoded?.logits.to_vec2()?)
    }

    /// The logits of one sequence of token ids.
    pub(super) fn encode_ids(&self, weights: &Weights, ids: &[u32]) -> Result<Vec<f32>, EncodeError> {
        let mut batch = Batch::new();
        batch.push(ids.iter().copied());
        let encoded = self.encoder.forward(weights, &batch)?;
        Ok(encoded.logits.flatten_all()?.to_vec1()?)
    }
}
