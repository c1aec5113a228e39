//! `policy keygen`: a new pair of keys to sign with.

use crate::cli::terminal;
use anyhow::{Context as _, ensure};
use clap::Args;
use portcullis::trust::SigningKey;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make a key that signs policies, heads and exceptions.
#[derive(Args)]
#[command(after_help = "\
Two files are written: NAME.key, which signs and which only its owner can read, and NAME.pub, which an installation trusts when
it lies in the folder keys of its state directory. An existing file is never overwritten.

Examples:
  portcullis policy keygen release
  portcullis policy keygen release --out keys && cp keys/release.pub state/keys/")]
pub(super) struct Arguments {
    /// Whose key it is: letters, digits, `.`, `_`, `@` and `-`.
    #[arg(value_name = "NAME")]
    name: String,

    /// The folder to write to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { name, out } = arguments;
    let key = SigningKey::generate(name)?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let (secret, public) = (out.join(format!("{name}.key")), out.join(format!("{name}.pub")));
    ensure!(!public.exists(), "{} is there already, expected a new name", public.display());
    key.write(&secret)?;
    key.public().write(&public)?;
    let id = key.public().id();
    terminal::emit(&format!("{}\n{}\nkey {id}\n", secret.display(), public.display()))?;
    Ok(ExitCode::SUCCESS)
}
