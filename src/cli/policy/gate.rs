//! `policy gate`: a candidate against the policy in force on labelled rows, for continuous integration.

mod measure;
mod report;

use crate::cli::data::Data;
use crate::cli::eval::SliceBy;
use crate::cli::eval::rows::{NO_SLICE, Row};
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::{Context as _, ensure};
use clap::Args;
use measure::{Budgets, Tally};
use portcullis::{Request, Shadow};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Rows judged together.
const BATCH: usize = 256;
/// The bytes of text from which a batch is judged before it is full.
const BATCH_BYTES: usize = 4 << 20;

/// Judge labelled rows by a candidate policy and by another, and fail past a budget.
#[derive(Args)]
#[command(after_help = "\
Rows are those of `eval`: {\"text\": \"…\", \"role\": \"user\", \"slice\": \"…\", \"labels\": {\"toxicity\": 0}}. A row is benign when it
has labels and all are 0; it is held when it is vetoed or escalated. Measured are
  flips      the share of rows that the two decide differently
  fpr        the share of benign rows that the candidate holds
  slice gap  the largest difference of that share between two slices
A figure that has a budget and no rows to measure it on is an error: nothing was shown.

Examples:
  portcullis policy gate policies/next --against policies/shop --data rows.jsonl --max-flips 0.01 --max-fpr 0.02
  portcullis policy gate next.toml --state state --data rows.jsonl --max-slice-gap 0.05 --junit gate.xml

Exit status: 0 within the budgets, 1 past one, 2 an error.")]
pub(super) struct Arguments {
    /// The candidate: a folder, or a policy's file.
    #[arg(value_name = "CANDIDATE")]
    candidate: PathBuf,

    /// The policy to compare with; `active` is the one that judges without this flag.
    #[arg(long, value_name = "POLICY", default_value = "active")]
    against: PathBuf,

    /// The rows; `-` reads standard input.
    #[arg(long, value_name = "FILE.jsonl")]
    data: PathBuf,

    /// The largest share of rows decided differently, in 0..=1.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    max_flips: Option<f64>,

    /// The largest share of benign rows held, in 0..=1.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    max_fpr: Option<f64>,

    /// The largest difference of that share between slices, in 0..=1.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    max_slice_gap: Option<f64>,

    /// The fewest benign rows of a slice that counts for the gap.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    min_slice_rows: u64,

    /// The key that names a row's slice.
    #[arg(long, value_name = "KEY", default_value = "slice")]
    slice_by: SliceBy,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    /// Write the outcome as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let policy = match arguments.against.as_path() {
        path if path == Path::new("active") => options.in_force()?,
        path => options.candidate(path)?,
    };
    // Rows are no traffic: they leave no trace in the state directory.
    let guard = options.guard_of(policy).context("cannot use the policy to compare with")?;
    let candidate = options.candidate(&arguments.candidate)?;
    let shadow = guard.shadow(&candidate).context("cannot use the candidate")?;
    let tally = judge(&shadow, arguments)?;
    let budgets = Budgets {
        flips: arguments.max_flips,
        fpr: arguments.max_fpr,
        slice_gap: arguments.max_slice_gap,
        slice_rows: arguments.min_slice_rows,
    };
    let gate = tally.gate(&shadow, &budgets)?;
    if let Some(path) = &arguments.junit {
        report::junit(&gate, path)?;
    }
    terminal::emit(&if arguments.json {
        serde_json::to_string(&gate)? + "\n"
    } else {
        report::table(&gate)
    })?;
    Ok(if gate.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Judges every row by both policies.
fn judge(shadow: &Shadow, arguments: &Arguments) -> anyhow::Result<Tally> {
    let mut data = Data::open(&arguments.data, "judging")?;
    let mut tally = Tally::default();
    let mut batch = Vec::with_capacity(BATCH);
    let mut bytes = 0;
    loop {
        let line = data.next_row()?;
        let last = line.is_none();
        if let Some(line) = line {
            let row = Row::parse(&line, arguments.slice_by, None).with_context(|| data.place())?;
            bytes += row.request.text.len();
            batch.push(row);
        }
        if last || batch.len() == BATCH || bytes > BATCH_BYTES {
            let (requests, known): (Vec<Request>, Vec<_>) = batch
                .drain(..)
                .map(|Row { mut request, known }: Row| {
                    let named = arguments.slice_by == SliceBy::Slice && known.slice != NO_SLICE;
                    request.slice = named.then(|| known.slice.clone());
                    (request, known)
                })
                .unzip();
            for (known, shadowed) in known.iter().zip(shadow.check_batch(&requests)) {
                tally.add(known, &shadowed);
            }
            bytes = 0;
        }
        if last {
            break;
        }
    }
    ensure!(tally.rows() > 0, "{} holds no rows: expected at least one", data.name);
    Ok(tally)
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a share from 0 to 1".to_owned())
}
