//! The classifier rail: tokenize, cut into windows, encode in packs, and take each head's strongest window.

mod pack;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use portcullis_kernels::Kernels;
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::bundle::Bundle;
use crate::encode::{Batch, EncodeError, Encoder};
use crate::tokenize::{TokenizeError, Tokens, Windowing};
use pack::{Window, packs};

/// The classifier rail over one bundle.
#[derive(Debug)]
pub struct ClassifierRail {
    bundle: Arc<Bundle>,
    encoder: Encoder,
    windowing: Windowing,
    threads: usize,
    /// Made at the first batch that is worth more than one thread.
    pool: OnceLock<Option<ThreadPool>>,
    /// Calls that encode at this moment.
    active: AtomicUsize,
}

/// Tokens in a single pack, special ones not counted, from which it is split over the threads.
const WORTH_SPLITTING: usize = 14;

/// One text for the rail.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The normalized text.
    pub text: &'a str,
    /// When its answer is worthless.
    pub deadline: Option<Instant>,
}

/// What the heads say of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadScores {
    /// A logit for each head: the largest over the windows. NaN when any window's is.
    pub logits: Vec<f32>,
    /// Tokens, special ones not counted.
    pub tokens: usize,
    /// Windows judged.
    pub windows: usize,
    /// Share of characters outside the vocabulary, in `0..=1`.
    pub unknown_share: f32,
}

/// How the rail fared with one text.
#[derive(Debug)]
pub enum Outcome {
    /// Judged whole.
    Scored(HeadScores),
    /// The deadline passed before the last window.
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
    /// Encoder and heads.
    pub encode: Duration,
}

impl ClassifierRail {
    /// A rail over `bundle`, by `kernels`, on at most `threads` threads.
    ///
    /// # Errors
    /// [`TokenizeError`] when the manifest's windows are impossible.
    pub fn new(bundle: Arc<Bundle>, kernels: Kernels, threads: usize) -> Result<Self, TokenizeError> {
        let shape = bundle.manifest().windows;
        let windowing = Windowing::new(shape.tokens, shape.overlap)?;
        let encoder = Encoder::int8(bundle.weights(), kernels);
        Ok(Self {
            bundle,
            encoder,
            windowing,
            threads: threads.max(1),
            pool: OnceLock::new(),
            active: AtomicUsize::new(0),
        })
    }

    /// Judges `texts`; the answers come in the same order and do not depend on each other.
    pub fn judge(&self, texts: &[Judged<'_>]) -> (Vec<Outcome>, StageTimes) {
        let start = Instant::now();
        let tokens = self.tokenize(texts);
        let windows = self.cut(&tokens);
        let tokenize = start.elapsed();
        let outcomes = self.encode(texts, &tokens, &windows);
        (outcomes, StageTimes { tokenize, encode: start.elapsed().saturating_sub(tokenize) })
    }

    /// Encodes one sequence of token ids, the special ones included; answers the logits.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn encode_ids(&self, ids: &[u32]) -> Result<Vec<f32>, EncodeError> {
        let mut batch = Batch::new();
        batch.push(ids.iter().copied());
        let encoded = self.encoder.forward(self.bundle.weights(), &batch)?;
        Ok(encoded.logits.flatten_all()?.to_vec1()?)
    }

    fn tokenize(&self, texts: &[Judged<'_>]) -> Vec<Result<Tokens, TokenizeError>> {
        let one = |judged: &Judged<'_>| {
            let mut tokens = Tokens::new();
            self.bundle.tokenizer().encode(judged.text, &mut tokens).map(|()| tokens)
        };
        match self.pool(texts.len()) {
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
        let active = Active::new(&self.active);
        let size: usize = windows.iter().map(|window| window.range.len()).sum();
        let split = packs.len() == 1 && size >= WORTH_SPLITTING && active.alone();
        let parts = if split { self.threads } else { 1 };
        let run = |pack: &Vec<&Window>, parts| self.encode_pack(texts, tokens, pack, parts);
        let scored: Vec<PackScores> = match self.pool(parts.max(packs.len())) {
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
        sums.into_iter().zip(tokens).map(|(sum, tokens)| sum.outcome(tokens)).collect()
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
        let tokenizer = self.bundle.tokenizer();
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
        let Some(encoded) = self.encoder.forward_while(self.bundle.weights(), &batch, parts, in_time)? else {
            return Ok(due.into_iter().map(|_| None).collect());
        };
        let mut rows = encoded.logits.to_vec2()?.into_iter();
        Ok(due.into_iter().map(|due| if due { rows.next() } else { None }).collect())
    }

    /// The thread pool, when there are threads and pieces enough for one.
    fn pool(&self, pieces: usize) -> Option<&ThreadPool> {
        if self.threads < 2 || pieces < 2 {
            return None;
        }
        // Without a pool the caller's thread does the work: slower, never wrong.
        self.pool
            .get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(self.threads).build().ok())
            .as_ref()
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

/// What is known of one text while its windows come in.
#[derive(Default)]
struct Summary {
    windows: usize,
    judged: usize,
    logits: Vec<f32>,
    failure: Option<String>,
}

impl Summary {
    fn add(&mut self, logits: Vec<f32>) {
        if self.judged == 0 {
            self.logits = logits;
        } else {
            for (most, logit) in self.logits.iter_mut().zip(logits) {
                // `max` would drop a NaN, and a NaN must surface.
                if logit.is_nan() || logit > *most {
                    *most = logit;
                }
            }
        }
        self.judged += 1;
    }

    fn outcome(self, tokens: &Result<Tokens, TokenizeError>) -> Outcome {
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        if let Some(failure) = self.failure {
            return Outcome::Failed(failure);
        }
        if self.judged < self.windows || self.judged == 0 {
            return Outcome::Late { judged: self.judged, windows: self.windows };
        }
        Outcome::Scored(HeadScores {
            logits: self.logits,
            tokens: tokens.ids.len(),
            windows: self.windows,
            unknown_share: tokens.unknown_chars as f32 / tokens.chars.max(1) as f32,
        })
    }
}
