//! Encoder models: the words' exit, tokenize, cut, encode in packs, leave at exits.

mod states;

pub(super) use states::read_after;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use portcullis_calibration::{Exit, ExitHead, TaughtHead};
use portcullis_kernels::Kernels;
use rayon::prelude::*;

use super::hashed::Hashed;
use super::pack::{SPECIAL, Window, packs};
use super::{HeadScores, Judged, Outcome, StageTimes, Summary, Threads};
use crate::bundle::{Bytes, HashedWeights, Manifest, Stage, Weights};
use crate::encode::{Batch, EncodeError, Encoder, Next, Visit};
use crate::tokenize::{TokenizeError, Tokenizer, Tokens, Windowing};

/// Tokens in a single pack, special ones not counted, from which it is split over the threads.
const WORTH_SPLITTING: usize = 14;

/// The encoder, and how many use it.
#[derive(Debug)]
pub(super) struct Encoded {
    encoder: Encoder,
    /// Its exits, the earliest first.
    stages: Vec<Stage>,
    words: Option<(Hashed, Windowing)>,
    /// Calls that encode at this moment.
    active: AtomicUsize,
}

/// The parts of the bundle that it works with.
pub(super) struct Parts<'a> {
    pub(super) weights: &'a Weights,
    pub(super) tokenizer: &'a Tokenizer<Bytes>,
    /// The weights of the words' exit.
    pub(super) words: Option<&'a HashedWeights>,
    /// What the exits' logits mean; empty where nobody has measured it.
    pub(super) exits: &'a [Exit],
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

/// What one call works with.
struct Pass<'a> {
    encoded: &'a Encoded,
    parts: &'a Parts<'a>,
    windowing: Windowing,
    threads: &'a Threads,
    /// Whether the exits are asked even where nothing hangs on it.
    look: bool,
    /// Whether the states of each window are kept.
    keep: bool,
}

