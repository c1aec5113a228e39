//! `policy upgrade`: a policy moved to the next schema, with its comments and order.

use crate::cli::terminal;
use anyhow::Context as _;
use clap::Args;
use portcullis::policy::{Answers, Policy, file_of};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Move a policy from schema 1 to schema 2.
#[derive(Args)]
#[command(after_help = "\
What schema 2 asks for is put in, with revision 1; every text is decided as before. Comments, blank lines and order stay. The
policy's digest changes.

Examples:
  portcullis policy upgrade old.toml --owner \"Support team\" --objective \"Keep customers' data out of answers.\" > new.toml
  portcullis policy upgrade my-bundle --write --owner \"Support team\" --objective \"Keep customers' data out of answers.\"

Exit status: 0, or 2 for an error: a policy in schema 2 is one.")]
pub(super) struct Arguments {
    /// The policy: a file, or a bundle.
    path: PathBuf,

    /// Who answers for it.
    #[arg(long, value_name = "WHO")]
    owner: String,

    /// What it is for, in a sentence.
    #[arg(long, value_name = "TEXT")]
    objective: String,

    /// Replace the file, instead of printing the new policy.
    #[arg(long)]
    write: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let policy = Policy::open(&arguments.path)?;
    let answers = Answers { objective: arguments.objective.clone(), owner: arguments.owner.clone() };
    let upgraded = policy.upgraded(&answers)?;
    let file = file_of(&arguments.path);
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Policy::parse_in(&upgraded, &file.display().to_string(), folder)
        .context("the policy would not be valid in schema 2")?;
    if arguments.write {
        replace(&file, folder, &upgraded).with_context(|| format!("cannot write {}", file.display()))?;
        terminal::emit(&format!("{} is now in schema 2, with revision 1\n", file.display()))?;
    } else {
        terminal::emit(&upgraded)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts a new file in the place of `file`, which keeps its permissions; never half of one.
fn replace(file: &Path, folder: &Path, text: &str) -> std::io::Result<()> {
    let permissions = std::fs::metadata(file)?.permissions();
    let new = folder.join(format!(
        ".{}.{}.new",
        file.file_name().unwrap_or_default().display(),
        std::process::id()
    ));
    let written = std::fs::File::create_new(&new).and_then(|mut to| {
        to.write_all(text.as_bytes())?;
        to.set_permissions(permissions)?;
        to.sync_all()
    });
    let moved = written.and_then(|()| std::fs::rename(&new, file));
    if moved.is_err() {
        // The failure to tell is the first one.
        let _ = std::fs::remove_file(&new);
    }
    moved
}
