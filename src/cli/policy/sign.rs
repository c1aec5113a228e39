//! `policy sign`: a signed list of what a bundle holds.

use crate::cli::terminal;
use clap::Args;
use jiff::Timestamp;
use portcullis::store::{self, Validity};
use portcullis::trust::SigningKey;
use std::path::PathBuf;
use std::process::ExitCode;

/// Sign a policy bundle.
#[derive(Args)]
#[command(after_help = "\
A bundle is a folder with a policy.toml, and then everything in the folder is signed, or a policy's file with the files that it
names. The signature is written to SIGNATURE.json in the folder, or to FILE.signature.json beside the file, in place of one that
is there. A policy with mistakes is not signed.

Examples:
  portcullis policy sign policies/shop --key keys/release.key
  portcullis policy sign shop.toml --key keys/release.key --not-before 2031-05-09T06:00:00Z --expires 2032-05-09T00:00:00Z")]
pub(super) struct Arguments {
    /// The bundle: a folder, or a policy's file.
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// The secret key, as `policy keygen` writes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// From when on the policy may be used (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    not_before: Option<Timestamp>,

    /// From when on it may not be put in force any more (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires: Option<Timestamp>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let key = SigningKey::read(&arguments.key)?;
    let validity = Validity { not_before: arguments.not_before, expires: arguments.expires };
    let signature = store::sign(&arguments.path, &key, validity)?;
    terminal::emit(&format!("{}\n", signature.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// A time with its zone.
pub(super) fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a time such as 2031-05-09T14:00:00Z (RFC 3339)".to_owned())
}
