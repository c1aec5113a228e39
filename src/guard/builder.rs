//! How a guard is made: bundle, policy, level, threads, deadline and record.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use portcullis_kernels::{Kernels, Level};
use thiserror::Error;

use super::recorder::Recorder;
use super::{Guard, Inner};
use crate::bundle::{Bundle, BundleError};
use crate::policy::{BoundPolicy, KnownDetector, Policy, PolicyErrors};
use crate::rails::classifier::ClassifierRail;
use crate::rails::pattern::PatternRail;
use crate::record::RecordError;
use crate::tokenize::TokenizeError;
use crate::verdict::ModelRef;

/// A policy file longer than this is refused unread, in bytes.
const POLICY_LIMIT: u64 = 1 << 20;

/// Why a guard cannot be made or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GuardError {
    /// The bundle.
    #[error("cannot open the model bundle")]
    Bundle(#[from] BundleError),
    /// The policy file cannot be read.
    #[error("cannot read the policy {}", path.display())]
    PolicyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The policy is not valid.
    #[error("the policy is not valid")]
    Policy(#[from] PolicyErrors),
    /// The bundle's windows are impossible.
    #[error("the bundle's windows are not valid")]
    Windows(#[source] TokenizeError),
    /// The decision record.
    #[error("cannot open the decision record")]
    Record(#[from] RecordError),
    /// This build or machine has no such device.
    #[error("the device {device} is not available: {reason}")]
    Device {
        /// The device asked for.
        device: DeviceKind,
        /// Why not.
        reason: &'static str,
    },
    /// The encoder failed.
    #[error("the encoder failed: {0}")]
    Encode(String),
}

/// Where the encoder runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// The best that is there: today the CPU.
    #[default]
    Auto,
    /// The CPU, by the int8 kernels.
    Cpu,
    /// An NVIDIA GPU. Not in this build.
    Cuda,
    /// An Apple GPU. Not in this build.
    Metal,
}

impl DeviceKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cpu, Self::Cuda, Self::Metal];

    /// The word used in flags.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }
}

impl std::fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no device.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown device: expected auto, cpu, cuda or metal")]
pub struct UnknownDevice;

impl FromStr for DeviceKind {
    type Err = UnknownDevice;

    fn from_str(word: &str) -> Result<Self, UnknownDevice> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownDevice)
    }
}

/// Settings of a guard to be. Everything has a default: the embedded bundle and policy on all cores.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct GuardBuilder {
    models: Option<PathBuf>,
    model: Option<String>,
    calibration: Option<PathBuf>,
    policy: Option<PathBuf>,
    level: Option<Level>,
    threads: Option<usize>,
    deadline: Option<Duration>,
    device: DeviceKind,
    state: Option<PathBuf>,
    record: Option<PathBuf>,
}

