//! The flags that every judging command shares, before or after its name, and the guard made from them.

use super::failure;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use portcullis::{Decision, DeviceKind, Guard, Level};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Once;
use std::time::Duration;

/// The heading of these flags in every help.
pub(super) const HEADING: &str = "Guard";

/// What judges: bundle, policy, device and limits. A flag goes before its environment variable.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = HEADING)]
pub(super) struct GuardOptions {
    /// The policy: a TOML file, or a directory with a `policy.toml`. Without it, the policy in the program.
    #[arg(long, global = true, value_name = "FILE|DIR", env = "PORTCULLIS_POLICY")]
    policy: Option<PathBuf>,

    /// The directory of the model bundles. Without it, the bundle in the program.
    #[arg(long, global = true, value_name = "DIR", env = "PORTCULLIS_MODELS")]
    models: Option<PathBuf>,

    /// The bundle of that directory to use, by its identifier. Without it, the default one.
    #[arg(long, global = true, value_name = "ID", env = "PORTCULLIS_MODEL")]
    model: Option<String>,

    /// Curves and thresholds in place of the bundle's own: a file that `calibrate` wrote.
    #[arg(long, global = true, value_name = "FILE", env = "PORTCULLIS_CALIBRATION")]
    calibration: Option<PathBuf>,

    /// Where to compute.
    #[arg(long, global = true, value_name = "DEVICE", env = "PORTCULLIS_DEVICE", default_value = "auto")]
    device: Device,

    /// The highest instruction level to use: scalar, avx2, avx-vnni or avx512-vnni; neon, neon-dotprod or neon-i8mm on
    /// ARM. It can only lower what the processor has; a level of another architecture means scalar.
    #[arg(long, global = true, value_name = "LEVEL", env = "PORTCULLIS_LEVEL", value_parser = parse_level)]
    level: Option<Level>,

    /// Threads. Without it, one for each processor.
    #[arg(long, global = true, value_name = "N", env = "PORTCULLIS_THREADS", value_parser = parse_threads)]
    threads: Option<usize>,

    /// Time allowed for a text, in milliseconds. The policy's `on_deadline` says what becomes of a late text.
    #[arg(long, global = true, value_name = "N", env = "PORTCULLIS_DEADLINE_MS")]
    deadline_ms: Option<u64>,

    /// Let a text that an exit of the model finds harmless by a wide margin go no further: less work on everyday texts,
    /// and their scores are the exit's. Whatever is found against a text is found by the whole model.
    #[arg(long, global = true, env = "PORTCULLIS_CASCADE")]
    cascade: bool,

    /// Do not look for the words behind a classifier's finding: less work on texts with such a finding, whose spans are then
    /// empty. Decisions stay the same.
    #[arg(long, global = true, env = "PORTCULLIS_NO_ATTRIBUTION")]
    no_attribution: bool,

    /// The directory for what is kept between runs.
    #[arg(long, global = true, value_name = "DIR", env = "PORTCULLIS_STATE")]
    state: Option<PathBuf>,

    /// Add a decision record for every verdict to this file, one JSON object a line. It never holds the text.
    #[arg(long, global = true, value_name = "FILE", env = "PORTCULLIS_RECORD")]
    record: Option<PathBuf>,

    /// The key for rules that replace by a hash or a synthetic value: a file of at least 16 bytes that are hard to guess.
    #[arg(long, global = true, value_name = "FILE", env = "PORTCULLIS_HASH_KEY")]
    hash_key: Option<PathBuf>,
}

/// Some commands make several guards of one policy.
static WARNED: Once = Once::new();

/// A place to compute.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Device {
    /// The best one that this program can use.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

