//! One call: the words' exit, tokens, windows, packs, and what became of each text.

use std::time::Instant;

use portcullis_calibration::ExitHead;
use rayon::prelude::*;

use super::run::{Active, WORTH_SPLITTING, WindowScores};
use super::{Encoded, Parts, WordsStage};
use crate::bundle::Stage;
use crate::encode::{Batch, DeviceType, EncodeError};
use crate::rails::classifier::pack::{SPECIAL, Window, packs};
use crate::rails::classifier::{HeadScores, Judged, Outcome, Summary};
use crate::threads::Threads;
use crate::tokenize::{TokenizeError, Tokens, Windowing};

/// What one call works with.
pub(super) struct Pass<'a> {
    pub(super) encoded: &'a Encoded,
    pub(super) parts: &'a Parts<'a>,
    pub(super) windowing: Windowing,
    pub(super) threads: &'a Threads,
    /// Whether the exits are asked even where nothing hangs on it.
    pub(super) look: bool,
    /// Whether the states of each window are kept.
    pub(super) keep: bool,
}

/// What the words' exit says of a text.
pub(super) struct Opening {
    /// On the scale of the whole model.
    pub(super) logits: Vec<f32>,
    /// Whether its gates let the text go no further.
    pub(super) stop: bool,
}

impl Pass<'_> {
    /// The words' exit on texts that may end there or may end early.
    pub(super) fn open(&self, texts: &[Judged<'_>]) -> Vec<Option<Opening>> {
        if self.parts.exits().is_empty() || !texts.iter().any(Judged::may_leave) {
            return Vec::new();
        }
        let asked = self.words(texts).into_iter().zip(texts);
        let opening = |(words, text): (Option<WordsStage>, &Judged<'_>)| {
            let words = words?;
            let logits = self.carry(0, &words.logits);
            let stop = words.is_short && self.stops(text, 0, || logits.clone());
            Some(Opening { logits, stop })
        };
        asked.map(opening).collect()
    }

    /// The words' exit on each text.
    pub(super) fn words(&self, texts: &[Judged<'_>]) -> Vec<Option<WordsStage>> {
        let (Some((hashed, windowing)), Some(weights)) = (&self.encoded.words, self.parts.words) else {
            return texts.iter().map(|_| None).collect();
        };
        let (outcomes, _) = hashed.judge(weights, texts, *windowing, self.threads);
        let logits = |outcome| match outcome {
            Outcome::Scored(HeadScores { logits, windows, .. }) => {
                Some(WordsStage { logits, is_short: windows == 1 })
            }
            _ => None,
        };
        outcomes.into_iter().map(logits).collect()
    }

    /// The logits of the exit number `exit` on the scale of the whole model.
    pub(super) fn carry(&self, exit: usize, logits: &[f32]) -> Vec<f32> {
        let heads: &[ExitHead] = self.parts.exits().get(exit).map_or(&[], |exit| &exit.heads);
        heads.iter().zip(logits).map(|(head, logit)| head.carry(*logit)).collect()
    }

    /// Whether `text` goes no further than the exit number `exit`, which says `carried` of it or of a window; not asked where there
    /// are no gates.
    pub(super) fn stops(&self, text: &Judged<'_>, exit: usize, carried: impl FnOnce() -> Vec<f32>) -> bool {
        let Some(gates) = text.gates else { return false };
        let mut logits = carried();
        text.correct(self.parts.calibration, &mut logits);
        gates.stop(exit, &logits)
    }

    pub(super) fn tokenize(&self, texts: &[Judged<'_>]) -> Vec<Result<Tokens, TokenizeError>> {
        let one = |judged: &Judged<'_>| {
            let mut tokens = self.encoded.buffer();
            self.parts.tokenizer.encode(judged.text, &mut tokens).map(|()| tokens)
        };
        match self.threads.pool(texts.len()) {
            Some(pool) => pool.install(|| texts.par_iter().map(one).collect()),
            None => texts.iter().map(one).collect(),
        }
    }

    /// The windows of all texts but those that have gone at the words' exit.
    pub(super) fn cut(
        &self,
        tokens: &[Result<Tokens, TokenizeError>],
        openings: &[Option<Opening>],
    ) -> Vec<Window> {
        let mut windows = Vec::with_capacity(tokens.len());
        for (text, tokens) in tokens.iter().enumerate() {
            let Ok(tokens) = tokens else { continue };
            if matches!(openings.get(text), Some(Some(Opening { stop: true, .. }))) {
                continue;
            }
            if tokens.is_empty() {
                // A text of nothing but spaces is still judged, as an empty window.
                windows.push(Window { text, range: 0..0 });
            }
            windows.extend(tokens.windows(self.windowing).map(|range| Window { text, range }));
        }
        windows
    }

    /// What is known of each window.
    pub(super) fn encode(
        &self,
        texts: &[Judged<'_>],
        tokens: &[Result<Tokens, TokenizeError>],
        windows: &[Window],
    ) -> Vec<Result<WindowScores, EncodeError>> {
        let packs = packs(windows);
        // Several packs share the threads out; a single one is split, unless other calls keep the threads busy.
        let active = Active::new(&self.encoded.active);
        let size: usize = windows.iter().map(|window| window.range.len()).sum();
        let split = packs.len() == 1 && size >= WORTH_SPLITTING && active.alone();
        let parts = if split { self.threads.number() } else { 1 };
        let run = |pack: &Vec<usize>, parts| {
            let pack: Vec<&Window> = pack.iter().filter_map(|&window| windows.get(window)).collect();
            self.encode_pack(texts, tokens, &pack, parts)
        };
        let scored: Vec<_> = match self.threads.pool(parts.max(packs.len())) {
            // A pack at a time: the pool's own pieces are an eighth of them all, and the last one is waited for.
            Some(pool) => {
                pool.install(|| packs.par_iter().with_max_len(1).map(|pack| run(pack, parts)).collect())
            }
            None => packs.iter().map(|pack| run(pack, 1)).collect(),
        };
        let mut all: Vec<Result<WindowScores, EncodeError>> =
            windows.iter().map(|_| Ok(WindowScores::default())).collect();
        for (pack, scores) in packs.iter().zip(scored) {
            match scores {
                Ok(rows) => {
                    for (&window, row) in pack.iter().zip(rows) {
                        if let Some(place) = all.get_mut(window) {
                            *place = Ok(row);
                        }
                    }
                }
                Err(error) => {
                    let message = error.to_string();
                    for &window in pack {
                        if let Some(place) = all.get_mut(window) {
                            *place = Err(candle_core::Error::msg(&message).into());
                        }
                    }
                }
            }
        }
        all
    }

    /// Adds the ids of `window` to `batch`, the special ones around them, unless its text's time is up; tells whether it did.
    pub(super) fn add_to(
        &self,
        batch: &mut Batch,
        texts: &[Judged<'_>],
        tokens: &[Result<Tokens, TokenizeError>],
        window: &Window,
        now: Instant,
    ) -> bool {
        let deadline = texts.get(window.text).and_then(|text| text.deadline);
        let of_text = tokens.get(window.text).and_then(|tokens| tokens.as_ref().ok());
        let ids = of_text.and_then(|tokens| tokens.ids.get(window.range.clone()));
        let Some(ids) = ids.filter(|_| deadline.is_none_or(|deadline| now < deadline)) else { return false };
        let (cls, sep) = (self.parts.tokenizer.cls(), self.parts.tokenizer.sep());
        batch.push(std::iter::once(cls).chain(ids.iter().copied()).chain(std::iter::once(sep)));
        true
    }

    /// What became of each text, where the whole model ran on `device`.
    pub(super) fn outcomes(
        &self,
        texts: &[Judged<'_>],
        tokens: Vec<Result<Tokens, TokenizeError>>,
        windows: &[Window],
        scored: Vec<Result<WindowScores, EncodeError>>,
        openings: Vec<Option<Opening>>,
        device: Option<DeviceType>,
    ) -> Vec<Outcome> {
        let layers = self.parts.weights.shape().layers;
        let mut sums: Vec<Summary> = tokens.iter().map(|_| Summary::default()).collect();
        for (window, scores) in windows.iter().zip(scored) {
            let Some(sum) = sums.get_mut(window.text) else { continue };
            sum.windows += 1;
            match scores {
                Ok(scores) => {
                    let size = window.range.len() + SPECIAL;
                    sum.work.0 += size * scores.layers;
                    sum.work.1 += size * layers;
                    sum.device = sum.device.or(device.filter(|_| scores.model.is_some()));
                    let opening = openings.get(window.text).and_then(Option::as_ref);
                    self.add(sum, scores, opening);
                }
                Err(error) => sum.failure = Some(error.to_string()),
            }
        }
        for (sum, opening) in sums.iter_mut().zip(openings) {
            if let Some(Opening { logits, stop: true }) = opening {
                sum.windows = 1;
                sum.work = (0, 1);
                sum.add_exit(logits, 0);
            }
        }
        sums.into_iter()
            .zip(tokens)
            .zip(texts)
            .map(|((sum, tokens), judged)| match tokens {
                Ok(tokens) => {
                    let unknown = tokens.unknown_chars as f32 / tokens.chars.max(1) as f32;
                    let outcome = sum.outcome(tokens.ids.len(), unknown, tokens.legibility(judged.text));
                    self.encoded.keep(tokens);
                    outcome
                }
                Err(error) => Outcome::Failed(error.to_string()),
            })
            .collect()
    }

    /// Adds the best answer that there is for a window: the model's, else its last exit's, else that of the words.
    fn add(&self, sum: &mut Summary, scores: WindowScores, opening: Option<&Opening>) {
        if let Some(logits) = scores.model {
            return sum.add_model(logits, &scores.sketch);
        }
        sum.early |= !scores.stopped;
        match (scores.exits.last(), opening) {
            (Some((exit, logits)), _) if !self.parts.exits().is_empty() => {
                sum.add_exit(self.carry(*exit, logits), *exit);
            }
            (_, Some(opening)) => sum.add_exit(opening.logits.clone(), 0),
            _ => {}
        }
    }

    /// The place among all exits of the one after `layers` layers.
    pub(super) fn exit_after(&self, layers: usize) -> Option<usize> {
        self.encoded.stages.iter().position(|stage| *stage == Stage::Layer(layers))
    }
}
