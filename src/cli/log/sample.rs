//! `log sample`: the kept text of an escalated case.

use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use clap::Args;
use portcullis::installation::SampleSettings;
use portcullis::samples::{Samples, read_identity};
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the text of an escalated case, where the installation keeps encrypted samples.
#[derive(Args)]
#[command(after_help = "\
Texts are kept only of escalated cases, and only where portcullis.toml in the state directory names a recipient:
  [samples]
  recipient = \"age1…\"
The identity is the file that age-keygen wrote. It need not be on the machine that judges.

Example:
  portcullis --state ~/.portcullis log sample 018f3a6c2b7d4e5f60718293a4b5c6d7 --identity ~/review.key

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// The id of the decision, 32 hexadecimal digits.
    #[arg(value_name = "ID")]
    id: String,

    /// The file with the identity (AGE-SECRET-KEY-1…) of the recipient.
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    // What is kept may be read whatever the settings say now.
    let samples = Samples::open(super::state(options)?, &SampleSettings::default())?;
    let text = samples.read(&arguments.id, &read_identity(&arguments.identity)?)?;
    let text = if terminal::is_interactive() { terminal::printable(&text) } else { text };
    terminal::emit(&(text + "\n"))?;
    Ok(ExitCode::SUCCESS)
}
