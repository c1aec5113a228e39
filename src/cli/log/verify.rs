//! `log verify`: whether the log is what was written.

use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::Context as _;
use clap::Args;
use portcullis::log::{Head, Report, Verifier};
use portcullis::trust::PublicKey;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Most bytes read of a head.
const MOST_HEAD: u64 = 1 << 16;

/// Check that no entry was changed, removed, put in or moved, and say where one was.
#[derive(Args)]
#[command(after_help = "\
Every line is hashed again and held against the one before it, every signature checked, and the log must reach the entry
that its newest signed head names. What was appended since that head and cut off again leaves no trace, and whoever has the
secret key can sign another log: keep a copy of the public key (log.pub) and, from time to time, of log/head.json elsewhere,
and give them here.

Examples:
  portcullis --state ~/.portcullis log verify
  portcullis --state ~/.portcullis log verify --key /safe/log.pub --head /safe/head.json
  portcullis --state ~/.portcullis log verify --json | jq .problems

Exit status: 0 the log holds, 1 it does not, 2 an error.")]
pub(super) struct Arguments {
    /// A public key kept elsewhere, in place of the one in the state directory; may be given more than once.
    #[arg(long, value_name = "FILE.pub")]
    key: Vec<PathBuf>,

    /// A signed head kept elsewhere: a copy of log/head.json, whose entry the log must still hold.
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,

    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let state = super::state(options)?;
    super::exists(state)?;
    let mut verifier = if arguments.key.is_empty() {
        Verifier::new(state)?
    } else {
        let keys = arguments.key.iter().map(|path| PublicKey::read(path)).collect::<Result<_, _>>()?;
        Verifier::with_keys(state, keys)?
    };
    if let Some(path) = &arguments.head {
        verifier = verifier.reaching(read_head(path)?);
    }
    let report = verifier.verify()?;
    terminal::emit(&if arguments.json { serde_json::to_string(&report)? + "\n" } else { readable(&report) })?;
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn read_head(path: &Path) -> anyhow::Result<Head> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(MOST_HEAD)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| {
        format!("{} is no signed head of a log, expected a copy of head.json", path.display())
    })
}

fn readable(report: &Report) -> String {
    let mut text = format!(
        "{} segments, {} entries: {} verdicts, {} events\n",
        report.segments, report.entries, report.decisions, report.events
    );
    if let (Some(last), Some(hash)) = (report.last, &report.hash) {
        let _ = write!(text, "last entry {last} ({})", hash.get(..12).unwrap_or(hash));
        let _ = match report.signed {
            Some(signed) => writeln!(text, ", signed for up to {signed}"),
            None => writeln!(text, ", none signed for"),
        };
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {}", terminal::printable(&note.to_string()));
    }
    for problem in &report.problems {
        let _ = writeln!(text, "{}", terminal::printable(&problem.to_string()));
    }
    text.push_str(if report.holds() { "the log holds\n" } else { "the log does not hold\n" });
    text
}
