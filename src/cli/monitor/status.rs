//! `monitor status`: rates with their intervals, drift, alerts and conditions.

use super::View;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, Table};
use clap::Args;
use portcullis::monitor::{Rate, Status};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Show rates with their intervals, drift and alerts.
#[derive(Args)]
#[command(after_help = "\
Figures are of the policy whose verdict was the last. Windows are `short` and `long`, the last verdicts by count, and `timed`,
those of the last hour or as `[monitor] window` says.

Examples:
  portcullis monitor --state state status
  portcullis monitor --state state status --json | jq '.windows.long.rates.veto'

Exit status: 0, or 2 for an error.")]
pub(crate) struct Arguments {
    /// Print JSON, with names after OpenTelemetry's conventions.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let view = View::open(options)?;
    let Some(status) = status(&view) else {
        terminal::emit(if arguments.json { "null\n" } else { "no verdict was watched yet\n" })?;
        return Ok(ExitCode::SUCCESS);
    };
    if arguments.json {
        terminal::emit(&format!("{}\n", serde_json::to_string(&status)?))?;
    } else {
        terminal::emit(&readable(&status))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is known of the policy whose verdict was the last.
pub(crate) fn status(view: &View) -> Option<Status> {
    let watch = view.state.as_ref()?.newest()?;
    let policy = view.guard.policy().policy();
    let rollback = policy.rollback().filter(|_| policy.digest() == watch.policy().digest);
    let sigmas = view.settings.monitor.sigmas;
    Some(Status::new(watch, &view.references, view.baseline.is_some(), rollback, sigmas))
}

fn readable(status: &Status) -> String {
    let mut text = format!(
        "{} {}, {} verdicts, the last at {}; reference: {}\n\n",
        status.policy.id, status.policy.version, status.verdicts, status.latest, status.reference
    );
    const COLUMNS: [&str; 5] = ["window", "verdicts", "rate", "value", "interval"];
    let mut table = Table::new(&COLUMNS, &["verdicts", "value"]);
    let mut row = |window: &str, name: String, rate: &Rate| {
        table.row([
            window.to_owned(),
            rate.verdicts.to_string(),
            name,
            format!("{:.4}", rate.value),
            format!("{:.4} to {:.4}", rate.low, rate.high),
        ]);
    };
    for (window, known) in &status.windows {
        for (name, rate) in &known.rates {
            row(window, (*name).to_owned(), rate);
        }
    }
    if let Some(long) = status.windows.get("long") {
        for own in &long.rules {
            row("long", format!("rule {}", terminal::printable(&own.name)), &own.rate);
        }
        for own in &long.slices {
            row("long", format!("veto in {}", terminal::printable(&own.name)), &own.rate);
        }
    }
    text.push_str(&table.render());
    if let Some(long) = status.windows.get("long") {
        let time = |micros: Option<f64>| {
            micros.map_or_else(|| "unknown".to_owned(), |micros| format!("{micros:.0} µs"))
        };
        let _ = writeln!(
            text,
            "\nlatency in the long window: p50 {}, p99 {}",
            time(long.p50_us),
            time(long.p99_us)
        );
        if !long.drift.is_empty() {
            let mut table =
                Table::new(&["signal", "psi", "p-value", "verdicts"], &["psi", "p-value", "verdicts"]);
            for drift in &long.drift {
                table.row([
                    drift.signal.clone(),
                    format!("{:.3}", drift.psi),
                    format!("{:.1e}", drift.p_value),
                    drift.verdicts.to_string(),
                ]);
            }
            let _ = write!(text, "\n{}", table.render());
        }
    }
    text.push('\n');
    if status.alerts.is_empty() {
        text.push_str("no alert\n");
    }
    for alert in &status.alerts {
        let _ = writeln!(text, "ALERT {}", terminal::printable(&alert.message));
    }
    for condition in &status.conditions {
        let holds = if condition.holds { "holds" } else { "does not hold" };
        let _ = writeln!(text, "rollback on {} {}: {holds}", condition.key, condition.limit);
    }
    text
}
