//! What the monitor keeps of one verdict: counts, never the text.

use std::sync::Arc;

use portcullis_calibration::Reference;

use crate::rails::classifier::SKETCH;
use crate::record::DecisionRecord;
use crate::verdict::{Coverage, CoverageReason, Decision, PolicyRef};

/// The part of a signal that was not measured.
pub(super) const NONE: u8 = u8::MAX;

/// References by which signals are counted, sorted by signal.
#[derive(Debug, Default, PartialEq)]
pub struct References {
    list: Vec<Reference>,
    id: String,
}

impl References {
    /// These references.
    #[must_use]
    pub fn new(mut list: Vec<Reference>) -> Self {
        list.sort_by(|a, b| a.signal().cmp(b.signal()));
        list.dedup_by(|later, earlier| later.signal() == earlier.signal());
        let mut hasher = blake3::Hasher::new();
        for reference in &list {
            hasher.update(reference.signal().as_bytes()).update(&[0]);
            for edge in reference.edges() {
                hasher.update(&edge.to_le_bytes());
            }
            for count in reference.counts() {
                hasher.update(&count.to_le_bytes());
            }
        }
        let id = hasher.finalize().to_hex().chars().take(16).collect();
        Self { list, id }
    }

    /// The references, by signal.
    #[must_use]
    pub fn list(&self) -> &[Reference] {
        &self.list
    }

    /// Names the references: counts made by others cannot be compared with these.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// One verdict, as far as it is counted.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Seconds since 1970.
    pub time: i64,
    /// The same in microseconds.
    pub(super) micros: i64,
    /// The decision.
    pub decision: Decision,
    /// Whether something went wrong.
    pub fault: bool,
    /// How much of the text was judged.
    pub coverage: Coverage,
    /// The rules that applied, each once.
    pub rules: Vec<String>,
    /// The data slice, where the request named one.
    pub slice: Option<String>,
    /// From the request to the verdict, in microseconds.
    pub latency_us: u64,
    /// The policy that decided.
    pub policy: PolicyRef,
    /// The digests of model and calibration.
    pub model: String,
    /// The references, and for each of them the part that this verdict belongs to.
    pub references: Arc<References>,
    pub(super) parts: Vec<u8>,
}

impl Observation {
    /// An allowed text at `time`, in seconds since 1970, that no rule applied to and of which no signal was measured.
    #[must_use]
    pub fn new(time: i64, policy: &PolicyRef, model: &str, references: &Arc<References>) -> Self {
        Self {
            time,
            micros: time.saturating_mul(1_000_000),
            decision: Decision::Allow,
            fault: false,
            coverage: Coverage::Full,
            rules: Vec::new(),
            slice: None,
            latency_us: 0,
            policy: policy.clone(),
            model: model.to_owned(),
            parts: vec![NONE; references.list.len()],
            references: Arc::clone(references),
        }
    }

    /// What is counted of a decision. `sketch` are the projections of the text's states, where the model has some.
    ///
    /// A text that left the model at an early exit has the exit's scores, which are spread otherwise: they are not counted.
    #[must_use]
    pub fn of(record: &DecisionRecord, sketch: Option<&[f32; SKETCH]>, references: &Arc<References>) -> Self {
        let time = record.time.parse::<jiff::Timestamp>().unwrap_or_default();
        let model = record.model.as_ref().map_or("", |model| model.digest.as_str());
        let calibration = record.calibration.as_deref().unwrap_or_default();
        let mut observation = Self {
            decision: record.decision,
            fault: record.fault.is_some() || record.coverage_reasons.contains(&CoverageReason::Fault),
            coverage: record.coverage,
            rules: record.findings.iter().map(|finding| finding.rule.clone()).collect(),
            slice: record.slice.clone(),
            latency_us: record.timing_us.total,
            micros: time.as_microsecond(),
            ..Self::new(time.as_second(), &record.policy, &model_key(model, calibration), references)
        };
        observation.rules.sort_unstable();
        observation.rules.dedup();
        if record.exit.is_none() {
            observation.measure(|signal| match signal.strip_prefix("embedding.") {
                Some(number) => sketch?.get(number.parse::<usize>().ok()?).copied(),
                None => record.scores.get(signal).copied(),
            });
        }
        observation
    }

    /// Places each signal that `value` knows in its part.
    pub fn measure(&mut self, value: impl Fn(&str) -> Option<f32>) {
        for (part, reference) in self.parts.iter_mut().zip(&self.references.list) {
            if let Some(value) = value(reference.signal()).filter(|value| value.is_finite()) {
                *part = u8::try_from(reference.part(value)).unwrap_or(NONE);
            }
        }
    }
}

/// Model and calibration in one word, as watches and baselines name them.
#[must_use]
pub fn model_key(model: &str, calibration: &str) -> String {
    format!("{model}/{calibration}")
}
