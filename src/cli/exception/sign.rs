//! `exception sign`: a signature under an exception's file.

use crate::cli::terminal;
use anyhow::{Context as _, ensure};
use clap::Args;
use portcullis::exception::{self, MAX_BYTES};
use portcullis::trust::SigningKey;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Sign an exception's file with a secret key, in the name of that key.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis exception sign press.toml --key ana.key
  portcullis exception sign draft.toml --key ana.key --out bundle/exceptions/press.toml

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// The file.
    file: PathBuf,

    /// The secret key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// Where to write it; without it, over the file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { file, key, out } = arguments;
    let key = SigningKey::read(key)?;
    let signed =
        exception::sign(&read(file)?, &key).with_context(|| format!("cannot sign {}", file.display()))?;
    let out = out.as_ref().unwrap_or(file);
    std::fs::write(out, signed).with_context(|| format!("cannot write {}", out.display()))?;
    terminal::emit(&format!("{} signed by {}\n", out.display(), key.name()))?;
    Ok(ExitCode::SUCCESS)
}

/// The text of an exception's file.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    let failed = || format!("cannot read {}", file.display());
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(failed)?;
    opened.take(MAX_BYTES as u64 + 1).read_to_string(&mut text).with_context(failed)?;
    ensure!(
        text.len() <= MAX_BYTES,
        "{} has more than {MAX_BYTES} bytes, the most that an exception may have",
        file.display()
    );
    Ok(text)
}
