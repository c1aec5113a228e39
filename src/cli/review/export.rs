//! `review export`: labelled cases as rows.

use super::Which;
use super::texts::Kept;
use crate::cli::data::Data;
use crate::cli::failure;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::{Context as _, anyhow, ensure};
use clap::Args;
use portcullis::record::InstallationKey;
use portcullis::review::{Case, Ruling};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write the labelled cases as rows for `eval` and `calibrate`.
#[derive(Args)]
#[command(after_help = "\
A row needs a text, which the queue does not hold. With --texts, the texts are looked for by their digests among rows of your
own; with --identity, they are taken from the samples where the installation keeps some. With --with-scores, cases without a text are written too, with the scores of their records, for
`calibrate --review-labels`.

Examples:
  portcullis review export --state state --texts traffic.jsonl --out labels.jsonl && portcullis eval labels.jsonl
  portcullis review export --state state --with-scores --out labels.jsonl

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,

    /// Where to write the rows; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Rows `{\"text\": \"…\"}` among which the texts of the cases are looked for.
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,

    /// The identity to which kept texts are encrypted: takes the texts from the samples.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,

    /// Write the scores as well, and cases without a text.
    #[arg(long)]
    with_scores: bool,
}

#[derive(Deserialize)]
struct Wire {
    text: String,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let (state, queue) = super::queue(options)?;
    let cases = queue.list(&arguments.which.filter())?;
    let labelled: Vec<(&Case, &Ruling)> = cases
        .iter()
        .filter_map(|case| Some((case, case.ruling().filter(|ruling| !ruling.labels.is_empty())?)))
        .collect();
    let mut texts = match &arguments.texts {
        Some(file) => {
            let wanted = labelled.iter().map(|(case, _)| case.record.text_digest.as_str()).collect();
            find(&state, file, wanted)?
        }
        None => BTreeMap::new(),
    };
    if let Some(identity) = &arguments.identity {
        texts.extend(Kept::open(&state, identity)?.texts(&state, &cases));
    }
    let mut lines = String::new();
    let mut written = 0_usize;
    for (case, ruling) in &labelled {
        let text = texts.get(&case.record.text_digest);
        if text.is_some() || arguments.with_scores {
            lines += &row(case, ruling, text, arguments.with_scores)?;
            written += 1;
        }
    }
    write(&arguments.out, &lines)?;
    failure::note(&format!(
        "{written} rows of {} cases: {} have no labels, {} no text",
        cases.len(),
        cases.len() - labelled.len(),
        labelled.iter().filter(|(case, _)| !texts.contains_key(&case.record.text_digest)).count()
    ));
    Ok(ExitCode::SUCCESS)
}

fn row(case: &Case, ruling: &Ruling, text: Option<&String>, with_scores: bool) -> anyhow::Result<String> {
    let record = &case.record;
    let mut row = serde_json::json!({
        "decision_id": record.decision_id,
        "role": record.role,
        "labels": ruling.labels,
        "source": "review",
        "outcome": ruling.outcome,
    });
    let object = row.as_object_mut().context("a row is an object")?;
    if let Some(text) = text {
        object.insert("text".to_owned(), text.clone().into());
    }
    if let Some(slice) = &record.slice {
        object.insert("slice".to_owned(), slice.clone().into());
    }
    if with_scores {
        object.insert("scores".to_owned(), serde_json::to_value(&record.scores)?);
        object.insert("calibration".to_owned(), record.calibration.clone().into());
    }
    Ok(format!("{row}\n"))
}

/// The texts among the rows of a file that have one of these digests.
pub(super) fn find(
    state: &Path,
    file: &Path,
    wanted: BTreeSet<&str>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let key = InstallationKey::load_or_create(state)?;
    let mut found = BTreeMap::new();
    let mut data = Data::open(file, "looking for texts")?;
    while let Some(line) = data.next_row()? {
        // The message of the JSON library may quote the row.
        let wire: Wire = serde_json::from_slice(&line).map_err(|error| {
            anyhow!("{}: at column {}: expected an object with a string `text`", data.place(), error.column())
        })?;
        let digest = key.text_digest(&wire.text);
        if wanted.contains(digest.as_str()) {
            found.insert(digest, wire.text);
        }
    }
    Ok(found)
}

/// Writes the rows, which may hold texts, for their owner only.
fn write(out: &Path, lines: &str) -> anyhow::Result<()> {
    if out.as_os_str() == "-" {
        return terminal::emit(lines);
    }
    ensure!(!out.is_dir(), "cannot write {}: it is a directory, expected the name of a file", out.display());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(out).and_then(|mut file| file.write_all(lines.as_bytes()));
    written.with_context(|| format!("cannot write {}", out.display()))
}
