//! `exception add`: takes an exception up in an installation.

use super::draft::Draft;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::{Context as _, ensure};
use clap::Args;
use portcullis::exception::{self, moment};
use portcullis::log::Event;
use portcullis::trust::SigningKey;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

/// Take up an exception: a file that is signed, or one made from flags and signed with --key.
#[derive(Args)]
#[command(after_help = "\
Without --text-file, --text-digest, --pattern, --role, --slice or --locale it is for every finding of its rules. Several of
them must all hold; of one of them that is given more than once, any.

Examples:
  portcullis exception add press.toml --state state
  portcullis exception add --state state --key ana.key --id press --rule pii.email --pattern 'press@example\\.org' \\
      --reason \"printed on every page\" --days 90
  portcullis exception add --state state --key ana.key --id letter --rule toxicity --text-file letter.txt \\
      --reason \"a quotation, reviewed\" --expires 2031-05-09T00:00:00Z

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// A file with the exception.
    #[arg(conflicts_with_all = ["id", "rules", "reason", "days", "expires", "effective", "text_files", "text_digests", "pattern",
        "roles", "slices", "locales"])]
    file: Option<PathBuf>,

    /// Sign it with this secret key.
    #[arg(long, value_name = "FILE", required_unless_present = "file")]
    key: Option<PathBuf>,

    #[command(flatten)]
    draft: Draft,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let (state, sources) = super::sources(options)?;
    let now = SystemTime::now();
    let text = match &arguments.file {
        Some(file) => super::sign::read(file)?,
        None => arguments.draft.to_toml(&state, now)?,
    };
    let text = match &arguments.key {
        Some(key) => exception::sign(&text, &SigningKey::read(key)?).context("cannot sign the exception")?,
        None => text,
    };
    let (added, path) = sources.add(&text, now).context("cannot add the exception")?;
    let event = Event::ExceptionAdded {
        id: added.id.clone(),
        approved_by: added.approved_by.clone(),
        expires: moment(added.expires),
    };
    // Whatever is in use is in the log.
    if let Err(error) = super::log(&state, event) {
        let removed = std::fs::remove_file(&path);
        ensure!(removed.is_ok(), "cannot log the exception, nor remove {}: {error:#}", path.display());
        return Err(error.context("cannot log the exception: it was not added"));
    }
    terminal::emit(&format!(
        "{} added: {} for {}, approved by {}, until {}\n",
        added.id,
        added.scope.rules.join(", "),
        terminal::printable(&super::described(&added.scope)),
        added.approved_by,
        moment(added.expires)
    ))?;
    Ok(ExitCode::SUCCESS)
}
