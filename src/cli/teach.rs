//! `teach`: a head for a category of one's own, from examples, on the frozen model.

mod report;
mod rows;
mod trial;

use super::failure;
use super::guard_options::GuardOptions;
use super::terminal;
use anyhow::{Context as _, ensure};
use clap::Args;
use portcullis::policy::{SIGNATURE_ENDING, sign_head};
use portcullis::trust::SigningKey;
use portcullis_calibration::teach::{self, Example, TeachError};
use portcullis_calibration::{CalibrationError, TaughtHead};
use rows::Rows;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Hex digits of a file's digest in its name.
const DIGITS: usize = 12;

/// Teach the model a category of your own from a few examples.
#[derive(Args)]
#[command(after_help = "\
A row is an object on a line of its own, 1 for a text of the category and 0 for another:
  {\"text\": \"Place your bets before the race starts.\", \"label\": 1}
  {\"text\": \"The race starts at noon by the old bridge.\", \"label\": 0}
At least 20 rows of the category are needed, and as many others: rows with the label 0, best of what looks alike and is not
meant, or everyday traffic with --benign, in which rows need no label. A threshold for a target rate of 0.01 needs 299 rows
that are not of the category, one for 0.001 needs 2995.

What is learnt is a linear function of the model's states. It is cross-validated (each row is scored by a function that has
not seen it) and calibrated, and written as NAME-DIGEST.head.toml. A policy in the same folder uses it with
  [[head]]
  file = \"NAME-DIGEST.head.toml\"
and rules on the detector custom.NAME. It belongs to the weights it was taught on. The file holds no text.

Examples:
  portcullis teach gambling --examples rows.jsonl
  portcullis teach gambling --examples rows.jsonl --benign traffic.jsonl --out policies
  portcullis teach gambling --examples rows.jsonl --sign release.key
  portcullis teach gambling --examples rows.jsonl --dry-run --try texts.jsonl

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// The name of the category: lower-case letters, digits and `_`, a letter first.
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: String,

    /// The labelled rows; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    examples: PathBuf,

    /// Everyday traffic that is not of the category.
    #[arg(long, value_name = "FILE")]
    benign: Option<PathBuf>,

    /// The folder to write the head to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,

    /// Sign the head with this secret key; the signature is written beside it, with `.sig` after its name.
    #[arg(long, value_name = "KEY", conflicts_with = "dry_run")]
    sign: Option<PathBuf>,

    /// Write nothing; show what would be caught.
    #[arg(long)]
    dry_run: bool,

    /// Texts to try the head on, `{"text": "…"}` a line: those that it would catch are listed by line and score.
    #[arg(long = "try", value_name = "FILE", requires = "dry_run")]
    texts: Option<PathBuf>,

    /// Show the texts that would be caught, not their lines alone.
    #[arg(long, requires = "texts")]
    show: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let Arguments { name, out, .. } = arguments;
    ensure!(
        arguments.dry_run || out.is_dir(),
        "{} is no folder: expected one to write the head to",
        out.display()
    );
    let standard = |path: &Path| path.as_os_str() == "-";
    ensure!(
        !(standard(&arguments.examples) && arguments.benign.as_deref().is_some_and(standard)),
        "--examples and --benign both read standard input: expected a file for one of them"
    );
    // A key that cannot be read is told before anything is taught.
    let key = arguments.sign.as_deref().map(SigningKey::read).transpose()?;
    // A policy whose head is of other weights must not keep a new one from being taught.
    let guard = options.unrecorded().without_policy().guard()?;
    // A bundle without states is refused before the rows are read.
    guard.states(&[])?;
    let rows = Rows::read(&guard, &arguments.examples, arguments.benign.as_deref())?;
    let examples: Vec<Example<'_>> =
        rows.list.iter().map(|row| Example { windows: &row.windows, positive: row.positive }).collect();
    let lesson = teach::teach(name, &examples).map_err(|error| with_advice(error, arguments))?;
    let scores = lesson.scores.clone();
    let created_by = format!("portcullis {} teach", env!("CARGO_PKG_VERSION"));
    let head = TaughtHead::new(guard.bundle().weights_digest(), &rows.digest, &created_by, lesson)?;
    let mut text = report::describe(&head, &rows, &scores)?;
    report::warnings(&head, &rows).iter().for_each(failure::warn);
    if arguments.dry_run {
        if let Some(texts) = &arguments.texts {
            text += &trial::run(&guard, &head, texts, arguments.show)?;
        }
    } else {
        let file = write(&head, out, key.as_ref())?;
        text += &report::usage(&head, &out.join(&file), &file, key.as_ref());
    }
    terminal::emit(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the head into the folder under a name that carries its digest, and its signature; answers the head's name.
fn write(head: &TaughtHead, folder: &Path, key: Option<&SigningKey>) -> anyhow::Result<String> {
    let content = head.to_toml();
    let digest = blake3::hash(content.as_bytes()).to_hex();
    let digits = digest.get(..DIGITS).unwrap_or_default();
    let name = format!("{}-{digits}.head.toml", head.head().name);
    let write = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
    };
    write(&name, &content)?;
    if let Some(key) = key {
        let mut signature = serde_json::to_string(&sign_head(key, content.as_bytes()))?;
        signature.push('\n');
        write(&format!("{name}{SIGNATURE_ENDING}"), &signature)?;
    }
    Ok(name)
}

/// The error with what to do about it.
fn with_advice(error: TeachError, arguments: &Arguments) -> anyhow::Error {
    let advice = match &error {
        TeachError::Positives { .. } => "add rows with the label 1",
        TeachError::Negatives { .. } if arguments.benign.is_none() => {
            "add rows with the label 0, or everyday traffic with --benign FILE"
        }
        TeachError::Negatives { .. } => "add rows with the label 0, or more traffic to the file of --benign",
        TeachError::Indistinct(_) => {
            "look for wrong labels, or for what the rows of the category have in common"
        }
        _ => return error.into(),
    };
    anyhow::anyhow!("{error}: {advice}").context(format!("cannot teach {}", arguments.name))
}

fn parse_name(name: &str) -> Result<String, String> {
    let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    match letters && first && name.len() <= 64 {
        true => Ok(name.to_owned()),
        false => Err("expected 1 to 64 lower-case letters, digits and `_`, a letter first".to_owned()),
    }
}

/// The false positive rates of the thresholds that the head lacks for want of negative examples, the largest.
fn missing_rate(head: &TaughtHead) -> Option<(f64, u64)> {
    let missing = |rate: &f64| matches!(head.threshold(*rate), Err(CalibrationError::Unshown { .. }));
    let rate = teach::TARGET_FPRS.into_iter().rev().find(missing)?;
    Some((rate, teach::least_negatives(rate)))
}
