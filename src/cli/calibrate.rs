//! `calibrate`: curves and thresholds for the texts of one place, from its own rows.

mod flips;
mod heads;
mod reviews;
mod rows;

use super::guard_options::GuardOptions;
use super::terminal::{self, Table};
use anyhow::{Context as _, bail};
use clap::Args;
use heads::{Change, Fitted};
use portcullis::{DeviceKind, Guard};
use portcullis_calibration::Calibration;
use reviews::Reviewed;
use rows::Rows;
use std::path::{Path, PathBuf};
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

Reviewed cases can join the rows: with --reviews, those of a state directory that have labels, and with --benign also what its log
says was allowed; with --review-labels, the rows of `review export --with-scores`. What would change is shown, and nothing is
written without --write. Cases are texts that were held, so they count only beside everyday traffic.

Examples:
  portcullis calibrate traffic.jsonl --benign --out ours.toml
  portcullis calibrate labelled.jsonl --out ours.toml
  portcullis calibrate traffic.jsonl --benign --reviews state
  portcullis calibrate traffic.jsonl --benign --reviews state --out ours.toml --write
  portcullis check --calibration ours.toml \"how do I kill a zombie process?\"

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// The rows; `-` reads standard input.
    #[arg(value_name = "DATA.jsonl", required_unless_present_any = ["reviews", "review_labels"])]
    data: Option<PathBuf>,

    /// Where to write the calibration.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["reviews", "review_labels"])]
    out: Option<PathBuf>,

    /// The state directory whose reviewed cases join the rows.
    #[arg(long, value_name = "DIR")]
    reviews: Option<PathBuf>,

    /// Rows of `review export --with-scores` that join the others.
    #[arg(long, value_name = "FILE", conflicts_with = "reviews")]
    review_labels: Option<PathBuf>,

    /// Write what reviewed cases change, not only show it.
    #[arg(long, requires = "out")]
    write: bool,

    /// Take rows without labels for innocent traffic.
    #[arg(long)]
    benign: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    // Thresholds are those of the kernels, whose scores have one answer.
    let guard = options.unrecorded().on(DeviceKind::Cpu).guard()?;
    let reviewed = reviewed(arguments, &guard)?;
    let mut rows = match &arguments.data {
        Some(data) => rows::read(&guard, data, arguments.benign)?,
        None => Rows::default(),
    };
    let reviewed = match reviewed {
        Some(mut reviewed) => {
            if let Some(state) = arguments.traffic() {
                reviewed.add_traffic(&guard, state, &mut rows)?;
            }
            reviewed.join(&guard, &mut rows)?;
            Some(reviewed)
        }
        None => None,
    };
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
    .with_corrections(old.corrections().to_vec())?
    .with_exits(heads::exits(old, &fitted))?
    .with_references(heads::references(old, &rows, &fitted))?;
    let writes = reviewed.is_none() || arguments.write;
    if let Some(out) = arguments.out.as_ref().filter(|_| writes) {
        write(out, &new)?;
    }
    let mut text = table(&fitted, rows.judged, rows.unjudged);
    if let Some(reviewed) = reviewed {
        let counts = format!(
            "{} of the rows are reviewed cases, {} are of the log; {} more of another calibration are left out\n",
            reviewed.cases.len(),
            reviewed.traffic,
            reviewed.others
        );
        text = format!("{text}\n{counts}{}", flips::describe(&guard, &new, &fitted, &reviewed));
        if !writes {
            text.push_str("nothing is written: --out FILE --write does\n");
        }
    }
    terminal::emit(&text)?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// The state directory whose log is taken for innocent traffic.
    fn traffic(&self) -> Option<&Path> {
        self.reviews.as_deref().filter(|_| self.benign)
    }
}

/// The reviewed cases, where some are asked for.
fn reviewed(arguments: &Arguments, guard: &Guard) -> anyhow::Result<Option<Reviewed>> {
    if let Some(state) = &arguments.reviews {
        return Reviewed::from_queue(guard, state).map(Some);
    }
    arguments.review_labels.as_ref().map(|file| Reviewed::from_file(guard, file)).transpose()
}

fn write(out: &Path, new: &Calibration) -> anyhow::Result<()> {
    if out.is_dir() {
        bail!("cannot write {}: it is a directory, expected the name of a file", out.display());
    }
    std::fs::write(out, new.to_toml()).with_context(|| format!("cannot write {}", out.display()))
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
