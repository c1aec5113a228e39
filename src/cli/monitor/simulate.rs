//! `monitor simulate`: false alarms and power of the default limits, on verdicts drawn at random.

mod chance;
mod world;

use crate::cli::terminal::{self, Table};
use anyhow::bail;
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::process::ExitCode;
use world::{Shift, World};

/// Measure false alarms and power of the default limits.
#[derive(Args)]
#[command(after_help = "\
Verdicts are drawn at random and independent of each other: 2% vetoes, 1% escalations, 5% rewrites, 0.1% faults, six rules, four
slices, six heads, five verdicts a second. Each run takes a baseline of 10,000 of them. For false alarms it then judges as many
again of the same kind; for power it judges 10,000 of the same kind and then up to 50,000 of another, until the alert is there.

Examples:
  portcullis monitor simulate --seed 1 --runs 200
  portcullis monitor simulate --json

Exit status: 0, or 2 for an error.")]
pub(crate) struct Arguments {
    /// From which the random numbers are made: the same seed gives the same table.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Runs for each row.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,

    /// Measure the power against this shift only, by its name in the table.
    #[arg(long, value_name = "NAME")]
    shift: Option<String>,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Serialize)]
struct Report {
    seed: u64,
    runs: u32,
    /// Verdicts of each run without a shift.
    verdicts: u64,
    /// Alerts raised without a shift, over all runs.
    false_alarms: u64,
    per_10_000: f64,
    /// The upper bound of that at 95% confidence, for Poisson counts.
    per_10_000_at_most: f64,
    power: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    shift: &'static str,
    indicator: &'static str,
    caught: u32,
    /// Verdicts after the shift until the alert: the median and the ninth decile of the runs, those that caught nothing counted
    /// last.
    median: Option<u64>,
    p90: Option<u64>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let wanted = |shift: &Shift| arguments.shift.as_ref().is_none_or(|name| name == shift.name);
    let shifts: Vec<(u64, Shift)> = (1..).zip(Shift::ALL).filter(|(_, shift)| wanted(shift)).collect();
    if shifts.is_empty() {
        let names = Shift::ALL.map(|shift| shift.name).join(", ");
        bail!("an unknown shift in --shift: expected one of {names}");
    }
    let bar = terminal::progress("simulating", u64::from(arguments.runs) * (1 + shifts.len() as u64));
    let mut false_alarms = 0;
    for run in 0..arguments.runs {
        false_alarms += World::new(arguments.seed, 0, run).false_alarms();
        bar.inc(1);
    }
    let mut power = Vec::new();
    for (number, shift) in shifts {
        let mut waits = Vec::new();
        for run in 0..arguments.runs {
            waits.push(World::new(arguments.seed, number, run).wait(shift).unwrap_or(u64::MAX));
            bar.inc(1);
        }
        waits.sort_unstable();
        let at = |share: f64| {
            let place = ((f64::from(arguments.runs) * share).ceil() as usize).saturating_sub(1);
            waits.get(place).copied().filter(|wait| *wait < u64::MAX)
        };
        let caught = waits.iter().filter(|wait| **wait < u64::MAX).count();
        power.push(Row {
            shift: shift.name,
            indicator: shift.indicator,
            caught: u32::try_from(caught).unwrap_or(u32::MAX),
            median: at(0.5),
            p90: at(0.9),
        });
    }
    bar.finish_and_clear();
    let verdicts = world::QUIET;
    let units = f64::from(arguments.runs) * verdicts as f64 / 10_000.0;
    let report = Report {
        seed: arguments.seed,
        runs: arguments.runs,
        verdicts,
        false_alarms,
        per_10_000: false_alarms as f64 / units,
        per_10_000_at_most: most(false_alarms) / units,
        power,
    };
    if arguments.json {
        terminal::emit(&format!("{}\n", serde_json::to_string(&report)?))?;
    } else {
        terminal::emit(&readable(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The rate at which `events` or fewer of a Poisson variable have the probability 5%: half of a quantile of chi-square.
fn most(events: u64) -> f64 {
    let degrees = u32::try_from(2 * events + 2).unwrap_or(u32::MAX);
    let (mut low, mut high) = (0.0, 10.0 + 4.0 * events as f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if portcullis_calibration::chi_square_upper(2.0 * middle, degrees) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

fn readable(report: &Report) -> String {
    let mut text = format!(
        "seed {}, {} runs\nno shift: {} alerts in {} verdicts, {:.3} per 10,000, at most {:.3} (95%)\n\n",
        report.seed,
        report.runs,
        report.false_alarms,
        u64::from(report.runs) * report.verdicts,
        report.per_10_000,
        report.per_10_000_at_most
    );
    let mut table = Table::new(&["shift", "alert", "caught", "median", "p90"], &["caught", "median", "p90"]);
    for row in &report.power {
        let wait =
            |verdicts: Option<u64>| verdicts.map_or_else(|| "-".to_owned(), |verdicts| verdicts.to_string());
        table.row([
            row.shift.to_owned(),
            row.indicator.to_owned(),
            format!("{}/{}", row.caught, report.runs),
            wait(row.median),
            wait(row.p90),
        ]);
    }
    let _ = writeln!(text, "{}(verdicts after the shift until the alert)", table.render());
    text
}
