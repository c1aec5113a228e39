//! Counts over some verdicts: decisions, faults, coverage, rules, slices, signals and latency.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_calibration::binomial;
use serde::{Deserialize, Serialize};

use super::observation::{NONE, Observation};
use crate::verdict::{Coverage, Decision};

/// The name under which rules and slices are counted that are too many to be counted one by one.
pub const OTHER: &str = "(other)";
/// Most slices and most rules that are counted one by one.
pub(super) const MOST_SLICES: usize = 32;
pub(super) const MOST_RULES: usize = 256;
/// Most bytes of a name that is counted.
const MOST_NAME: usize = 64;

/// Decisions of some verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decisions {
    /// All of them.
    pub verdicts: u64,
    /// Texts released with edits.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rewrites: u64,
    /// Texts held for a person.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub escalations: u64,
    /// Texts not released.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub vetoes: u64,
    /// Verdicts on which something went wrong.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub faults: u64,
    /// Texts judged in part.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub partial: u64,
    /// Texts not judged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncovered: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One of the counts.
pub(super) type Events = fn(&Decisions) -> u64;

impl Decisions {
    fn add(&mut self, other: &Self) {
        self.verdicts = self.verdicts.saturating_add(other.verdicts);
        self.rewrites = self.rewrites.saturating_add(other.rewrites);
        self.escalations = self.escalations.saturating_add(other.escalations);
        self.vetoes = self.vetoes.saturating_add(other.vetoes);
        self.faults = self.faults.saturating_add(other.faults);
        self.partial = self.partial.saturating_add(other.partial);
        self.uncovered = self.uncovered.saturating_add(other.uncovered);
    }

    fn of(observation: &Observation) -> Self {
        Self {
            verdicts: 1,
            rewrites: (observation.decision == Decision::Rewrite).into(),
            escalations: (observation.decision == Decision::Escalate).into(),
            vetoes: (observation.decision == Decision::Veto).into(),
            faults: observation.fault.into(),
            partial: (observation.coverage == Coverage::Partial).into(),
            uncovered: (observation.coverage == Coverage::None).into(),
        }
    }
}

/// How long verdicts took, in bins whose bounds grow by the fourth root of two: a quantile is known to a fifth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latency(BTreeMap<u8, u64>);

impl Latency {
    /// Bins: up to 2^24 µs, about 17 s, the last for all that took longer.
    const BINS: u8 = 97;

    fn bin(micros: u64) -> u8 {
        // The first bin whose upper bound is not less: `bound` rises.
        let octave = (64 - micros.max(1).leading_zeros() - 1).min(24);
        let first = u8::try_from(octave * 4).unwrap_or(Self::BINS - 1);
        (first..first.saturating_add(5))
            .find(|bin| Self::bound(*bin) >= micros as f64)
            .unwrap_or(Self::BINS - 1)
            .min(Self::BINS - 1)
    }

    /// The upper bound of a bin, in microseconds.
    #[must_use]
    pub fn bound(bin: u8) -> f64 {
        const ROOTS: [f64; 4] = [1.0, 1.189_207_115_002_721, std::f64::consts::SQRT_2, 1.681_792_830_507_429];
        let root = ROOTS.get(usize::from(bin % 4)).copied().unwrap_or(1.0);
        root * f64::from(1u32 << u32::from(bin / 4).min(31))
    }

    pub(super) fn record(&mut self, micros: u64) {
        *self.0.entry(Self::bin(micros)).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (bin, count) in &other.0 {
            let own = self.0.entry((*bin).min(Self::BINS - 1)).or_default();
            *own = own.saturating_add(*count);
        }
    }

    /// The verdicts that were timed.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The upper bound, in microseconds, of the bin that holds this share of the verdicts; `None` without any.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = share * self.total() as f64;
        let mut sum = 0;
        for (bin, count) in &self.0 {
            sum += count;
            if sum as f64 >= wanted {
                return Some(Self::bound(*bin));
            }
        }
        None
    }

    /// The verdicts that took longer than this for sure: those in bins that begin at or above it.
    #[must_use]
    pub fn slower_than(&self, micros: f64) -> u64 {
        let above = |bin: u8| bin > 0 && Self::bound(bin - 1) >= micros;
        self.0.iter().filter(|(bin, _)| above(**bin)).map(|(_, count)| count).sum()
    }

    /// Bins with their upper bounds in microseconds and counts, rising.
    pub fn bins(&self) -> impl Iterator<Item = (f64, u64)> {
        self.0.iter().map(|(bin, count)| (Self::bound(*bin), *count))
    }
}

