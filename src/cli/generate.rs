//! `completions` and `man`: what packagers install beside the program.

use super::{command, terminal};
use anyhow::Context as _;
use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the completions of a shell.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis completions bash > ~/.local/share/bash-completion/completions/portcullis
  portcullis completions zsh > ~/.zfunc/_portcullis
  portcullis completions fish > ~/.config/fish/completions/portcullis.fish")]
pub(super) struct CompletionArguments {
    /// The shell.
    shell: Shell,
}

/// Write the man pages, one for the program and one for each command.
#[derive(Args)]
#[command(after_help = "\
Example:
  portcullis man ~/.local/share/man/man1 && man portcullis-check")]
pub(super) struct ManArguments {
    /// The directory to write to; made when it does not exist.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn completions(arguments: &CompletionArguments) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "portcullis", &mut script);
    terminal::emit(&String::from_utf8(script).context("the completions are not UTF-8")?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn man(arguments: &ManArguments) -> anyhow::Result<ExitCode> {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command(), directory))
        .with_context(|| format!("cannot write the man pages to {}", directory.display()))?;
    Ok(ExitCode::SUCCESS)
}
