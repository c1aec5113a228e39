//! Takes a baseline from the installation's own log.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use portcullis_calibration::Reference;

use super::baseline::{Baseline, Taken};
use super::counts::{Counts, Names};
use super::observation::{Observation, References};
use super::{FOLDER, MonitorError, read};
use crate::log::{self, Body};

/// The fewest verdicts that make a baseline.
const LEAST: u64 = 500;
/// Most verdicts that are looked at, the newest ones.
const MOST: usize = 200_000;

/// A baseline of the decisions in the log from `since` on, in seconds since 1970: those by the policy and the model of the last
/// one. It is not written: see [`Baseline::write`].
///
/// The log holds no states of texts. Where `references` has signals that are no scores, their spread is that of the monitor's
/// own long window.
///
/// # Errors
/// [`MonitorError::Log`] for a log that cannot be read, and [`MonitorError::TooFew`].
pub fn take(
    root: &Path,
    since: i64,
    by: &str,
    now: &str,
    references: &[Reference],
) -> Result<Baseline, MonitorError> {
    let failed = |source| MonitorError::Log { source };
    let none = Arc::new(References::default());
    let mut kept: VecDeque<(Observation, String, BTreeMap<String, f32>)> = VecDeque::new();
    for entry in log::read(root).map_err(failed)? {
        let Body::Decision(record) = entry.map_err(failed)?.body else { continue };
        let observation = Observation::of(&record, None, &none);
        if observation.time < since {
            continue;
        }
        let other = |(last, ..): &(Observation, String, _)| {
            last.policy.digest != observation.policy.digest || last.model != observation.model
        };
        if kept.back().is_some_and(other) || kept.len() >= MOST {
            // Only verdicts of one kind are compared with.
            if kept.len() >= MOST { _ = kept.pop_front() } else { kept.clear() }
        }
        let scores = if record.exit.is_none() { record.scores } else { BTreeMap::new() };
        kept.push_back((observation, record.time, scores));
    }
    let found = kept.len() as u64;
    let too_few = MonitorError::TooFew { found, expected: LEAST };
    let (Some((_, from, _)), Some((last, to, _)), true) = (kept.front(), kept.back(), found >= LEAST) else {
        return Err(too_few);
    };
    let (mut counts, mut names) = (Counts::default(), Names::default());
    let mut samples: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for (observation, _, scores) in &kept {
        counts.record(observation, &mut names);
        for (signal, score) in scores {
            samples.entry(signal).or_default().push(*score);
        }
    }
    let enough = samples.iter().filter(|(_, values)| values.len() as u64 >= LEAST);
    let mut spread: Vec<Reference> =
        enough.filter_map(|(signal, values)| Reference::of_sample(signal, values)).collect();
    spread.extend(watched(root, last, references)?);
    let taken = Taken {
        by,
        taken: now.to_owned(),
        from: from.clone(),
        to: to.clone(),
        policy: last.policy.digest.clone(),
        model: last.model.clone(),
    };
    super::disk::create_dir(&root.join(FOLDER))?;
    Ok(Baseline::new(taken, &counts, &spread))
}

/// The spreads of projections that the monitor has counted by the calibration's references.
fn watched(
    root: &Path,
    last: &Observation,
    references: &[Reference],
) -> Result<Vec<Reference>, MonitorError> {
    let references = References::new(references.to_vec());
    let Some(state) = read(root)? else { return Ok(Vec::new()) };
    let Some(watch) = state.watch(&last.policy.digest).filter(|watch| watch.references() == references.id())
    else {
        return Ok(Vec::new());
    };
    let [_, (_, long), _] = watch.counts();
    let pairs = references.list().iter().zip(long.signals);
    let projections = pairs.filter(|(reference, counts)| {
        reference.signal().starts_with("embedding.") && counts.iter().sum::<u64>() >= LEAST
    });
    Ok(projections.filter_map(|(reference, counts)| reference.with_counts(counts).ok()).collect())
}