impl GuardBuilder {
    /// Maps the default bundle of the directory, which holds an `index.toml`, in place of the embedded one.
    pub fn models_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.models = Some(dir.into());
        self
    }

    /// Opens the bundle `id` of the models directory in place of its default one.
    pub fn model(mut self, id: impl Into<String>) -> Self {
        self.model = Some(id.into());
        self
    }

    /// Reads curves and thresholds from the file, as `portcullis calibrate` writes it, in place of the bundle's own.
    pub fn calibration_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.calibration = Some(file.into());
        self
    }

    /// Reads the policy from the TOML file in place of the embedded one.
    pub fn policy_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.policy = Some(file.into());
        self
    }

    /// Lowers the instruction level; a level above what the CPU has is lowered to that.
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// The most threads a batch may use, at least 1; by default one a core. The verdicts do not depend on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Time allowed for a text whose request names none.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Where the encoder runs.
    pub fn device(mut self, device: DeviceKind) -> Self {
        self.device = device;
        self
    }

    /// Directory of the installation's key, by which records name texts; the key is made at the first use.
    ///
    /// Without it a key is made for this guard alone: equal texts then have equal names within its records only.
    pub fn state_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.state = Some(dir.into());
        self
    }

    /// Appends a decision record for every verdict to the file.
    pub fn record_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.record = Some(file.into());
        self
    }

    /// Opens everything.
    ///
    /// # Errors
    /// [`GuardError`]; a part that cannot be opened is never replaced by another.
    pub fn build(self) -> Result<Guard, GuardError> {
        if let DeviceKind::Cuda | DeviceKind::Metal = self.device {
            return Err(GuardError::Device {
                device: self.device,
                reason: "this build runs on the CPU only",
            });
        }
        let bundle = match (&self.models, &self.model) {
            (Some(dir), Some(id)) => Bundle::open_named(dir, id)?,
            (Some(dir), None) => Bundle::open(dir)?,
            (None, id) => {
                let bundle = Bundle::embedded()?;
                if let Some(id) = id.as_ref().filter(|id| **id != bundle.entry().id) {
                    let embedded = bundle.entry().id.clone();
                    return Err(BundleError::NotEmbedded { id: id.clone(), embedded }.into());
                }
                bundle
            }
        };
        let bundle = Arc::new(match &self.calibration {
            Some(path) => bundle.with_calibration(path)?,
            None => bundle,
        });
        let policy = match &self.policy {
            Some(path) => read_policy(path)?,
            None => Policy::embedded()?,
        };
        let policy_ref = policy.reference();
        let policy = bind(&policy, &bundle)?;
        let kernels = kernels(self.level)?;
        let threads = self.threads.unwrap_or_else(cores).max(1);
        let classifier =
            ClassifierRail::new(Arc::clone(&bundle), kernels, threads).map_err(GuardError::Windows)?;
        let words = match bundle.tokenizer() {
            Some(_) => None,
            None => Some(Bundle::embedded_words()?),
        };
        let model_ref = ModelRef { id: bundle.manifest().id.clone(), digest: bundle.entry().digest() };
        let recorder = Recorder::open(self.record.as_deref(), self.state.as_deref())?;
        Ok(Guard(Arc::new(Inner {
            bundle,
            policy,
            classifier,
            patterns: PatternRail::new(),
            words,
            level: kernels.level(),
            threads,
            deadline: self.deadline,
            model_ref,
            policy_ref,
            recorder,
        })))
    }
}

/// Binds the policy to the bundle's heads and calibration and to the pattern detectors.
fn bind(policy: &Policy, bundle: &Bundle) -> Result<BoundPolicy, PolicyErrors> {
    let heads: Vec<(String, bool)> = bundle
        .manifest()
        .heads
        .iter()
        .map(|head| (format!("classifier.{}", head.name), head.experimental))
        .collect();
    let heads = heads.iter().map(|(name, experimental)| (name.as_str(), *experimental));
    let patterns = PatternRail::names().map(|name| (name, false));
    let known: Vec<KnownDetector<'_>> =
        heads.chain(patterns).map(|(name, experimental)| KnownDetector { name, experimental }).collect();
    let threshold = |head: &str, target_fpr: f64| {
        let found = bundle.calibration().threshold(head, target_fpr).map_err(|e| e.to_string())?;
        Ok(found.threshold)
    };
    policy.bind(threshold, &known)
}

/// The kernels at `level`, or at the best level this CPU has when that is lower or none is asked for.
fn kernels(level: Option<Level>) -> Result<Kernels, GuardError> {
    let level = level.unwrap_or_else(Level::best).lowered();
    let reason = "no kernels for this CPU";
    Kernels::new(level).ok_or(GuardError::Device { device: DeviceKind::Cpu, reason })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn read_policy(path: &std::path::Path) -> Result<Policy, GuardError> {
    let failed = |source| GuardError::PolicyFile { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > POLICY_LIMIT {
        let message = format!("it has {length} bytes, more than the {POLICY_LIMIT} a policy may have");
        return Err(failed(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message)));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(Policy::parse(&text, &path.display().to_string())?)
}
