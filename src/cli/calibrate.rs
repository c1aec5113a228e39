//! `calibrate`: curves and thresholds for the texts of one place, from its own rows.

mod heads;
mod rows;

use super::guard_options::GuardOptions;
use super::terminal::{self, Table};
use anyhow::{Context as _, bail};
use clap::Args;
use heads::{Change, Fitted};
use portcullis_calibration::Calibration;
use std::path::PathBuf;
use std::process::ExitCode;

/// Fit curves and thresholds to your own texts.
#[derive(Args)]
#[command(after_help = "\
A row is an object on a line of its own, labelled for some heads or for none:
  {\"text\": \"…\", \"labels\": {\"toxicity\": 1, \"hate\": 0}}
  {\"text\": \"…\"}
A row without labels is taken for innocent everyday traffic with --benign, and is an error without it. Attacks among such
rows make the guard blind to their like: look through them first.

A head's curve is fitted again when the rows hold at least 50 labelled positives and 50 labelled negatives of it; else the
bundle's stays. For each target rate, a threshold that lets too many of your innocent rows through to an alarm is raised.
It is lowered only as far as your rows show, at 95% confidence, that the target still holds; few rows lower nothing. Rows
that the guard does not judge whole are left out. What the exits of the model mean is kept as in the bundle. From 500 innocent rows on, the spread of a head's scores
over them is what the monitor tells drift from.

The file names the weights it belongs to. Use it with --calibration FILE; the verdicts then name its digest.

Examples:
  portcullis calibrate traffic.jsonl --benign --out ours.toml
  portcullis calibrate labelled.jsonl --out ours.toml
  portcullis check --calibration ours.toml \"how do I kill a zombie process?\"

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// The rows; `-` reads standard input.
    #[arg(value_name = "DATA.jsonl")]
    data: PathBuf,

    /// Where to write the calibration.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Take rows without labels for innocent traffic.
    #[arg(long)]
    benign: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let guard = options.unrecorded().guard()?;
    let rows = rows::read(&guard, &arguments.data, arguments.benign)?;
    let old = guard.bundle().calibration();
    let fitted = old
        .heads()
        .iter()
        .enumerate()
        .map(|(column, head)| {
            heads::fit(head, &rows, column).with_context(|| format!("cannot calibrate {}", head.name))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let new = Calibration::new(
        old.model_digest(),
        &rows.digest,
        &format!("portcullis {} calibrate", env!("CARGO_PKG_VERSION")),
        fitted.iter().map(|fitted| fitted.head.clone()).collect(),
    )?
    .with_exits(heads::exits(old, &fitted))?
    .with_references(heads::references(old, &rows, &fitted))?;
    let out = &arguments.out;
    if out.is_dir() {
        bail!("cannot write {}: it is a directory, expected the name of a file", out.display());
    }
    std::fs::write(out, new.to_toml()).with_context(|| format!("cannot write {}", out.display()))?;
    terminal::emit(&table(&fitted, rows.judged, rows.unjudged))?;
    Ok(ExitCode::SUCCESS)
}

fn table(fitted: &[Fitted], judged: usize, unjudged: usize) -> String {
    const COLUMNS: [&str; 7] = ["head", "positive", "negative", "curve", "raised", "lowered", "kept"];
    let mut table = Table::new(&COLUMNS, &COLUMNS[1..]);
    for fitted in fitted {
        let count = |wanted: Change| fitted.changes.iter().filter(|change| **change == wanted).count();
        table.row([
            fitted.head.name.clone(),
            fitted.positives.to_string(),
            fitted.negatives.to_string(),
            if fitted.refitted { "fitted" } else { "kept" }.to_owned(),
            count(Change::Raised).to_string(),
            count(Change::Lowered).to_string(),
            count(Change::Kept).to_string(),
        ]);
    }
    format!(
        "{judged} rows, {unjudged} more not judged whole and left out; thresholds by target rate:\n{}",
        table.render()
    )
}
