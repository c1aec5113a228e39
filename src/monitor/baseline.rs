//! The baseline: what the installation's own verdicts were like when a person said that all was well.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use portcullis_calibration::Reference;
use serde::{Deserialize, Serialize};

use super::MonitorError;
use super::counts::{Counts, Decisions, MOST_RULES, MOST_SLICES};

/// The file's name in the monitor's folder.
pub const FILE: &str = "baseline.toml";
/// Most bytes read of it.
const LIMIT: u64 = 1 << 20;
const SCHEMA: u64 = 1;

/// What an installation compares itself with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    schema: u64,
    /// Who took it.
    pub by: String,
    /// When, in UTC.
    pub taken: String,
    /// The times of its first and last verdict, in UTC.
    pub from: String,
    /// See [`Baseline::from`].
    pub to: String,
    /// The digest of the policy that decided.
    pub policy: String,
    /// The digests of model and calibration: scores of others are not compared.
    pub model: String,
    /// The median of the verdicts' times, in microseconds.
    pub p50_us: f64,
    /// The time that one verdict in a hundred exceeds, in microseconds.
    pub p99_us: f64,
    /// The decisions.
    pub all: Decisions,
    /// Verdicts in which each rule applied.
    #[serde(default)]
    pub rules: BTreeMap<String, u64>,
    /// The decisions by slice.
    #[serde(default)]
    pub slices: BTreeMap<String, Decisions>,
    /// How signals were spread.
    #[serde(default, rename = "reference")]
    references: Vec<Spread>,
}

/// A reference as the file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spread {
    signal: String,
    edges: Vec<f32>,
    counts: Vec<u64>,
}

/// Who took a baseline, of what, and when.
#[derive(Clone, Debug)]
pub struct Taken<'a> {
    /// The person.
    pub by: &'a str,
    /// When, in UTC.
    pub taken: String,
    /// The times of the first and the last verdict, in UTC.
    pub from: String,
    /// See [`Taken::from`].
    pub to: String,
    /// The digest of the policy.
    pub policy: String,
    /// The digests of model and calibration.
    pub model: String,
}

impl Baseline {
    /// The baseline of these counts.
    #[must_use]
    pub fn new(taken: Taken<'_>, counts: &Counts, references: &[Reference]) -> Self {
        let Taken { by, taken, from, to, policy, model } = taken;
        let spread = |reference: &Reference| Spread {
            signal: reference.signal().to_owned(),
            edges: reference.edges().to_vec(),
            counts: reference.counts().to_vec(),
        };
        Self {
            schema: SCHEMA,
            by: by.to_owned(),
            taken,
            from,
            to,
            policy,
            model,
            p50_us: counts.latency.quantile(0.5).unwrap_or_default(),
            p99_us: counts.latency.quantile(0.99).unwrap_or_default(),
            all: counts.all,
            rules: counts.rules.clone(),
            slices: counts.slices.clone(),
            references: references.iter().map(spread).collect(),
        }
    }

    /// How signals were spread.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let read = |spread: &Spread| {
            Reference::new(&spread.signal, spread.edges.clone(), spread.counts.clone()).ok()
        };
        self.references.iter().filter_map(read).collect()
    }

    /// The baseline in the monitor's folder; `None` where there is none.
    ///
    /// # Errors
    /// [`MonitorError`] for a file that cannot be read or is no baseline.
    pub fn read(folder: &Path) -> Result<Option<Self>, MonitorError> {
        let path = folder.join(FILE);
        let failed = |source| MonitorError::Io { action: "read", path: path.clone(), source };
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let invalid = |what: String| MonitorError::Baseline { path: path.clone(), what };
        let mut text = String::new();
        let read = file.take(LIMIT + 1).read_to_string(&mut text).map_err(failed)?;
        if read as u64 > LIMIT {
            return Err(invalid(format!("it has more than {LIMIT} bytes")));
        }
        let baseline: Self = toml::from_str(&text)
            .map_err(|error| invalid(error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))?;
        baseline.check().map_err(invalid)?;
        Ok(Some(baseline))
    }

    /// Writes the file in the monitor's folder, in place of one that is there.
    ///
    /// # Errors
    /// [`MonitorError`].
    pub fn write(&self, folder: &Path) -> Result<(), MonitorError> {
        let path = folder.join(FILE);
        let text = toml::to_string(self)
            .map_err(|error| MonitorError::Baseline { path: path.clone(), what: error.to_string() })?;
        super::disk::replace(&path, text.as_bytes())
    }

    fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("its schema is {}, expected {SCHEMA}", self.schema));
        }
        let sound = |all: &Decisions| {
            let most = all.verdicts;
            let parts = [all.rewrites, all.escalations, all.vetoes, all.faults, all.partial, all.uncovered];
            most <= Reference::MAX_COUNT && parts.iter().all(|part| *part <= most)
        };
        if self.all.verdicts == 0 || !sound(&self.all) || !self.slices.values().all(sound) {
            return Err("it counts more events than verdicts, or no verdicts".to_owned());
        }
        if self.rules.values().any(|verdicts| *verdicts > self.all.verdicts) {
            return Err("a rule applied in more verdicts than there were".to_owned());
        }
        if self.rules.len() > MOST_RULES + 1 || self.slices.len() > MOST_SLICES + 1 {
            return Err(format!(
                "it has {} rules and {} slices, expected at most {MOST_RULES} and {MOST_SLICES}",
                self.rules.len(),
                self.slices.len()
            ));
        }
        let time = |micros: f64| micros.is_finite() && micros >= 0.0;
        if !time(self.p50_us) || !time(self.p99_us) {
            return Err("a time is negative or not finite".to_owned());
        }
        for spread in &self.references {
            Reference::new(&spread.signal, spread.edges.clone(), spread.counts.clone())
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
