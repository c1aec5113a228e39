//! Hashed models: words, windows, sums.

use std::sync::Mutex;
use std::time::Instant;

use rayon::prelude::*;

use super::{Judged, Outcome, StageTimes, Summary};
use crate::bundle::HashedWeights;
use crate::hashed::{Scratch, logits};
use crate::threads::Threads;
use crate::tokenize::{Legibility, Windowing, Words};

/// Texts of a batch that one thread takes at a time: fewer are not worth telling another.
const SHARE: usize = 16;

/// Buffers of past texts, so that a warm rail does not allocate them again.
#[derive(Debug, Default)]
pub(super) struct Hashed {
    buffers: Mutex<Vec<Buffers>>,
}

/// What one text needs for a while.
#[derive(Debug, Default)]
struct Buffers {
    words: Words,
    scratch: Scratch,
}

impl Hashed {
    /// No buffers yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Judges `texts` by `weights`. The times are sums over the texts, whichever thread took them.
    pub(super) fn judge(
        &self,
        weights: &HashedWeights,
        texts: &[Judged<'_>],
        windowing: Windowing,
        threads: &Threads,
    ) -> (Vec<Outcome>, StageTimes) {
        let share = |texts: &[Judged<'_>]| self.judge_share(weights, texts, windowing);
        let judged: Vec<(Vec<Outcome>, StageTimes)> = match threads.pool(texts.len().div_ceil(SHARE)) {
            Some(pool) => pool.install(|| texts.par_chunks(SHARE).map(share).collect()),
            None => vec![share(texts)],
        };
        let mut outcomes = Vec::with_capacity(texts.len());
        let mut times = StageTimes::default();
        for (share, took) in judged {
            outcomes.extend(share);
            times.tokenize += took.tokenize;
            times.encode += took.encode;
        }
        (outcomes, times)
    }

    fn judge_share(
        &self,
        weights: &HashedWeights,
        texts: &[Judged<'_>],
        windowing: Windowing,
    ) -> (Vec<Outcome>, StageTimes) {
        let taken = self.buffers.lock().ok().and_then(|mut all| all.pop());
        let mut buffers = taken.unwrap_or_default();
        let mut times = StageTimes::default();
        let outcomes = texts
            .iter()
            .map(|judged| {
                let start = Instant::now();
                buffers.words.split(judged.text);
                let split = start.elapsed();
                let outcome = one(weights, judged, windowing, &mut buffers);
                times.tokenize += split;
                times.encode += start.elapsed().saturating_sub(split);
                outcome
            })
            .collect();
        if let Ok(mut all) = self.buffers.lock() {
            all.push(buffers);
        }
        (outcomes, times)
    }
}

/// Judges the words that lie in `buffers`, window by window until the deadline.
fn one(weights: &HashedWeights, judged: &Judged<'_>, windowing: Windowing, buffers: &mut Buffers) -> Outcome {
    let Buffers { words, scratch } = buffers;
    // A text of nothing but spaces is still judged, as an empty window.
    let empty = words.is_empty().then_some(0..0);
    let windows: Vec<_> = empty.into_iter().chain(words.windows(windowing)).collect();
    let mut sum = Summary { windows: windows.len(), ..Summary::default() };
    for window in windows {
        if judged.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
        sum.add(logits(weights, words, window, scratch));
    }
    sum.outcome(words.len(), 0.0, Legibility::default())
}
