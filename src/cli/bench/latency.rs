//! Latency and throughput by length.

use super::texts;
use crate::cli::terminal;
use anyhow::{Context as _, ensure};
use portcullis::{Guard, Request, Timing};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Rounds that are run first and not counted.
const WARM_UP: u32 = 5;
/// What is put around a text.
const SPECIAL: usize = 2;
/// Texts in a batch whose throughput is measured.
const BATCH: usize = 32;
/// How long the throughput of one length is measured.
const THROUGHPUT_TIME: Duration = Duration::from_millis(400);

/// Everything measured at one length.
#[derive(Serialize)]
pub(super) struct Length {
    /// Tokens, with the two special ones of a text that fits one window.
    pub(super) tokens: usize,
    /// A check with one thread.
    pub(super) one_thread: Summary,
    /// A check with all threads, where there are more than one.
    pub(super) all_threads: Option<Summary>,
    /// Texts a second in batches, with all threads.
    pub(super) texts_per_second: f64,
    /// The median time of each stage with one thread, in microseconds.
    pub(super) stages_us: Timing,
}

/// Percentiles by the nearest rank, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) p50_us: f64,
    pub(super) p95_us: f64,
    pub(super) p99_us: f64,
    pub(super) mean_us: f64,
}

impl Summary {
    /// The summary of some durations; nothing for none.
    pub(super) fn of(samples: &[Duration]) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.iter().map(|time| time.as_secs_f64() * 1e6).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let rank =
            |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied();
        Some(Self {
            p50_us: rank(50)?,
            p95_us: rank(95)?,
            p99_us: rank(99)?,
            mean_us: sorted.iter().sum::<f64>() / sorted.len() as f64,
        })
    }
}

/// The samples of one length.
struct Samples {
    request: Request,
    one_thread: Vec<Duration>,
    all_threads: Vec<Duration>,
    stages: Vec<Timing>,
}

/// Measures every length with one thread and, where there is such a guard, with all threads.
///
/// # Errors
/// When a text is not judged in full, or does not have the length that it should have.
pub(super) fn measure(
    guard: &Guard,
    parallel: Option<&Guard>,
    lengths: &[u16],
    rounds: u32,
) -> anyhow::Result<Vec<Length>> {
    let mut lengths: Vec<(usize, Samples)> = lengths
        .iter()
        .map(|&tokens| {
            let tokens = usize::from(tokens);
            let request = texts::benign(tokens)?;
            confirm(guard, &request, tokens)?;
            let samples =
                Samples { request, one_thread: Vec::new(), all_threads: Vec::new(), stages: Vec::new() };
            Ok((tokens, samples))
        })
        .collect::<anyhow::Result<_>>()?;
    let progress = terminal::progress("measuring", u64::from(rounds + WARM_UP));
    for round in 0..rounds + WARM_UP {
        progress.inc(1);
        for (_, samples) in &mut lengths {
            let (time, stages) = time(guard, &samples.request);
            let parallel_time = parallel.map(|guard| self::time(guard, &samples.request).0);
            if round >= WARM_UP {
                samples.one_thread.push(time);
                samples.stages.push(stages);
                samples.all_threads.extend(parallel_time);
            }
        }
    }
    progress.finish_and_clear();
    lengths
        .into_iter()
        .map(|(tokens, samples)| {
            Ok(Length {
                tokens,
                one_thread: Summary::of(&samples.one_thread).context("no rounds were measured")?,
                all_threads: Summary::of(&samples.all_threads),
                texts_per_second: throughput(parallel.unwrap_or(guard), &samples.request),
                stages_us: median_stages(&samples.stages),
            })
        })
        .collect()
}

fn confirm(guard: &Guard, request: &Request, tokens: usize) -> anyhow::Result<()> {
    let verdict = guard.check(request);
    if let Some(fault) = verdict.fault {
        anyhow::bail!("the text of {tokens} tokens was not judged: {fault}");
    }
    let scores = guard.scores(&[&request.text])?;
    // As one sequence, whatever windows the model cuts it into. A hashed model has no special tokens: two words fewer stand
    // for the same length of text.
    let found = scores.first().map_or(0, |scores| scores.tokens + SPECIAL);
    ensure!(found == tokens, "a text made for {tokens} tokens has {found}: this model splits everyday words");
    Ok(())
}

fn time(guard: &Guard, request: &Request) -> (Duration, Timing) {
    let start = Instant::now();
    let verdict = guard.check(request);
    (start.elapsed(), verdict.timing)
}

fn throughput(guard: &Guard, request: &Request) -> f64 {
    let batch = vec![request.clone(); BATCH];
    let start = Instant::now();
    let mut texts = 0;
    while start.elapsed() < THROUGHPUT_TIME {
        texts += guard.check_batch(&batch).len();
    }
    texts as f64 / start.elapsed().as_secs_f64()
}

fn median_stages(samples: &[Timing]) -> Timing {
    let median = |stage: fn(&Timing) -> u64| {
        let mut times: Vec<u64> = samples.iter().map(stage).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    Timing {
        total: median(|times| times.total),
        normalize: median(|times| times.normalize),
        patterns: median(|times| times.patterns),
        tokenize: median(|times| times.tokenize),
        encode: median(|times| times.encode),
        decide: median(|times| times.decide),
        attribute: median(|times| times.attribute),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let samples: Vec<Duration> = (1..=200).rev().map(Duration::from_micros).collect();
        let summary = Summary::of(&samples).unwrap();
        let rounded = [summary.p50_us, summary.p95_us, summary.p99_us, summary.mean_us].map(f64::round);
        assert_eq!(rounded, [100.0, 190.0, 198.0, 101.0]);
        assert_eq!(Summary::of(&[]), None);
    }
}