/// What the words' exit says of a text.
struct Opening {
    /// On the scale of the whole model.
    logits: Vec<f32>,
    /// Whether its gates let the text go no further.
    stop: bool,
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
        Ok(Self { encoder, stages: manifest.stages(), words, active: AtomicUsize::new(0) })
    }

    /// The encoder.
    pub(super) const fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Judges `texts`; `parts` are those of the bundle that this was made for.
    pub(super) fn judge(
        &self,
        parts: &Parts<'_>,
        texts: &[Judged<'_>],
        windowing: Windowing,
        threads: &Threads,
    ) -> (Vec<Outcome>, StageTimes) {
        let pass = Pass { encoded: self, parts, windowing, threads, look: false, keep: false };
        let start = Instant::now();
        let openings = pass.open(texts);
        let opened = start.elapsed();
        let tokens = pass.tokenize(texts);
        let windows = pass.cut(&tokens, &openings);
        let tokenize = start.elapsed().saturating_sub(opened);
        let scored = pass.encode(texts, &tokens, &windows);
        let outcomes = pass.outcomes(texts, tokens, &windows, scored, openings);
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
        let texts: Vec<Judged<'_>> =
            texts.iter().map(|text| Judged { text, deadline: None, gates: None }).collect();
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

    /// The logits of one sequence of token ids.
    pub(super) fn encode_ids(&self, weights: &Weights, ids: &[u32]) -> Result<Vec<f32>, EncodeError> {
        let mut batch = Batch::new();
        batch.push(ids.iter().copied());
        let encoded = self.encoder.forward(weights, &batch)?;
        Ok(encoded.logits.flatten_all()?.to_vec1()?)
    }
}

impl Pass<'_> {
    /// The words' exit on texts that may end there or may end early.
    fn open(&self, texts: &[Judged<'_>]) -> Vec<Option<Opening>> {
        if self.parts.exits.is_empty() || !texts.iter().any(Judged::may_leave) {
            return Vec::new();
        }
        let asked = self.words(texts).into_iter().zip(texts);
        let opening = |(words, text): (Option<WordsStage>, &Judged<'_>)| {
            let words = words?;
            let logits = self.carry(0, &words.logits);
            let stop = words.is_short && text.gates.is_some_and(|gates| gates.stop(0, &logits));
            Some(Opening { logits, stop })
        };
        asked.map(opening).collect()
    }

    /// The words' exit on each text.
    fn words(&self, texts: &[Judged<'_>]) -> Vec<Option<WordsStage>> {
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
    fn carry(&self, exit: usize, logits: &[f32]) -> Vec<f32> {
        let heads: &[ExitHead] = self.parts.exits.get(exit).map_or(&[], |exit| &exit.heads);
        heads.iter().zip(logits).map(|(head, logit)| head.carry(*logit)).collect()
    }

    fn tokenize(&self, texts: &[Judged<'_>]) -> Vec<Result<Tokens, TokenizeError>> {
        let one = |judged: &Judged<'_>| {
            let mut tokens = Tokens::new();
            self.parts.tokenizer.encode(judged.text, &mut tokens).map(|()| tokens)
        };
        match self.threads.pool(texts.len()) {
            Some(pool) => pool.install(|| texts.par_iter().map(one).collect()),
            None => texts.iter().map(one).collect(),
        }
    }

    /// The windows of all texts but those that have gone at the words' exit.
    fn cut(&self, tokens: &[Result<Tokens, TokenizeError>], openings: &[Option<Opening>]) -> Vec<Window> {
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
    fn encode(
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
        let parts = if split { self.threads.number } else { 1 };
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

    /// What became of each text.
    fn outcomes(
        &self,
        texts: &[Judged<'_>],
        tokens: Vec<Result<Tokens, TokenizeError>>,
        windows: &[Window],
        scored: Vec<Result<WindowScores, EncodeError>>,
        openings: Vec<Option<Opening>>,
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
                    sum.outcome(tokens.ids.len(), unknown, tokens.legibility(judged.text))
                }
                Err(error) => Outcome::Failed(error.to_string()),
            })
            .collect()
    }

    /// Adds the best answer that there is for a window: the model's, else its last exit's, else that of the words.
    fn add(&self, sum: &mut Summary, scores: WindowScores, opening: Option<&Opening>) {
        if let Some(logits) = scores.model {
            return sum.add(logits);
        }
        sum.early |= !scores.stopped;
        match (scores.exits.last(), opening) {
            (Some((exit, logits)), _) if !self.parts.exits.is_empty() => {
                sum.add_exit(self.carry(*exit, logits), *exit);
            }
            (_, Some(opening)) => sum.add_exit(opening.logits.clone(), 0),
            _ => {}
        }
    }

    /// Scores the windows of one pack, those past their deadline left out.
    fn encode_pack(
        &self,
        texts: &[Judged<'_>],
        tokens: &[Result<Tokens, TokenizeError>],
        pack: &[&Window],
        parts: usize,
    ) -> Result<Vec<WindowScores>, EncodeError> {
        let now = Instant::now();
        let tokenizer = self.parts.tokenizer;
        let mut batch = Batch::new();
        // The windows that the pass still holds, by their place in the pack.
        let mut left = Vec::with_capacity(pack.len());
        let text = |window: &Window| texts.get(window.text);
        for (place, window) in pack.iter().enumerate() {
            let late = text(window).and_then(|text| text.deadline).is_some_and(|deadline| now >= deadline);
            let ids = tokens
                .get(window.text)
                .and_then(|tokens| tokens.as_ref().ok()?.ids.get(window.range.clone()));
            if let Some(ids) = ids.filter(|_| !late) {
                let body = ids.iter().copied();
                batch.push(
                    std::iter::once(tokenizer.cls()).chain(body).chain(std::iter::once(tokenizer.sep())),
                );
                left.push(place);
            }
        }
        let mut scores: Vec<WindowScores> = pack.iter().map(|_| WindowScores::default()).collect();
        if batch.is_empty() {
            return Ok(scores);
        }
        // No window is left to answer once the last deadline has passed; one without a deadline keeps the pass going.
        let deadlines = pack.iter().map(|window| text(window).and_then(|text| text.deadline));
        let last = deadlines.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
        let hangs = pack.iter().filter_map(|window| text(window)).any(Judged::may_leave);
        let look = self.look || (hangs && !self.parts.exits.is_empty());
        let layers = self.parts.weights.shape().layers;
        let reads_states = self.keep || !self.parts.taught.is_empty();
        // The states of each window that is left, layer after layer.
        let mut states: Vec<Vec<f32>> = vec![Vec::new(); pack.len()];

        let visit = |visit: &Visit<'_>| {
            if reads_states && read_after(layers).any(|read| read == visit.layers()) {
                for (place, mean) in left.iter().zip(visit.means()?) {
                    if let Some(states) = states.get_mut(*place) {
                        states.extend(mean);
                    }
                }
            }
            let exit = if look { visit.exit()? } else { None };
            let late = last.is_some_and(|last| Instant::now() >= last);
            let mut staying = vec![!late; left.len()];
            if let Some((exit, number)) = exit.zip(self.exit_after(visit.layers())) {
                let rows = exit.logits.to_vec2()?;
                for ((place, logits), staying) in left.iter().zip(rows).zip(&mut staying) {
                    let Some((window, scores)) = pack.get(*place).zip(scores.get_mut(*place)) else {
                        continue;
                    };
                    let gates = text(window).and_then(|text| text.gates);
                    scores.stopped =
                        gates.is_some_and(|gates| gates.stop(number, &self.carry(number, &logits)));
                    scores.exits.push((number, logits));
                    *staying &= !scores.stopped;
                }
            }
            if staying.iter().all(|staying| *staying) {
                return Ok(Next::All);
            }
            let mut gone = Vec::new();
            let mut stays = staying.iter();
            left.retain(|place| {
                let stays = stays.next().copied().unwrap_or(true);
                if !stays {
                    gone.push(*place);
                }
                stays
            });
            for place in gone {
                if let Some(scores) = scores.get_mut(place) {
                    scores.layers = visit.layers();
                }
            }
            Ok(Next::Only(staying))
        };
        let encoded = self.encoded.encoder.forward_visiting(self.parts.weights, &batch, parts, visit)?;
        let Some(encoded) = encoded else { return Ok(scores) };
        let pooled: Vec<Vec<f32>> = if reads_states { encoded.pooled.to_vec2()? } else { Vec::new() };
        let mut pooled = pooled.into_iter();
        for (place, mut logits) in left.iter().zip(encoded.logits.to_vec2()?) {
            let mut states = states.get_mut(*place).map(std::mem::take).unwrap_or_default();
            states.extend(pooled.next().unwrap_or_default());
            logits.extend(self.parts.taught.iter().map(|head| head.logit(&states)));
            if let Some(scores) = scores.get_mut(*place) {
                scores.model = Some(logits);
                scores.layers = layers;
                scores.states = if self.keep { states } else { Vec::new() };
            }
        }
        Ok(scores)
    }

    /// The place among all exits of the one after `layers` layers.
    fn exit_after(&self, layers: usize) -> Option<usize> {
        self.encoded.stages.iter().position(|stage| *stage == Stage::Layer(layers))
    }
}

impl Judged<'_> {
    /// Whether the text may end before the last layer.
    const fn may_leave(&self) -> bool {
        self.gates.is_some() || self.deadline.is_some()
    }
}

/// What is known of one window.
#[derive(Default)]
struct WindowScores {
    /// The logits of each exit that was asked, with its place among the exits.
    exits: Vec<(usize, Vec<f32>)>,
    /// The logits of the whole model and of the taught heads, where the pass came so far.
    model: Option<Vec<f32>>,
    /// The states of the whole model, where they are kept.
    states: Vec<f32>,
    /// Whether the gates of the last exit let it go no further.
    stopped: bool,
    /// Layers computed.
    layers: usize,
}

/// One call among those that encode.
struct Active<'a>(&'a AtomicUsize);

impl<'a> Active<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }

    fn alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
