//! `scan --parquet`: a column of texts to a file of verdicts, row group by row group, in bounded memory.

mod boundary;
mod input;
mod output;
mod rows;
mod tally;

use super::{Arguments, guard, ordered};
use crate::cli::guard_options::GuardOptions;
use crate::cli::{alerts, terminal};
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use input::Input;
use output::{Output, Shape};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tally::Tally;

/// A corpus in columns.
#[derive(Args)]
#[command(next_help_heading = "Parquet")]
pub(super) struct ColumnOptions {
    /// Judge the texts of this Parquet file, in place of files and folders.
    #[arg(
        long,
        value_name = "FILE",
        requires_all = ["column", "out"],
        conflicts_with_all = [
            "paths", "hidden", "no_ignore", "glob", "exclude", "field", "max_file_bytes", "strict", "baseline", "sarif", "junit",
        ]
    )]
    parquet: Option<PathBuf>,

    /// The column of the texts, a string for each row.
    #[arg(long, value_name = "NAME", requires = "parquet")]
    column: Option<String>,

    /// Copy this column to the verdicts; may be given more than once.
    #[arg(long, value_name = "NAME", requires = "parquet")]
    id_column: Vec<String>,

    /// The file of the verdicts, which is there whole or not at all.
    #[arg(long, value_name = "FILE", requires = "parquet")]
    out: Option<PathBuf>,

    /// Leave the texts out of the verdicts.
    #[arg(long, requires = "parquet")]
    no_text: bool,
}

impl ColumnOptions {
    pub(super) fn is_asked_for(&self) -> bool {
        self.parquet.is_some()
    }
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let ColumnOptions { parquet: Some(path), column: Some(column), id_column, out: Some(out), no_text } =
        &arguments.columns
    else {
        bail!("--parquet needs --column and --out");
    };
    ensure!(!same_file(path, out), "--out names the file that is read: expected another");
    boundary::keep_quiet();
    let mut input = Input::open(path, column, id_column)?;
    // No column tells where in a text a finding is.
    let (guard, threads) = guard(&options.unattributed())?;
    let shape = Arc::new(Shape::new(&guard, input.id_fields(), !no_text)?);
    let mut output = Output::create(out, &shape, &guard, column, arguments.role)?;
    let stop = interrupted()?;
    let progress = terminal::progress("judging", input.rows());
    let each_alone = options.has_deadline();
    let start = Instant::now();
    let mut tally = Tally::default();
    ordered::ordered(
        threads,
        || {
            ensure!(!stop.load(Ordering::Relaxed), "interrupted: no verdicts were written");
            input.next()
        },
        |stretch| rows::judge(&guard, &shape, stretch, arguments, each_alone),
        |judged| {
            let (batches, counts) = judged?;
            progress.inc(counts.rows as u64);
            tally.add(counts);
            batches.iter().try_for_each(|batch| output.write(batch))
        },
    )?;
    output.finish()?;
    progress.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    terminal::emit(&match arguments.json {
        true => tally.json(&guard, arguments.role.as_str(), threads, seconds)?,
        false => tally.table(threads, seconds),
    })?;
    alerts::tell(&guard, true);
    let is_held = tally.decisions.keys().any(|decision| arguments.fail_on.holds(*decision));
    Ok(if is_held { arguments.status.held() } else { ExitCode::SUCCESS })
}

fn same_file(input: &std::path::Path, output: &std::path::Path) -> bool {
    match (input.canonicalize(), output.canonicalize()) {
        (Ok(input), Ok(output)) => input == output,
        _ => false,
    }
}

/// Set by the first interrupt; the second ends the program.
fn interrupted() -> anyhow::Result<Arc<AtomicBool>> {
    const INTERRUPTED: i32 = 130;
    let stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
    })
    .context("cannot watch for interrupts")?;
    Ok(stop)
}
