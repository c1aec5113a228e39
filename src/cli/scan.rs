//! `scan`: files, before they are committed or reach an assistant, and corpora in columns.

mod baseline;
#[cfg(feature = "parquet")]
mod columns;
mod found;
mod judge;
mod junit;
mod ordered;
mod page;
mod read;
mod report;
mod sarif;
mod sections;
mod strings;
mod walk;

use super::guard_options::GuardOptions;
use super::status_options::StatusOptions;
use super::{alerts, failure, input, terminal};
use anyhow::ensure;
use baseline::Baseline;
use clap::{Args, ValueEnum};
use found::Found;
use portcullis::{Decision, Guard, Role};
use read::{Reader, Settings};
use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use strings::Field;

/// Judge files and folders, or a column of a Parquet file.
#[derive(Args)]
#[command(after_help = "\
Text is judged whole, a long one in sections that overlap. Of .json and of the rows of .jsonl and .ndjson every string is judged, or
those that --field names. What cannot be judged (not UTF-8, bad rows, too large) is reported and takes the policy's on_fault; binary
files are skipped and counted. docs/scan.md tells all of it.

Examples:
  portcullis scan docs prompts
  portcullis scan --fail-on rewrite --exclude '*.lock' .
  portcullis scan --field /messages/*/content --role user chats.jsonl
  portcullis scan --write-baseline --baseline .portcullis-baseline.json . && portcullis scan --baseline .portcullis-baseline.json .
  portcullis scan --sarif scan.sarif --junit scan.xml .
  portcullis scan --parquet corpus.parquet --column text --out verdicts.parquet

Exit status: 0 when nothing is held back, 1 when something is (--fail-on), 2 an error.")]
pub(super) struct Arguments {
    /// The files and folders. Below a folder, what .gitignore, .ignore and .portcullisignore leave out is not scanned.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Who the text is from: user, assistant, tool or system. Files that an assistant retrieves are a tool's.
    #[arg(long, value_name = "ROLE", default_value = "tool", value_parser = input::parse_role)]
    role: Role,

    /// The data slice that the texts belong to: rules of the policy may be limited to some.
    #[arg(long, value_name = "NAME")]
    slice: Option<String>,

    /// The mildest action that makes the exit status 1.
    #[arg(long, value_name = "ACTION", default_value = "escalate")]
    fail_on: FailOn,

    #[command(flatten)]
    status: StatusOptions,

    /// Print one JSON object a finding, and one with the summary.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    files: FileOptions,

    #[cfg(feature = "parquet")]
    #[command(flatten)]
    columns: columns::ColumnOptions,
}

/// What holds for files.
#[derive(Args)]
struct FileOptions {
    #[command(flatten)]
    walk: walk::WalkOptions,

    /// Of JSON, judge the strings at or below this JSON pointer only, in which * stands for every item; may be given more than once.
    #[arg(long, value_name = "POINTER", value_parser = Field::parse)]
    field: Vec<Field>,

    /// The largest file that is read, in bytes; rows are read one by one, whatever their file's size.
    #[arg(long, value_name = "N", default_value_t = 64 << 20)]
    max_file_bytes: u64,

    /// Also hold back what is skipped otherwise: binary files, and rows without any --field.
    #[arg(long)]
    strict: bool,

    /// Do not report the findings that this file holds.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write every finding to the --baseline as known. The exit status is then 0.
    #[arg(long, requires = "baseline")]
    write_baseline: bool,

    /// Also write the findings as SARIF 2.1.0 to this file.
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,

    /// Also write a test for each file as JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// The mildest action that holds a file back.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Whatever is found.
    Rewrite,
    /// What is held for a person, or vetoed.
    Escalate,
    /// What is vetoed.
    Veto,
    /// Nothing.
    Never,
}

impl FailOn {
    /// Whether something with this action is held back.
    fn holds(self, action: Decision) -> bool {
        match self {
            Self::Rewrite => action >= Decision::Rewrite,
            Self::Escalate => action >= Decision::Escalate,
            Self::Veto => action >= Decision::Veto,
            Self::Never => false,
        }
    }
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "parquet")]
    if arguments.columns.is_asked_for() {
        return columns::run(arguments, options);
    }
    ensure!(!arguments.paths.is_empty(), "nothing to scan: expected files or folders");
    let files = &arguments.files;
    let found = walk::files(&arguments.paths, &files.walk)?;
    let baseline = match &files.baseline {
        Some(path) if !files.write_baseline => Some(Baseline::open(path)?),
        _ => None,
    };
    let (guard, threads) = guard(options)?;
    let settings = Settings {
        fields: files.field.clone(),
        most_bytes: files.max_file_bytes,
        strict: files.strict,
        ..Settings::of(&guard, arguments.role, arguments.slice.clone())
    };
    let on_fault = settings.on_fault;
    let progress = terminal::progress("scanning", found.files.len() as u64);
    let mut report = Report::new(arguments.json, arguments.fail_on, baseline, progress);
    report.tally.links = found.links;
    if files.sarif.is_some() || files.junit.is_some() || files.write_baseline {
        report.kept = Some(Vec::new());
    }
    report.files = files.junit.is_some().then(Vec::new);
    for (path, what) in found.problems {
        let path: Arc<str> = path.map_or_else(|| "?".to_owned(), |path| read::shown(&path)).into();
        report.tally.not_judged += 1;
        report.tell(Found::fault(path, None, on_fault, what))?;
    }
    let each_alone = options.has_deadline();
    let mut reader = Reader::new(found.files, settings);
    ordered::ordered(
        threads,
        || Ok(reader.next_batch()),
        |entries| judge::judge(&guard, entries, each_alone),
        |outcomes| report.take(outcomes),
    )?;
    report.tally.without_field = if files.field.is_empty() { 0 } else { report.fields.without };
    ensure!(
        files.field.is_empty() || report.fields.strings > 0,
        "no string at any --field: expected at least one in the files"
    );
    finish(arguments, &guard, &mut report)
}

/// Tells the summary and writes the files that were asked for.
fn finish(arguments: &Arguments, guard: &Guard, report: &mut Report) -> anyhow::Result<ExitCode> {
    let files = &arguments.files;
    report.finish(guard, arguments.role.as_str())?;
    alerts::tell(guard, true);
    let kept = report.kept.take().unwrap_or_default();
    if let Some(path) = &files.sarif {
        sarif::write(path, guard, &kept)?;
    }
    if let Some(path) = &files.junit {
        junit::write(path, report.files.as_deref().unwrap_or_default(), &kept, arguments.fail_on)?;
    }
    if let Some(path) = files.baseline.as_ref().filter(|_| files.write_baseline) {
        let written = baseline::write(path, &kept)?;
        failure::note(&format!("{written} findings are known from now on"));
        // What nothing could be read of stays unknown, and is not let pass.
        return Ok(if written < kept.len() { arguments.status.held() } else { ExitCode::SUCCESS });
    }
    Ok(if report.tally.held > 0 { arguments.status.held() } else { ExitCode::SUCCESS })
}

/// The guard, and the threads that share the texts out. Each judges whole batches: what a guard does on one thread is then done on all.
fn guard(options: &GuardOptions) -> anyhow::Result<(Guard, usize)> {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = options.threads().unwrap_or_else(cores);
    Ok((options.with_threads(1).guard()?, threads))
}