/// Names that are counted one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    rules: BTreeSet<String>,
    slices: BTreeSet<String>,
}

impl Names {
    /// The names that `counts` hold.
    pub(super) fn of<'a>(counts: impl Iterator<Item = &'a Counts>) -> Self {
        let mut names = Self::default();
        for counts in counts {
            names.rules.extend(counts.rules.keys().cloned());
            names.slices.extend(counts.slices.keys().cloned());
        }
        names
    }

    fn admitted<'n>(known: &mut BTreeSet<String>, name: &'n str, most: usize) -> &'n str {
        if known.contains(name) {
            return name;
        }
        if known.len() >= most || name.len() > MOST_NAME {
            return OTHER;
        }
        known.insert(name.to_owned());
        name
    }

    /// The name under which a rule is counted.
    pub(super) fn rule<'n>(&mut self, name: &'n str) -> &'n str {
        Self::admitted(&mut self.rules, name, MOST_RULES)
    }

    /// The name under which a slice is counted.
    pub(super) fn slice<'n>(&mut self, name: &'n str) -> &'n str {
        Self::admitted(&mut self.slices, name, MOST_SLICES)
    }
}

/// Counts over some verdicts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Of all verdicts.
    pub all: Decisions,
    /// Verdicts in which each rule applied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, u64>,
    /// By slice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slices: BTreeMap<String, Decisions>,
    /// For each reference, verdicts in each of its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Vec<u64>>,
    /// How long verdicts took.
    #[serde(default)]
    pub latency: Latency,
}

impl Counts {
    pub(super) fn record(&mut self, observation: &Observation, names: &mut Names) {
        let one = Decisions::of(observation);
        self.all.add(&one);
        for rule in &observation.rules {
            count(&mut self.rules, names.rule(rule), 1);
        }
        if let Some(slice) = &observation.slice {
            let name = names.slice(slice);
            match self.slices.get_mut(name) {
                Some(counts) => counts.add(&one),
                None => _ = self.slices.insert(name.to_owned(), one),
            }
        }
        let references = observation.references.list();
        self.signals.resize(references.len(), Vec::new());
        for ((counts, part), reference) in self.signals.iter_mut().zip(&observation.parts).zip(references) {
            if *part == NONE {
                continue;
            }
            counts.resize(reference.parts(), 0);
            if let Some(count) = counts.get_mut(usize::from(*part)) {
                *count += 1;
            }
        }
        self.latency.record(observation.latency_us);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        for (rule, verdicts) in &other.rules {
            count(&mut self.rules, rule, *verdicts);
        }
        for (slice, decisions) in &other.slices {
            match self.slices.get_mut(slice) {
                Some(counts) => counts.add(decisions),
                None => _ = self.slices.insert(slice.clone(), *decisions),
            }
        }
        if self.signals.len() < other.signals.len() {
            self.signals.resize(other.signals.len(), Vec::new());
        }
        for (own, other) in self.signals.iter_mut().zip(&other.signals) {
            if own.len() < other.len() {
                own.resize(other.len(), 0);
            }
            for (own, other) in own.iter_mut().zip(other) {
                *own = own.saturating_add(*other);
            }
        }
        self.latency.add(&other.latency);
    }

    /// The share of verdicts that a count is, with its interval.
    #[must_use]
    pub fn rate(&self, events: u64, sigmas: f64) -> Rate {
        Rate::new(events, self.all.verdicts, sigmas)
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str, more: u64) {
    match counts.get_mut(name) {
        Some(count) => *count = count.saturating_add(more),
        None => _ = counts.insert(name.to_owned(), more),
    }
}

/// A share of verdicts and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Events over verdicts; 0 without verdicts.
    pub value: f64,
    /// The interval's lower end, by Wilson.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Events.
    pub events: u64,
    /// Verdicts.
    pub verdicts: u64,
}

impl Rate {
    /// `events` in `verdicts`.
    #[must_use]
    pub fn new(events: u64, verdicts: u64, sigmas: f64) -> Self {
        let (low, high) = binomial::wilson(events, verdicts, sigmas);
        let value = if verdicts == 0 { 0.0 } else { events as f64 / verdicts as f64 };
        Self { value, low, high, events, verdicts }
    }
}
