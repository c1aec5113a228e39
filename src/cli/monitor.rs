//! `monitor`: what the watch over an installation's verdicts knows.

mod alerts;
mod baseline;
mod export;
mod simulate;
mod status;

use super::guard_options::GuardOptions;
use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use portcullis::Guard;
use portcullis::installation::Installation;
use portcullis::monitor::{self, Baseline, References, State, model_key};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

pub(super) use status::status;

/// Watch rates, drift and latency of an installation's verdicts.
#[derive(Args)]
#[command(after_help = "\
The monitor counts every verdict that is given with --state DIR; DIR/portcullis.toml says from where on it is an alert and where
alerts go (docs/monitor.md).

Examples:
  portcullis monitor --state state status
  portcullis monitor --state state alerts || echo \"something is wrong\"
  portcullis monitor --state state baseline --since 7d --by \"Ada Example\"
  portcullis monitor --state state export --prometheus portcullis.prom")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Status(status::Arguments),
    Alerts(alerts::Arguments),
    Baseline(baseline::Arguments),
    Export(export::Arguments),
    Simulate(simulate::Arguments),
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Status(arguments) => status::run(arguments, options),
        Command::Alerts(arguments) => alerts::run(arguments, options),
        Command::Baseline(arguments) => baseline::run(arguments, options),
        Command::Export(arguments) => export::run(arguments, options),
        Command::Simulate(arguments) => simulate::run(arguments),
    }
}

/// The state directory that was named.
pub(super) fn state_dir(options: &GuardOptions) -> anyhow::Result<&Path> {
    options
        .state()
        .ok_or_else(|| anyhow!("no state directory: expected --state DIR, whose verdicts are watched"))
}

/// What is known, beside what it is compared with.
pub(super) struct View {
    pub(super) settings: Installation,
    pub(super) guard: Guard,
    pub(super) state: Option<State>,
    pub(super) baseline: Option<Baseline>,
    pub(super) references: Arc<References>,
}

impl View {
    /// Reads everything.
    ///
    /// # Errors
    /// When there is no state directory, or something in it cannot be used.
    pub(super) fn open(options: &GuardOptions) -> anyhow::Result<Self> {
        let root = state_dir(options)?;
        let settings = Installation::read(root)?;
        let guard = options.unrecorded().guard()?;
        let model = model_key(&guard.model().digest, guard.calibration_digest());
        let references = guard.bundle().calibration().references();
        let (baseline, references) =
            monitor::comparison(root, &model, references).context("cannot compare with the baseline")?;
        let state = monitor::read(root).context("cannot read what the monitor knows")?;
        Ok(Self { settings, guard, state, baseline, references })
    }
}
