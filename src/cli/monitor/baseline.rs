//! `monitor baseline`: what later verdicts are compared with, from the installation's own log.

use super::state_dir;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::{Context as _, anyhow, ensure};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use portcullis::monitor::{self, BASELINE_FILE};
use std::process::ExitCode;
use std::time::SystemTime;

/// Take the installation's own verdicts for what is usual.
#[derive(Args)]
#[command(after_help = "\
The verdicts by the policy and the model of the last one count, at least 500 of them. Look at them first: what is wrong in them is
then taken for usual. A baseline holds counts and edges of scores, and no text. It is used by guards that start later, as long as
model and calibration stay the same.

Examples:
  portcullis monitor --state state baseline --by \"Ada Example\"
  portcullis monitor --state state baseline --since 7d --by \"Ada Example\"
  portcullis monitor --state state baseline --since 2031-05-09T00:00:00Z --by \"Ada Example\"

Exit status: 0, or 2 for an error.")]
pub(crate) struct Arguments {
    /// The first verdicts to take: a time, or how long ago; without it all.
    #[arg(long, value_name = "TIME|DURATION", value_parser = parse_since)]
    since: Option<i64>,

    /// Who says that these verdicts are as they should be.
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// A point in time, in seconds since 1970.
fn parse_since(text: &str) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_second());
    }
    let days = text.strip_suffix('d').and_then(|days| days.parse::<i64>().ok());
    let ago = days.and_then(|days| days.checked_mul(86_400)).map(SignedDuration::from_secs);
    let ago = ago.or_else(|| text.parse::<SignedDuration>().ok());
    ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok()).map(|time| time.as_second()).ok_or_else(|| {
        "expected a time such as 2031-05-09T14:00:00Z, or how long ago, such as 12h or 7d".to_owned()
    })
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let root = state_dir(options)?;
    let named =
        (1..=200).contains(&arguments.by.chars().count()) && !arguments.by.chars().any(char::is_control);
    ensure!(
        named,
        "a name in --by of {} characters: expected 1 to 200, none of them a control",
        arguments.by.chars().count()
    );
    let guard = options.unrecorded().guard()?;
    let now = portcullis::record::timestamp(SystemTime::now())?;
    let since = arguments.since.unwrap_or(i64::MIN);
    let references = guard.bundle().calibration().references();
    let baseline =
        monitor::take(root, since, &arguments.by, &now, references).context("cannot take a baseline")?;
    let folder = root.join(monitor::FOLDER);
    baseline.write(&folder)?;
    let rate = |events: u64| events as f64 / baseline.all.verdicts as f64;
    let written = folder.join(BASELINE_FILE);
    let spread = baseline.references().len();
    ensure!(monitor::Baseline::read(&folder)?.is_some(), anyhow!("{} was not written", written.display()));
    terminal::emit(&format!(
        "{}: {} verdicts from {} to {}\nveto {:.4}, escalate {:.4}, rewrite {:.4}; {} rules, {} slices, {spread} signals\n",
        written.display(),
        baseline.all.verdicts,
        baseline.from,
        baseline.to,
        rate(baseline.all.vetoes),
        rate(baseline.all.escalations),
        rate(baseline.all.rewrites),
        baseline.rules.len(),
        baseline.slices.len(),
    ))?;
    Ok(ExitCode::SUCCESS)
}
