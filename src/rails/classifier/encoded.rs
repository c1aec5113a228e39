//! Encoder models: tokenize, cut, encode in packs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use portcullis_kernels::Kernels;
use rayon::prelude::*;

use super::pack::{Window, packs};
use super::{Judged, Outcome, StageTimes, Summary, Threads};
use crate::bundle::{Bytes, Weights};
use crate::encode::{Batch, EncodeError, Encoder};
use crate::tokenize::{TokenizeError, Tokenizer, Tokens, Windowing};

/// Tokens in a single pack, special ones not counted, from which it is split over the threads.
const WORTH_SPLITTING: usize = 14;

/// The encoder, and how many use it.
#[derive(Debug)]
pub(super) struct Encoded {
    encoder: Encoder,
    /// Calls that encode at this moment.
    active: AtomicUsize,
}

/// The parts of the bundle that it works with.
pub(super) struct Parts<'a> {
    pub(super) weights: &'a Weights,
    pub(super) tokenizer: &'a Tokenizer<Bytes>,
}

/// What one call works with.
struct Pass<'a> {
    encoded: &'a Encoded,
    parts: &'a Parts<'a>,
    windowing: Windowing,
    threads: &'a Threads,
}

impl Encoded {
    /// The int8 encoder by `kernels`.
    pub(super) fn new(weights: &Weights, kernels: Kernels) -> Self {
        Self { encoder: Encoder::int8(weights, kernels), active: AtomicUsize::new(0) }
    }

    /// Judges `texts`; `parts` are those of the bundle that this was made for.
    pub(super) fn judge(
        &self,
        parts: &Parts<'_>,
        texts: &[Judged<'_>],
        windowing: Windowing,
        threads: &Threads,
    ) -> (Vec<Outcome>, StageTimes) {
        let pass = Pass { encoded: self, parts, windowing, threads };
        let start = Instant::now();
        let tokens = pass.tokenize(texts);
        let windows = pass.cut(&tokens);
        let tokenize = start.elapsed();
        let outcomes = pass.encode(texts, &tokens, &windows);
        (outcomes, StageTimes { tokenize, encode: start.elapsed().saturating_sub(tokenize) })
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

    fn cut(&self, tokens: &[Result<Tokens, TokenizeError>]) -> Vec<Window> {
        let mut windows = Vec::with_capacity(tokens.len());
        for (text, tokens) in tokens.iter().enumerate() {
            let Ok(tokens) = tokens else { continue };
            if tokens.is_empty() {
                // A text of nothing but spaces is still judged, as an empty window.
                windows.push(Window { text, range: 0..0 });
            }
            windows.extend(tokens.windows(self.windowing).map(|range| Window { text, range }));
        }
        windows
    }

    fn encode(
        &self,
        texts: &[Judged<'_>],
        tokens: &[Result<Tokens, TokenizeError>],
        windows: &[Window],
    ) -> Vec<Outcome> {
        let packs = packs(windows);
        // Several packs share the threads out; a single one is split, unless other calls keep the threads busy.
        let active = Active::new(&self.encoded.active);
        let size: usize = windows.iter().map(|window| window.range.len()).sum();
        let split = packs.len() == 1 && size >= WORTH_SPLITTING && active.alone();
        let parts = if split { self.threads.number } else { 1 };
        let run = |pack: &Vec<&Window>, parts| self.encode_pack(texts, tokens, pack, parts);
        let scored: Vec<PackScores> = match self.threads.pool(parts.max(packs.len())) {
            // A pack at a time: the pool's own pieces are an eighth of them all, and the last one is waited for.
            Some(pool) => {
                pool.install(|| packs.par_iter().with_max_len(1).map(|pack| run(pack, parts)).collect())
            }
            None => packs.iter().map(|pack| run(pack, 1)).collect(),
        };

        let mut sums: Vec<Summary> = tokens.iter().map(|_| Summary::default()).collect();
        for window in windows {
            if let Some(sum) = sums.get_mut(window.text) {
                sum.windows += 1;
            }
        }
        for (pack, scores) in packs.iter().zip(scored) {
            match scores {
                Ok(rows) => {
                    for (window, row) in pack.iter().zip(rows) {
                        if let (Some(sum), Some(row)) = (sums.get_mut(window.text), row) {
                            sum.add(row);
                        }
                    }
                }
                Err(error) => {
                    for window in pack {
                        if let Some(sum) = sums.get_mut(window.text) {
                            sum.failure = Some(error.to_string());
                        }
                    }
                }
            }
        }
        sums.into_iter()
            .zip(tokens)
            .map(|(sum, tokens)| match tokens {
                Ok(tokens) => {
                    let unknown = tokens.unknown_chars as f32 / tokens.chars.max(1) as f32;
                    sum.outcome(tokens.ids.len(), unknown)
                }
                Err(error) => Outcome::Failed(error.to_string()),
            })
            .collect()
    }

    /// Scores the windows of one pack, those past their deadline left out.
    fn encode_pack(
        &self,
        texts: &[Judged<'_>],
        tokens: &[Result<Tokens, TokenizeError>],
        pack: &[&Window],
        parts: usize,
    ) -> PackScores {
        let now = Instant::now();
        let tokenizer = self.parts.tokenizer;
        let mut batch = Batch::new();
        let mut due = Vec::with_capacity(pack.len());
        for window in pack {
            let late =
                texts.get(window.text).and_then(|text| text.deadline).is_some_and(|deadline| now >= deadline);
            let ids = tokens
                .get(window.text)
                .and_then(|tokens| tokens.as_ref().ok()?.ids.get(window.range.clone()));
            let ids = ids.filter(|_| !late);
            due.push(ids.is_some());
            if let Some(ids) = ids {
                let body = ids.iter().copied();
                batch.push(
                    std::iter::once(tokenizer.cls()).chain(body).chain(std::iter::once(tokenizer.sep())),
                );
            }
        }
        if batch.is_empty() {
            return Ok(due.into_iter().map(|_| None).collect());
        }
        // No window is left to answer once the last deadline has passed; one without a deadline keeps the pass going.
        let deadlines = pack.iter().map(|window| texts.get(window.text).and_then(|text| text.deadline));
        let last = deadlines.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
        let in_time = |_: usize, _: &_| last.is_none_or(|last| Instant::now() < last);
        let Some(encoded) = self.encoded.encoder.forward_while(self.parts.weights, &batch, parts, in_time)?
        else {
            return Ok(due.into_iter().map(|_| None).collect());
        };
        let mut rows = encoded.logits.to_vec2()?.into_iter();
        Ok(due.into_iter().map(|due| if due { rows.next() } else { None }).collect())
    }
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

/// A pack's rows in its windows' order; `None` for a window that was late.
type PackScores = Result<Vec<Option<Vec<f32>>>, EncodeError>;