impl GuardOptions {
    /// Loads the bundle and the policy, and tells the warnings about a policy that was asked for, once a process.
    ///
    /// # Errors
    /// When one of them cannot be read, or is not what it must be.
    pub(super) fn guard(&self) -> anyhow::Result<Guard> {
        let mut builder = Guard::builder().cascade(self.cascade).attribution(!self.no_attribution).device(
            match self.device {
                Device::Auto => DeviceKind::Auto,
                Device::Cpu => DeviceKind::Cpu,
                Device::Cuda => DeviceKind::Cuda,
                Device::Metal => DeviceKind::Metal,
            },
        );
        if let Some(path) = &self.policy {
            builder =
                builder.policy_file(if path.is_dir() { path.join("policy.toml") } else { path.clone() });
        }
        if let Some(directory) = &self.models {
            builder = builder.models_dir(directory);
        }
        if let Some(id) = &self.model {
            builder = builder.model(id);
        }
        if let Some(file) = &self.calibration {
            builder = builder.calibration_file(file);
        }
        if let Some(level) = self.level {
            builder = builder.level(level);
        }
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if let Some(milliseconds) = self.deadline_ms {
            builder = builder.deadline(Duration::from_millis(milliseconds));
        }
        if let Some(directory) = &self.state {
            builder = builder.state_dir(directory.clone());
        }
        if let Some(file) = &self.record {
            builder = builder.record_file(file.clone());
        }
        if let Some(file) = &self.hash_key {
            builder = builder.hash_key_file(file.clone());
        }
        let guard = builder.build().context("cannot start the guard")?;
        if self.policy.is_some() {
            WARNED.call_once(|| guard.policy().policy().warnings().iter().for_each(failure::warn));
        }
        Ok(guard)
    }

    /// The same options at another level.
    pub(super) fn at_level(&self, level: Level) -> Self {
        Self { level: Some(level), ..self.clone() }
    }

    /// The same options with another number of threads.
    pub(super) fn with_threads(&self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self.clone() }
    }

    /// The same options with every text read by the whole model, or not.
    pub(super) fn with_cascade(&self, cascade: bool) -> Self {
        Self { cascade, ..self.clone() }
    }

    /// The same options with neither deadline nor record, for measurements.
    pub(super) fn unrecorded(&self) -> Self {
        Self { deadline_ms: None, record: None, ..self.clone() }
    }

    /// The same options with no search for the words behind a finding.
    pub(super) fn unattributed(&self) -> Self {
        Self { no_attribution: true, ..self.clone() }
    }

    /// The same options with the policy in the program.
    pub(super) fn without_policy(&self) -> Self {
        Self { policy: None, ..self.clone() }
    }

    /// The number of threads asked for.
    pub(super) fn threads(&self) -> Option<usize> {
        self.threads
    }

    /// These options as arguments for a child process.
    pub(super) fn to_arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        let mut add = |flag: &str, value: Option<OsString>| {
            if let Some(value) = value {
                arguments.push(OsString::from(flag));
                arguments.push(value);
            }
        };
        add("--policy", self.policy.clone().map(Into::into));
        add("--models", self.models.clone().map(Into::into));
        add("--model", self.model.clone().map(Into::into));
        add("--calibration", self.calibration.clone().map(Into::into));
        add("--device", self.device.to_possible_value().map(|value| value.get_name().into()));
        add("--level", self.level.map(|level| level.to_string().into()));
        add("--threads", self.threads.map(|threads| threads.to_string().into()));
        add("--state", self.state.clone().map(Into::into));
        add("--hash-key", self.hash_key.clone().map(Into::into));
        if self.cascade {
            arguments.push("--cascade".into());
        }
        if self.no_attribution {
            arguments.push("--no-attribution".into());
        }
        arguments
    }
}

/// What a decision does to the exit status.
#[derive(Args, Clone, Copy)]
pub(super) struct StatusOptions {
    /// The exit status for a text that is vetoed or escalated.
    #[arg(long, value_name = "N", default_value_t = 1)]
    exit_code: u8,
}

impl StatusOptions {
    /// The exit status for this decision.
    pub(super) fn status(self, decision: Decision) -> ExitCode {
        if decision.releases() { ExitCode::SUCCESS } else { self.held() }
    }

    /// The exit status when a text is held back.
    pub(super) fn held(self) -> ExitCode {
        ExitCode::from(self.exit_code)
    }
}

fn parse_level(word: &str) -> Result<Level, String> {
    word.parse::<Level>().map_err(|error| error.to_string())
}

fn parse_threads(word: &str) -> Result<usize, String> {
    match word.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("expected a number in 1..=1024".to_owned()),
    }
}
